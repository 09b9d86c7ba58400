// Package pack is what central gives a gate: a repository in the layout of The
// Update Framework that holds the venue, its events, policies, issuer keys and
// tickets, all of it signed. The package builds such a repository (issuer) and
// verifies one (gate), whatever way it came: a directory, a stick, a peer or
// central are each a Fetcher, and trust never depends on which.
//
// Nothing of a file is believed before its length and hash are those of signed
// metadata, and a repository older than the one accepted last is refused. The
// package stores no tickets: whoever wires the gate hands [Repository.Tickets]
// to the store. It holds no secret but the signing keys of a [KeySet], on the
// issuer's side. docs/protocol/pack.md describes the format.
package pack
