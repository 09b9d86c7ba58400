// Package central is the ticketing office: it keeps a venue's documents, keys
// and tickets in a directory, issues, changes and leases tickets, and publishes
// the signed repository from which gates take their packs.
//
// It never stores a document number, a full name or another platform's code:
// only keyed tags of them, and a masked name for staff. It never stores a
// lease's value nor a signature, which for a static ticket is the ticket; both
// are made anew from the issuer's keys. Nothing it publishes can mint a code.
//
// The operator's tool calls it. It is not for gates: no gate holds any of the
// keys that are in its directory.
package central
