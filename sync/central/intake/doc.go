// Package intake takes gates' records in: it reads an upload, checks every
// record, the chain and the signed head, and stores what is authentic,
// whatever it says. Two records in one place that the gate signed both are a
// fork: the log is closed, and the others move on.
//
// It never believes a record before the gate's signature covers it, and never
// holds more of an upload in memory than a batch may be long. The server hands
// it what gates send.
package intake
