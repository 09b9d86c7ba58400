// Package identity turns documents, names and other platforms' codes into
// keyed tags, so that gates can compare people and tickets without holding a
// plain number of either. docs/protocol/ticket.md, "Documents", says to the
// byte what is tagged.
//
// The lane tags what a reader delivered; central and the operator's tool tag
// what the box office knows. No error, and nothing else that leaves this
// package, holds any part of a number, name or code, apart from the masked
// forms made for staff.
package identity
