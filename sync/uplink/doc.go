// Package uplink brings to central what gates have recorded: this gate's own
// logs first, then those of gates that have no way out themselves. It asks
// central how far it has each log and sends what is missing, in signed and
// chained batches that may pass through any hands. Without a way out it waits
// and tries again, for days if need be.
//
// It never deletes anything, keeps no state of its own (central's answer is the
// state), opens no record and makes no decision: the lanes do not know whether
// it runs. Logs that central has closed, or refuses, are passed over and shown;
// the others go on. gate/appliance runs it, and asks it what may be deleted.
package uplink
