// Package ticket is VG1, the time-rotating signed ticket: it encodes, parses
// and verifies the text that a visitor's phone or paper shows at a gate.
// docs/protocol/ticket.md is the specification and testdata/vectors.json the
// published vectors; the package follows them to the byte.
//
// The lane parses what a reader delivered and verifies it against what its
// pack holds; central and the operator's tool issue bodies and leases. Nothing
// that a [Verifier] holds can make a code: the issuer's secrets live in
// [Issuer] and [Chain] alone, and no gate has either.
//
// The package does no I/O and reads no clock. It does not know whether a
// ticket was refunded or used, nor who holds it: that is for gate.Decide.
package ticket
