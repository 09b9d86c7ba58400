package keyring

import (
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Algorithm is a signature algorithm, numbered as in VG1 bodies.
type Algorithm uint8

// Ed25519 is the only algorithm so far.
const Ed25519 Algorithm = 1

// String returns the name used in JSON.
func (a Algorithm) String() string {
	if a == Ed25519 {
		return "ed25519"
	}
	return fmt.Sprintf("algorithm %d", uint8(a))
}

// IssuerKey is one public key of a ticket issuer and what it may sign.
type IssuerKey struct {
	ID        uint16
	Algorithm Algorithm
	Public    ed25519.PublicKey
	Events    []uint32     // the events it may sign; nil for every event
	Tickets   *TicketRange // the ticket ids it may sign; nil for all
	NotAfter  time.Time    // past which its long and static forms no longer verify; zero for never
}

// TicketRange is a range of ticket ids, both ends included.
type TicketRange struct {
	From, To uint64
}

// MaySign reports whether the key may sign this ticket of this event.
func (k *IssuerKey) MaySign(event uint32, ticket uint64) bool {
	if k.Events != nil && !slices.Contains(k.Events, event) {
		return false
	}
	return k.Tickets == nil || k.Tickets.From <= ticket && ticket <= k.Tickets.To
}

// Expired reports whether t is past the key's not-after.
func (k *IssuerKey) Expired(t time.Time) bool {
	return !k.NotAfter.IsZero() && t.After(k.NotAfter)
}

// check reports what makes a key unusable, as the name of the JSON field and
// why.
func (k *IssuerKey) check() (field, why string) {
	switch {
	case k.Algorithm != Ed25519:
		return "algorithm", "unknown; want ed25519"
	case len(k.Public) != ed25519.PublicKeySize:
		return "public", fmt.Sprintf("%d bytes, want %d", len(k.Public), ed25519.PublicKeySize)
	case k.Events != nil && len(k.Events) == 0:
		return "events", "empty; a key that may sign nothing is of no use"
	case k.Tickets != nil && k.Tickets.From > k.Tickets.To:
		return "tickets", "begins after its end"
	}
	return "", ""
}

// Issuers is a set of issuer keys, several of which may be valid at once. It
// does not change after it is made.
type Issuers struct {
	keys map[uint16]*IssuerKey
}

// NewIssuers makes a set. The error is a [*FieldError] that names an unusable
// key or an id that is there twice.
func NewIssuers(keys ...IssuerKey) (*Issuers, error) {
	set := &Issuers{keys: make(map[uint16]*IssuerKey, len(keys))}
	for i, k := range keys {
		if field, why := k.check(); field != "" {
			return nil, &FieldError{Path: fmt.Sprintf("[%d].%s", i, field), Why: why}
		}
		if _, twice := set.keys[k.ID]; twice {
			return nil, &FieldError{Path: fmt.Sprintf("[%d].id", i), Why: fmt.Sprintf("key %d is there twice", k.ID)}
		}
		k.Public = slices.Clone(k.Public)
		k.Events = slices.Clone(k.Events)
		if k.Tickets != nil {
			r := *k.Tickets
			k.Tickets = &r
		}
		set.keys[k.ID] = &k
	}
	return set, nil
}

// IssuerKey finds a key by its id. The caller does not change it.
func (s *Issuers) IssuerKey(id uint16) (*IssuerKey, bool) {
	if s == nil {
		return nil, false
	}
	k, ok := s.keys[id]
	return k, ok
}

// Keys returns the keys in the order of their ids.
func (s *Issuers) Keys() []IssuerKey {
	if s == nil {
		return nil
	}
	out := make([]IssuerKey, 0, len(s.keys))
	for _, id := range slices.Sorted(maps.Keys(s.keys)) {
		out = append(out, *s.keys[id])
	}
	return out
}

// FieldError is a field of a key file or list that is wrong.
type FieldError struct {
	Path string // such as [2].public
	Why  string
}

// Error names the field and what is wrong with it.
func (e *FieldError) Error() string { return "keyring: " + e.Path + ": " + e.Why }
