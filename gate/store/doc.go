// Package store keeps what a gate must still know after its power was cut: the
// event packs, each a bbolt file of its own that is built once, verified whole
// and never changed afterwards, with the pack before it kept for a way back. The
// changes of an overlay lie over it in a small patch, replaced as a whole.
//
// It is the only package of a gate that imports bbolt. It does not fetch,
// check signatures or parse what an issuer sent: sync/pack does, and whoever
// wires the gate hands the verified tickets over. It stores no plain document
// number and no full name, and refuses a ticket that carries one. The lane
// reads packs through its own interface; the daemon and `venuegate pack`
// install them and roll them back.
package store
