// Package enrol makes a box one of a venue's gates: with a code that is good
// once, from a command line or held up to the box's own scanner. The gate's key
// is made on the box and never leaves it; what comes back is its place on the
// roster, the root that its packs are believed by, and the venue's keys, sealed
// to it. See docs/enrolment.md.
//
// It never half enrols: a box has its place once enrolment.json is written, which
// comes last, and until then the same code can be tried again. It overwrites no
// key and writes no configuration. cmd/venuegate and gate/appliance call it; the
// latter also to keep the keys that come with later packs.
package enrol
