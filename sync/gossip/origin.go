package gossip

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
)

// MaxSequence is the highest sequence number that a packet may name.
const MaxSequence = 1<<40 - 1

// Peer is a gate as others see it.
type Peer uint32

// String returns the number in decimal, which is what memberlist calls the peer.
func (p Peer) String() string { return strconv.FormatUint(uint64(p), 10) }

func peerNamed(name string) (Peer, bool) {
	n, err := strconv.ParseUint(name, 10, 32)
	return Peer(n), err == nil && Peer(n).String() == name
}

// Origin is one log: a gate's, between two starts. Epochs count from 1.
type Origin struct{ Gate, Epoch uint32 }

// Compare orders origins by gate, then by epoch.
func (o Origin) Compare(other Origin) int {
	return cmp.Or(cmp.Compare(o.Gate, other.Gate), cmp.Compare(o.Epoch, other.Epoch))
}

// next returns the origin right behind o.
func (o Origin) next() Origin {
	if o.Epoch == math.MaxUint32 {
		return Origin{Gate: o.Gate + 1}
	}
	return Origin{o.Gate, o.Epoch + 1}
}

// Vector says how far each log is held without a gap: the sequence of the last
// record, from 1.
type Vector map[Origin]uint64

// entry is one line of a vector.
type entry struct {
	origin Origin
	last   uint64
}

// entries returns the vector in the order of packets. Lines that no packet may
// hold are left out.
func (v Vector) entries() []entry {
	es := make([]entry, 0, len(v))
	for _, o := range slices.SortedFunc(maps.Keys(v), Origin.Compare) {
		if last := v[o]; o.Epoch > 0 && last > 0 && last <= MaxSequence {
			es = append(es, entry{o, last})
		}
	}
	return es
}
