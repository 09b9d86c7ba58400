// Package simulate runs a whole venue in one process: lanes, ledgers, journals,
// logs, gossip and claims as they are in a gate, on a network in memory, with
// visitors who mean no good and faults drawn from a seed. Beside it the
// simulator keeps the truth: every record as it was written, by whichever gate,
// whatever became of the disk. What docs/consistency.md promises is held
// against that truth.
//
// Time is that of a testing/synctest bubble: minutes pass in seconds, and every
// wait in the product is the one that a gate has. The same seed draws the same
// visitors and the same faults at the same moments; which goroutine runs first
// within a moment is left to chance, so that seeds find more than one story.
//
// The package opens no socket, reads no clock but the bubble's, and changes
// nothing outside of its directory. `venuegate simulate` runs it, one seed in one
// process.
package simulate
