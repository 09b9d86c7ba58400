package appliance

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync/atomic"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/pack"
)

// neighbours are the gates of the venue's roster as gossip, logs, claims and
// mirrors see them. They are those of the packs in use at the moment of asking.
type neighbours struct {
	self  gate.GateID
	key   *keyring.Gate
	packs *packs
	ready atomic.Pointer[gatesOf]
}

// gatesOf is one roster, made ready for looking things up.
type gatesOf struct {
	roster *roster
	gates  map[gate.GateID]*pack.Gate
	byKey  map[string]gate.GateID
	listed map[gossip.Peer]netip.AddrPort
}

func (n *neighbours) now() *gatesOf {
	r := n.packs.roster()
	if had := n.ready.Load(); had != nil && had.roster == r {
		return had
	}
	g := &gatesOf{
		roster: r, gates: map[gate.GateID]*pack.Gate{}, byKey: map[string]gate.GateID{},
		listed: map[gossip.Peer]netip.AddrPort{},
	}
	for i := range r.gates {
		box := &r.gates[i]
		g.gates[gate.GateID(box.ID)] = box
		g.byKey[string(box.Key)] = gate.GateID(box.ID)
		g.listed[gossip.Peer(box.ID)] = firstAddress(box)
	}
	n.ready.Store(g)
	return g
}

// firstAddress returns the address that the roster gives a gate, or none. The
// roster was checked when it was decoded.
func firstAddress(g *pack.Gate) netip.AddrPort {
	if len(g.Addresses) == 0 {
		return netip.AddrPort{}
	}
	at, err := netip.ParseAddrPort(g.Addresses[0])
	if err != nil {
		return netip.AddrPort{}
	}
	return at
}

// keys returns the keys by which a gate's log may be believed: its own, then
// those of its earlier incarnations.
func (n *neighbours) keys(id gate.GateID) []ed25519.PublicKey {
	box, ok := n.now().gates[id]
	if !ok {
		return nil
	}
	all := []ed25519.PublicKey{ed25519.PublicKey(box.Key)}
	for _, k := range box.Former {
		all = append(all, ed25519.PublicKey(k))
	}
	return all
}

// keyOf returns the key that a gate has now, or nil.
func (n *neighbours) keyOf(id gate.GateID) ed25519.PublicKey {
	if box, ok := n.now().gates[id]; ok {
		return ed25519.PublicKey(box.Key)
	}
	return nil
}

// gateOf returns whose key it is, by the roster.
func (n *neighbours) gateOf(key ed25519.PublicKey) (gate.GateID, bool) {
	id, ok := n.now().byKey[string(key)]
	return id, ok
}

// Peers implements gossip.Roster.
func (n *neighbours) Peers() map[gossip.Peer]netip.AddrPort { return n.now().listed }

// Knows implements gossip.Roster.
func (n *neighbours) Knows(peer gossip.Peer) bool {
	_, ok := n.now().gates[gate.GateID(peer)]
	return ok
}

// What a gate says of itself to the others: version 1, then its signature over
// where it is. It keeps whoever has only the network key from leading packets
// astray; see docs/protocol/gossip.md.
const metaVersion = 1

// Meta implements gossip.Roster.
func (n *neighbours) Meta(advertised netip.AddrPort) []byte {
	return append([]byte{metaVersion}, n.key.Sign(hereMessage(n.self, advertised))...)
}

var (
	errMeta     = errors.New("not a gate's word on where it is")
	errMetaSign = errors.New("not signed by the gate's key")
)

// Verify implements gossip.Roster.
func (n *neighbours) Verify(meta []byte, name string, addr netip.AddrPort) error {
	number, err := strconv.ParseUint(name, 10, 32)
	if err != nil || len(meta) != 1+ed25519.SignatureSize || meta[0] != metaVersion {
		return errMeta
	}
	id := gate.GateID(number)
	key := n.keyOf(id)
	if key == nil {
		return fmt.Errorf("gate %d is not on the roster", id)
	}
	if !ed25519.Verify(key, hereMessage(id, addr), meta[1:]) {
		return fmt.Errorf("gate %d: %w", id, errMetaSign)
	}
	return nil
}

func hereMessage(id gate.GateID, at netip.AddrPort) []byte {
	m := append([]byte("VG1 here"), 0)
	m = binary.BigEndian.AppendUint32(m, uint32(id))
	return append(m, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()).String()...)
}
