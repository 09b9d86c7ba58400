package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/memberlist"
)

// KeySize is the length of a network key in bytes: AES-256.
const KeySize = 32

// Errors of Keys.
var (
	ErrKeySize   = errors.New("gossip: a network key is 32 bytes long")
	ErrKeyInUse  = errors.New("gossip: the key is the one that is used")
	ErrNoSuchKey = errors.New("gossip: the key is not on the ring")
)

// Keys is the ring of network keys. Packets are encrypted with the one in use
// and understood under any. A key is changed without a stop in three steps,
// each done at all gates before the next: Add the new one, Use it, Remove the
// old one.
type Keys struct {
	mu   sync.Mutex
	ring *memberlist.Keyring
}

// NewKeys returns a ring with the key to use and others to understand.
func NewKeys(use []byte, others ...[]byte) (*Keys, error) {
	if len(use) != KeySize {
		return nil, ErrKeySize
	}
	ring, err := memberlist.NewKeyring(nil, bytes.Clone(use))
	if err != nil {
		return nil, fmt.Errorf("gossip: keys: %w", err)
	}
	k := &Keys{ring: ring}
	for _, key := range others {
		if err := k.Add(key); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// Add makes packets under key understood.
func (k *Keys) Add(key []byte) error {
	if len(key) != KeySize {
		return ErrKeySize
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ring.AddKey(bytes.Clone(key))
}

// Use encrypts with key from now on.
func (k *Keys) Use(key []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.find(key) < 0 {
		return ErrNoSuchKey
	}
	return k.ring.UseKey(key)
}

// Remove makes packets under key refused. A key that is not there is gone
// already.
func (k *Keys) Remove(key []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.find(key)
	if at == 0 {
		return ErrKeyInUse
	}
	if at < 0 {
		return nil
	}
	// RemoveKey closes the gap in the very slice that packets are being decrypted
	// from; only at the end is there no gap. What comes after key is away for a
	// moment, and what would have needed it is repaired like any loss.
	keys := k.ring.GetKeys()
	for i := len(keys) - 1; i >= at; i-- {
		if err := k.ring.RemoveKey(keys[i]); err != nil {
			return fmt.Errorf("gossip: remove key: %w", err)
		}
	}
	for _, later := range keys[at+1:] {
		if err := k.ring.AddKey(later); err != nil {
			return fmt.Errorf("gossip: remove key: %w", err)
		}
	}
	return nil
}

// Len returns how many keys are on the ring.
func (k *Keys) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.ring.GetKeys())
}

// find returns the key's place on the ring, 0 for the one in use, or -1.
func (k *Keys) find(key []byte) int {
	for i, held := range k.ring.GetKeys() {
		if bytes.Equal(held, key) {
			return i
		}
	}
	return -1
}
