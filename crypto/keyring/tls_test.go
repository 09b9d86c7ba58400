package keyring

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
)

func newGate(t *testing.T) *Gate {
	t.Helper()
	g, err := NewGate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGatesTalkOnlyToTheRoster(t *testing.T) {
	server, client, stranger := newGate(t), newGate(t), newGate(t)
	roster := func(key ed25519.PublicKey) bool { return key.Equal(client.Public()) }
	for _, c := range []struct {
		name     string
		caller   *Gate
		want     ed25519.PublicKey
		protocol string
		ok       bool
	}{
		{"both are on the roster", client, server.Public(), "venuegate-claim/1", true},
		{"the caller is a stranger", stranger, server.Public(), "venuegate-claim/1", false},
		{"the answerer is another gate", client, stranger.Public(), "venuegate-claim/1", false},
		{"another protocol", client, server.Public(), "gopher/1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			serverConfig, err := ServerTLS(server, roster, "venuegate-claim/1", "http/1.1")
			if err != nil {
				t.Fatal(err)
			}
			clientConfig, err := ClientTLS(c.caller, c.want, c.protocol)
			if err != nil {
				t.Fatal(err)
			}
			l, err := tls.Listen("tcp", "127.0.0.1:0", serverConfig)
			if err != nil {
				t.Fatal(err)
			}
			answered := make(chan error, 1)
			go func() {
				conn, err := l.Accept()
				if err == nil {
					_, err = io.Copy(conn, conn)
					_ = conn.Close()
				}
				answered <- err
			}()
			plain, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			conn := tls.Client(plain, clientConfig)
			_, err = conn.Write([]byte("hello"))
			if err == nil {
				_, err = io.ReadFull(conn, make([]byte, 5))
			}
			if ok := err == nil; ok != c.ok {
				t.Errorf("talked: %v, want %v (%v)", ok, c.ok, err)
			}
			if c.ok {
				if key, known := PeerKey(conn.ConnectionState()); !known || !key.Equal(server.Public()) {
					t.Errorf("peer's key %x", key)
				}
			}
			_ = conn.Close()
			if err := <-answered; !c.ok && err == nil {
				t.Error("the answerer saw nothing wrong")
			}
			_ = l.Close()
		})
	}
}

func TestPeerKeyNeedsACertificate(t *testing.T) {
	if _, ok := PeerKey(tls.ConnectionState{}); ok {
		t.Error("a key without a certificate")
	}
	serverConfig, err := ServerTLS(newGate(t), func(ed25519.PublicKey) bool { return true }, "http/1.1")
	if err != nil {
		t.Fatal(err)
	}
	if err := serverConfig.VerifyConnection(tls.ConnectionState{NegotiatedProtocol: "http/1.1"}); !errors.Is(err, ErrPeerKey) {
		t.Errorf("without a certificate: %v", err)
	}
}
