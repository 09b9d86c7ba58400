// Package clustertest lets five gates of one venue, each the real daemon in a
// network namespace of its own, meet what a network does to them: links that are
// cut, one way or both, that lose packets and that are slow, gates that are
// killed and gates that come back without their disk. Visitors hold their codes
// up at the gates' pseudo-terminals, and what may never happen is looked for in
// the gates' own journals.
//
// Its tests are what "make cluster-test" runs; docs/cluster-test.md describes
// them. "go test ./..." runs only those of the parts. Nothing else calls this
// package, and nothing here is part of a gate. What the same laws are over many
// more visitors and faults, without a kernel between the gates, is the
// simulation's to show.
package clustertest
