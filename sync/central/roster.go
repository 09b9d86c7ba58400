package central

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// changeVenue replaces venue.json by what change makes of it. Gates know after
// the next publication.
func (o *Office) changeVenue(change func(*pack.Venue) error) error {
	unlock, err := lock(o.dir)
	if err != nil {
		return err
	}
	defer unlock()
	raw, err := json.Marshal(o.Venue())
	if err != nil {
		return fmt.Errorf("venue.json: %w", err)
	}
	next, err := pack.DecodeVenue(raw)
	if err != nil {
		return err
	}
	if err := change(next); err != nil {
		return err
	}
	return o.putVenue(next)
}

// putVenue checks, writes and uses a venue. The lock is held.
func (o *Office) putVenue(next *pack.Venue) error {
	if err := next.Validate(); err != nil {
		return err
	}
	for _, e := range o.all() {
		if err := e.ValidateIn(next); err != nil {
			return err
		}
	}
	if err := writeDocument(filepath.Join(o.dir, fileVenue), next); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.venue = next
	return nil
}

// Identity is a gate that is, or was, on the roster: its journals stay
// authentic when it is gone.
type Identity struct {
	Gate        uint32         `json:"gate"`
	Incarnation uint32         `json:"incarnation"`
	Name        string         `json:"name"`
	Key         pack.PublicKey `json:"key"`
	Since       time.Time      `json:"since"`
	Struck      time.Time      `json:"struck,omitzero"`
}

const entryIdentity = "gate/"

func identityEntry(gate, incarnation uint32) string {
	return fmt.Sprintf("%s%010d/%010d", entryIdentity, gate, incarnation)
}

// NoteGates notes every gate of venue.json that is not noted yet.
func (o *Office) NoteGates(book Book, now time.Time) error {
	for _, g := range o.Venue().Gates {
		if err := noteGate(book, &g, now); err != nil {
			return err
		}
	}
	return nil
}

func noteGate(book Book, g *pack.Gate, now time.Time) error {
	id := Identity{Gate: g.ID, Incarnation: g.Incarnation, Name: g.Name, Key: g.Key, Since: now.UTC()}
	had := Identity{}
	return book.ChangeEntry(identityEntry(g.ID, g.Incarnation), &had, func() error {
		if had.Gate == 0 {
			had = id
		}
		return nil
	})
}

// Identities returns every gate that ever was on the roster, by gate and
// incarnation.
func Identities(book Book) ([]Identity, error) {
	var all []Identity
	err := book.Entries(entryIdentity, func(_ string, raw []byte) error {
		var id Identity
		if err := json.Unmarshal(raw, &id); err != nil {
			return errors.New("a gate's entry is damaged")
		}
		all = append(all, id)
		return nil
	})
	return all, err
}

// ErrNoGate is a gate that is not on the roster.
var ErrNoGate = errors.New("no such gate on the roster")

// StrikeOff takes a gate off the roster for good: from the next publication on
// nobody believes it, and the network's key is another. What it recorded before
// can still be handed in.
func (o *Office) StrikeOff(book Book, id uint32, now time.Time, random io.Reader) error {
	struck, ok := o.onRoster(id)
	if !ok {
		return fmt.Errorf("gate %d: %w", id, ErrNoGate)
	}
	// The roster last: what fails before it is done again with the next try.
	if err := noteGate(book, &struck, now); err != nil {
		return err
	}
	var entry Identity
	err := book.ChangeEntry(identityEntry(id, struck.Incarnation), &entry, func() error {
		entry.Struck = now.UTC()
		return nil
	})
	if err != nil {
		return err
	}
	if err := RotateNetwork(book, now, random); err != nil {
		return err
	}
	return o.changeVenue(func(v *pack.Venue) error {
		v.Gates = slices.DeleteFunc(v.Gates, func(g pack.Gate) bool { return g.ID == id })
		v.Keepers = slices.DeleteFunc(v.Keepers, func(k uint32) bool { return k == id })
		nameKeepers(v)
		return nil
	})
}

// NetworkKey is one of the keys that close the gates' network.
type NetworkKey struct {
	Key  string    `json:"key"` // 64 hex digits
	Use  bool      `json:"use"` // closes what is sent; the others only open
	Made time.Time `json:"made"`
}

// Format keeps the key out of logs, whatever the verb.
func (NetworkKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[network key]")) }

const entryNetwork = "network"

// overlapOfKeys is how long the key before the last still opens, so that gates
// which have the new one and gates which do not yet hear each other.
const overlapOfKeys = time.Hour

// RotateNetwork makes a new key for the gates' network; the one in use opens for
// one more hour.
func RotateNetwork(book Book, now time.Time, random io.Reader) error {
	var fresh [keySize]byte
	if _, err := io.ReadFull(random, fresh[:]); err != nil {
		return fmt.Errorf("make the network's key: %w", err)
	}
	var keys []NetworkKey
	return book.ChangeEntry(entryNetwork, &keys, func() error {
		keys = slices.DeleteFunc(keys, func(k NetworkKey) bool { return !k.Use })
		for i := range keys {
			keys[i].Use = false
		}
		keys = append([]NetworkKey{{Key: hex.EncodeToString(fresh[:]), Use: true, Made: now.UTC()}}, keys...)
		return nil
	})
}

// networkKeys returns the keys that gates should have now.
func networkKeys(book Book, now time.Time) ([]NetworkKey, error) {
	var keys []NetworkKey
	if _, err := book.Entry(entryNetwork, &keys); err != nil {
		return nil, err
	}
	var made time.Time
	for _, k := range keys {
		if k.Use {
			made = k.Made
		}
	}
	return slices.DeleteFunc(keys, func(k NetworkKey) bool {
		return !k.Use && now.Sub(made) >= overlapOfKeys
	}), nil
}

// onRoster returns a gate of the venue.
func (o *Office) onRoster(id uint32) (pack.Gate, bool) {
	for _, g := range o.Venue().Gates {
		if g.ID == id {
			return g, true
		}
	}
	return pack.Gate{}, false
}

// Caller returns who signed a call, if they are on the roster. Whether the call
// has the body that it says is for the caller to see.
func (o *Office) Caller(c *keyring.Call, method, target string) (pack.Gate, error) {
	g, ok := o.onRoster(c.Gate)
	if !ok {
		return g, fmt.Errorf("gate %d: %w", c.Gate, ErrNoGate)
	}
	return g, c.VerifyHeader(ed25519.PublicKey(g.Key), method, target)
}

// KeysOf returns the keys of a gate over all of its incarnations, the newest
// first.
func KeysOf(book Book, id gate.GateID) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	prefix := fmt.Sprintf("%s%010d/", entryIdentity, id)
	err := book.Entries(prefix, func(_ string, raw []byte) error {
		var one Identity
		if err := json.Unmarshal(raw, &one); err != nil {
			return errors.New("a gate's entry is damaged")
		}
		keys = append(keys, ed25519.PublicKey(one.Key))
		return nil
	})
	slices.Reverse(keys)
	return keys, err
}

// EnsureNetwork makes the network's first key, where there is none.
func EnsureNetwork(book Book, now time.Time, random io.Reader) error {
	var keys []NetworkKey
	if _, err := book.Entry(entryNetwork, &keys); err != nil || len(keys) > 0 {
		return err
	}
	return RotateNetwork(book, now, random)
}
