// Package gossip carries the logs of a venue's gates to every other gate. It
// knows bytes, sequence numbers and vectors of its own, never tickets: what a
// record says and who signed it is for the [Store] to judge.
//
// New records go straight to every gate on the [Roster] in packets of at most
// 1300 bytes. What gets lost is repaired: the end of a log is announced again
// after 50, 200, 350 and 500 ms, a gap is asked for at once, every second a version
// vector goes to two peers, and what is far behind comes in chunks over TCP.
// Loss costs time and nothing else.
//
// memberlist gives membership, meta data and encryption. Membership is a hint:
// records go to a gate's addresses whether it is thought alive or not, and
// nothing may be decided on Alive that a wrong answer would spoil. The packets
// are described byte for byte in docs/protocol/gossip.md.
//
// gate/appliance runs one [Node] per gate; sync/gossip/gossiptest has a network
// in memory for tests and simulations.
package gossip
