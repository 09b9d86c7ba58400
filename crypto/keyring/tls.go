package keyring

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// ErrPeerKey is a peer that proved another key than the one it must have, or
// one that is not on the roster.
var ErrPeerKey = errors.New("keyring: the peer's key is not the roster's")

// ServerTLS returns the settings with which a gate accepts other gates: TLS 1.3,
// both sides prove their gate key, and the caller's is one that known accepts.
// Names and dates in certificates mean nothing: gates' clocks lie. protocols are
// those of ALPN; a caller that offers none of them is refused.
func ServerTLS(self *Gate, known func(ed25519.PublicKey) bool, protocols ...string) (*tls.Config, error) {
	return gateTLS(self, known, protocols)
}

// ClientTLS returns the settings with which a gate calls the one whose key is
// want.
func ClientTLS(self *Gate, want ed25519.PublicKey, protocol string) (*tls.Config, error) {
	return gateTLS(self, func(key ed25519.PublicKey) bool { return want.Equal(key) }, []string{protocol})
}

// PeerKey returns the key that the other side of a connection has proved.
func PeerKey(s tls.ConnectionState) (ed25519.PublicKey, bool) {
	if len(s.PeerCertificates) != 1 {
		return nil, false
	}
	key, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	return key, ok
}

func gateTLS(self *Gate, known func(ed25519.PublicKey) bool, protocols []string) (*tls.Config, error) {
	own, err := certificate(self)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{own},
		ClientAuth:   tls.RequireAnyClientCert,
		NextProtos:   protocols,
		// The certificate is only a wrapping for the key that VerifyConnection
		// checks; TLS itself makes the peer prove that it has the private half.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if key, ok := PeerKey(s); !ok || !known(key) {
				return ErrPeerKey
			}
			if s.NegotiatedProtocol == "" {
				return fmt.Errorf("keyring: the peer speaks none of %v", protocols)
			}
			return nil
		},
		// A ticket of an earlier session would outlive a change of the roster.
		SessionTicketsDisabled: true,
	}, nil
}

// certificate wraps the gate's key in a certificate that it signs itself.
func certificate(self *Gate) (tls.Certificate, error) {
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "venuegate"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280, 4.1.2.5: no end
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, self.Public(), self.Signer())
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keyring: wrap the gate's key: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: self.Signer()}, nil
}
