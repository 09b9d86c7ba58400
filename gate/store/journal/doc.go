// Package journal is a gate's own append-only log of records. A record that
// Append has answered for is on the disk; its sequence number is never given
// out again, whatever fails.
//
// One flush serves all lanes that wait at a time. Every start and every failed
// append opens a new epoch, a directory of its own; what is older is only read,
// but for the last write that a start finds after a crash: it is written once
// more, byte for byte, since nobody can tell whether it was flushed.
// The package never changes or removes a record, never retries a flush that
// failed (the kernel may have dropped the data and say nothing the next time),
// and never hides damage: what cannot be read is named in Recovery, and
// everything around it is kept.
//
// gate/appliance opens the journal and wires it to the ledger; lanes append
// through it; uplink and the log command read it. docs/protocol/journal.md
// describes the files byte for byte.
package journal
