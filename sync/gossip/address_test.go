package gossip

import (
	"net/netip"
	"strings"
	"testing"
)

func TestChooseAddress(t *testing.T) {
	for _, c := range []struct {
		name, own, peers, now, want string
	}{
		{"nothing", "", "", "", ""},
		{"loopback alone is none", "127.0.0.1/8", "10.0.0.2", "", ""},
		{"loopback with peers there", "127.0.0.5/8", "127.0.0.1", "", "127.0.0.5"},
		{"link-local is none", "169.254.1.2/16 fe80::1/64", "", "", ""},
		{"the network of the peers", "10.9.0.1/24 10.0.0.3/24", "10.0.0.1 10.0.0.2", "10.9.0.1", "10.0.0.3"},
		{"the network of most peers", "10.9.0.1/24 10.0.0.3/24", "10.9.0.7 10.0.0.1 10.0.0.2", "", "10.0.0.3"},
		{"the one in use before another", "10.0.0.3/24 10.0.0.9/24", "10.0.0.1", "10.0.0.9", "10.0.0.9"},
		{"the one in use is gone", "10.0.0.3/24", "10.0.0.1", "10.0.0.9", "10.0.0.3"},
		{"private before public", "203.0.113.5/24 192.168.1.5/24", "", "", "192.168.1.5"},
		{"v4 before v6", "fd00::5/64 192.168.1.5/24", "", "", "192.168.1.5"},
		{"v6 where the peers are", "192.168.1.5/24 fd00::5/64", "fd00::1", "", "fd00::5"},
		{"the lowest", "10.0.0.9/24 10.0.0.3/24 10.0.0.5/24", "", "", "10.0.0.3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var own []netip.Prefix
			for _, s := range strings.Fields(c.own) {
				own = append(own, netip.MustParsePrefix(s))
			}
			var peers []netip.Addr
			for _, s := range strings.Fields(c.peers) {
				peers = append(peers, netip.MustParseAddr(s))
			}
			var now netip.Addr
			if c.now != "" {
				now = netip.MustParseAddr(c.now)
			}
			got, ok := chooseAddress(own, peers, now)
			if ok != (c.want != "") || ok && got != netip.MustParseAddr(c.want) {
				t.Errorf("chose %v, want %q", got, c.want)
			}
		})
	}
}

func TestSystemInterfaces(t *testing.T) {
	own, err := systemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range own {
		if !p.IsValid() || p.Addr().Is4In6() {
			t.Errorf("%v", p)
		}
	}
}
