// Package logs holds all logs that a gate has: its own, which it reads from the
// journal, and those of the other gates, in one bbolt file. Gossip and uplink
// pass them on as chunks: records and the signed head by which to believe them.
//
// Nothing gets in that a gate of the roster has not signed: every chunk's form,
// chain and head are checked before a record of it is folded into the ledger.
// What is refused is counted and shown, and never stops another log. The file is
// written lazily, since peers can send everything again; a file that is damaged
// is set aside. The package deletes no record, knows no network, and never
// writes the journal.
//
// gate/appliance opens it and hands it to sync/gossip, sync/uplink and
// sync/claim; the log command exports and imports logs with it.
// docs/protocol/journal.md describes chunks and the files on a stick.
package logs
