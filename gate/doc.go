// Package gate is the domain of venuegate: what a ticket is, what an event
// allows, what is known of a holder's comings and goings, and the one decision
// that follows. Decide is a pure function of its arguments.
//
// The package never reads a clock, a file or a socket, starts no goroutine and
// imports the standard library only. Everybody else imports it; lanes call
// Decide once a scan.
package gate
