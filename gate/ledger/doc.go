// Package ledger is everybody's admissions: the records of all gates' journals
// and what follows from them for one ticket. The state of a ticket is a pure
// function of the set of its records, in whatever order they came, so that
// merging is commutative, associative and idempotent.
//
// The package reads no clock, does no I/O and starts no goroutine. Journals
// (gate/store) and gossip feed it; lanes ask it for a ticket's history.
package ledger
