// Package lane runs one physical passage: it takes what the readers deliver,
// verifies and decides, claims, records, and only then moves the barrier, one
// visitor at a time.
//
// It never opens a device, a file or a socket itself: readers, barrier, packs,
// ledger, journal and claims are small interfaces of its own, wired up by
// gate/appliance. It logs nothing; what happens is told to a Display.
package lane
