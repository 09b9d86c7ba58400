package claim_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"math/rand"
	"net"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/claim"
)

const alpn = "venuegate-claim/1"

// secure is the network of an appliance: TLS pinned to the keys of gates.
type secure struct {
	self     *keyring.Gate
	listener net.Listener
	gates    map[gate.GateID]*secureGate
}

type secureGate struct {
	key     *keyring.Gate
	address string
}

func (s *secure) Dial(ctx context.Context, to gate.GateID) (net.Conn, error) {
	config, err := keyring.ClientTLS(s.self, s.gates[to].key.Public(), alpn)
	if err != nil {
		return nil, err
	}
	d := tls.Dialer{Config: config}
	return d.DialContext(ctx, "tcp", s.gates[to].address)
}

func (s *secure) Accept(ctx context.Context) (net.Conn, gate.GateID, error) {
	config, err := keyring.ServerTLS(s.self, func(k ed25519.PublicKey) bool { return s.whose(k) != 0 }, alpn)
	if err != nil {
		return nil, 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	conn, err := s.listener.Accept()
	if err != nil {
		return nil, 0, err
	}
	c := tls.Server(conn, config)
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, 0, fmt.Errorf("%w, %w", err, c.Close())
	}
	k, _ := keyring.PeerKey(c.ConnectionState())
	return c, s.whose(k), nil
}

func (s *secure) whose(k ed25519.PublicKey) gate.GateID {
	for id, g := range s.gates {
		if g.key.Public().Equal(k) {
			return id
		}
	}
	return 0
}

// Over the loopback, with the keys of the roster, logs on disk and the real
// clock.
func TestOverTLS(t *testing.T) {
	v := newVenue(t, 4, 3)
	v.times = claim.Times{ // real time: a busy machine must not look like dead keepers
		Founding: time.Millisecond, Heartbeat: 2 * time.Second, Election: 2 * time.Second, Lease: time.Second,
		Claim: 20 * time.Second, Failover: 30 * time.Second,
	}
	random := rand.New(rand.NewSource(1))
	gates := map[gate.GateID]*secureGate{}
	listeners := map[gate.GateID]net.Listener{}
	for id := range v.gates {
		key, err := keyring.NewGate(random)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		gates[id], listeners[id] = &secureGate{key, l.Addr().String()}, l
	}
	for id, b := range v.gates {
		if id <= 3 {
			b.dir = t.TempDir()
		}
		b.start(func(o *claim.Options) {
			o.Signer, o.Network = gates[id].key, &secure{gates[id].key, listeners[id], gates}
			o.Keys = func(g gate.GateID) ed25519.PublicKey {
				if gates[g] == nil {
					return nil
				}
				return gates[g].key.Public()
			}
		})
	}
	defer v.stop()
	v.ready()
	for ticket := gate.TicketID(1); ticket <= 50; ticket++ {
		granted(t, v.gates[1+gate.GateID(ticket%4)], single(ticket))
		refused(t, v.gates[1+gate.GateID((ticket+1)%4)], single(ticket))
	}
	v.settled()
}
