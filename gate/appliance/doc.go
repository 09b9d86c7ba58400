// Package appliance wires a gate together: configuration, keys, packs, journal,
// ledger, lanes with their devices, page and health. It is the only package,
// beside the commands, that knows all the others.
//
// It decides nothing about visitors. cmd/venuegated runs it, and so do the demo
// and the end-to-end tests.
package appliance
