// Package seal closes a message so that one gate alone can open it, and keeps
// what was opened on that gate's disk. A gate's sealing key is derived from
// its identity, so that enrolling makes both, and a gate that is struck off
// and re-imaged can open nothing that was meant for it before. The envelope is
// specified in docs/protocol/seal.md.
//
// It never says who sealed a message: anybody can seal to a public key, so what
// comes out of an envelope is believed for the way it came, which is a signed
// pack or the answer to an enrolment. It never sends anything and logs nothing.
// sync/central seals; sync/enrol, gate/appliance and sync/pack's users open.
package seal
