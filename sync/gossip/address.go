package gossip

import (
	"fmt"
	"net"
	"net/netip"
)

// systemInterfaces lists the addresses of the cards that are up.
func systemInterfaces() ([]netip.Prefix, error) {
	cards, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("gossip: list interfaces: %w", err)
	}
	var found []netip.Prefix
	for _, card := range cards {
		if card.Flags&net.FlagUp == 0 || card.Flags&net.FlagRunning == 0 {
			continue
		}
		addrs, err := card.Addrs()
		if err != nil {
			continue // the card went away in between
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				found = append(found, netip.PrefixFrom(p.Addr().Unmap(), p.Bits()))
			}
		}
	}
	return found, nil
}

// chooseAddress picks the address that peers can call: one on a network that
// most of them are on; of those the one that was used before; else private
// before public, IPv4 before IPv6, the lowest. Loopback only when there is
// nothing else and the peers are there as well.
func chooseAddress(own []netip.Prefix, peers []netip.Addr, now netip.Addr) (netip.Addr, bool) {
	var best netip.Addr
	bestRank := [5]int{-1}
	for _, p := range own {
		a := p.Addr()
		if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() {
			continue
		}
		near := 0
		for _, peer := range peers {
			if p.Masked().Contains(peer) {
				near++
			}
		}
		if a.IsLoopback() && near == 0 {
			continue
		}
		rank := [5]int{near, score(a == now), score(a.IsPrivate()), score(a.Is4()), 0}
		if best.IsValid() && a.Less(best) {
			rank[4] = 1
		}
		if better(rank, bestRank) {
			rank[4] = 0
			best, bestRank = a, rank
		}
	}
	return best, best.IsValid()
}

func score(b bool) int {
	if b {
		return 1
	}
	return 0
}

func better(a, b [5]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] > b[i]
		}
	}
	return false
}

// advertised returns the address that others are to be told now, which may be
// the one of before when the cards tell nothing better.
func (n *Node) advertised(before netip.AddrPort) netip.AddrPort {
	o := &n.options
	switch {
	case o.Advertise.IsValid():
		return o.Advertise
	case !o.Bind.Addr().IsUnspecified():
		return o.Bind
	}
	own, err := o.Interfaces()
	if err != nil {
		o.Log.Warn("cannot list network addresses", "error", err)
		return before
	}
	best, ok := chooseAddress(own, n.peers.known(), before.Addr())
	if !ok {
		return before
	}
	return netip.AddrPortFrom(best, o.Bind.Port())
}
