package central

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/sync/pack"
)

// Why nobody is enrolled.
var (
	ErrNoCode      = errors.New("no such enrolment code")
	ErrCodeUsed    = errors.New("the enrolment code was used already; make a new one")
	ErrCodeExpired = errors.New("the enrolment code is no longer good; make a new one")
)

// PurposeKeys is the purpose that gates' keys are sealed for.
const PurposeKeys = "gate keys"

// Invitation is an enrolment code: who enrols with it takes this place on the
// roster.
type Invitation struct {
	Gate      uint32      `json:"gate"`
	Name      string      `json:"name,omitempty"`
	Role      string      `json:"role,omitempty"` // gate where it is absent
	Addresses []string    `json:"addresses,omitempty"`
	Lanes     []pack.Lane `json:"lanes,omitempty"`
	Made      time.Time   `json:"made"`
	Expires   time.Time   `json:"expires"`
	Used      time.Time   `json:"used,omitzero"`
	// By is the key of the gate that used it.
	By pack.PublicKey `json:"by,omitempty"`
}

// codeBytes is the length of an enrolment code: 128 bits.
const codeBytes = 16

const entryCode = "code/"

func codeEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// codeEntry names a code's entry. The code itself is kept nowhere.
func codeEntry(code string) (string, bool) {
	raw, err := codeEncoding().DecodeString(strings.ToUpper(strings.TrimSpace(code)))
	if err != nil || len(raw) != codeBytes {
		return "", false
	}
	sum := sha256.Sum256(append([]byte("VG1 enrolment\x00"), raw...))
	return entryCode + hex.EncodeToString(sum[:]), true
}

// Invite makes an enrolment code. Where the gate is on the roster, whoever uses
// the code takes its place, with its name and lanes, as its next incarnation;
// only addresses may be others. A new gate needs a name.
func (o *Office) Invite(book Book, inv Invitation, random io.Reader) (code string, err error) {
	if g, ok := o.onRoster(inv.Gate); ok {
		inv.Name, inv.Role, inv.Lanes = g.Name, g.Role, g.Lanes
		if inv.Addresses == nil {
			inv.Addresses = g.Addresses
		}
	}
	if inv.Role == "" {
		inv.Role = "gate"
	}
	// What a roster would refuse is found here, not at the gate.
	probe := make(ed25519.PublicKey, ed25519.PublicKeySize)
	if _, err := io.ReadFull(random, probe); err != nil {
		return "", fmt.Errorf("make an enrolment code: %w", err)
	}
	if err := o.withGate(inv.gate(probe, nil, 1)).Validate(); err != nil {
		return "", err
	}
	raw := make([]byte, codeBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("make an enrolment code: %w", err)
	}
	code = codeEncoding().EncodeToString(raw)
	name, _ := codeEntry(code)
	var stored Invitation
	return code, book.ChangeEntry(name, &stored, func() error { stored = inv; return nil })
}

func (i *Invitation) gate(key ed25519.PublicKey, sealKey []byte, incarnation uint32) pack.Gate {
	return pack.Gate{
		ID: i.Gate, Incarnation: incarnation, Name: i.Name, Key: pack.PublicKey(key), Seal: sealKey,
		Role: i.Role, Addresses: i.Addresses, Lanes: i.Lanes,
	}
}

// withGate returns a copy of the venue in which a gate has its place.
func (o *Office) withGate(g pack.Gate) *pack.Venue {
	v := *o.Venue()
	v.Gates = slices.Clone(v.Gates)
	for i := range v.Gates {
		if v.Gates[i].ID == g.ID {
			v.Gates[i] = g
			return &v
		}
	}
	v.Gates = append(v.Gates, g)
	return &v
}

// Enrolled is what a gate learns when it is enrolled.
type Enrolled struct {
	Venue  uint32
	Gate   pack.Gate
	Root   []byte // root.json
	Sealed []byte // its keys; only the gate can open them
}

// Enrol puts a gate that has a code on the roster. The code is used up: only the
// same gate, which may not have heard the answer, is answered alike again. Gates
// that are there already know of it after the next publication. Errors:
// ErrNoCode, ErrCodeUsed, ErrCodeExpired, ErrNotPublished, [seal.ErrPublicKey],
// a [*pack.DocumentError].
func (o *Office) Enrol(book Book, code string, public ed25519.PublicKey, sealKey []byte, now time.Time) (Enrolled, error) {
	entry, ok := codeEntry(code)
	if !ok {
		return Enrolled{}, ErrNoCode
	}
	root, err := o.Root()
	if err != nil {
		return Enrolled{}, err
	}
	o.enrolling.Lock() // until the code is used up
	defer o.enrolling.Unlock()
	incarnations, err := Identities(book)
	if err != nil {
		return Enrolled{}, err
	}
	out := Enrolled{Root: root}
	var inv Invitation
	known, err := book.Entry(entry, &inv)
	switch {
	case err != nil:
		return Enrolled{}, err
	case !known:
		return Enrolled{}, ErrNoCode
	case !inv.Used.IsZero():
		// A gate that did not hear the answer asks again.
		g, ok := o.onRoster(inv.Gate)
		if !ok || len(inv.By) == 0 || !ed25519.PublicKey(g.Key).Equal(ed25519.PublicKey(inv.By)) ||
			!public.Equal(ed25519.PublicKey(g.Key)) || !slices.Equal(g.Seal, pack.SealKey(sealKey)) {
			return Enrolled{}, ErrCodeUsed
		}
		out.Gate = g
		return o.answer(book, out, now)
	case !now.Before(inv.Expires):
		return Enrolled{}, ErrCodeExpired
	}
	if _, err := seal.Seal(sealKey, PurposeKeys, nil); err != nil {
		return Enrolled{}, err
	}
	out.Gate = inv.gate(public, sealKey, nextIncarnation(incarnations, inv.Gate))
	if before, ok := o.onRoster(inv.Gate); ok {
		out.Gate.Incarnation = max(out.Gate.Incarnation, before.Incarnation+1)
		out.Gate.Former = slices.Clone(before.Former)
		if !public.Equal(ed25519.PublicKey(before.Key)) { // whose logs are still to be believed
			out.Gate.Former = append(out.Gate.Former, before.Key)
			// Nobody knows where the box before is.
			if err := RotateNetwork(book, now, rand.Reader); err != nil {
				return Enrolled{}, err
			}
		}
	}
	// First the roster: the code of a gate that could not be entered stays good.
	err = o.changeVenue(func(v *pack.Venue) error {
		*v = *o.withGate(out.Gate)
		nameKeepers(v)
		return nil
	})
	if err != nil {
		return Enrolled{}, err
	}
	if err := book.ChangeEntry(entry, &inv, func() error { inv.Used, inv.By = now.UTC(), pack.PublicKey(public); return nil }); err != nil {
		return Enrolled{}, err
	}
	if err := noteGate(book, &out.Gate, now); err != nil {
		return Enrolled{}, err
	}
	return o.answer(book, out, now)
}

// answer completes what a gate learns with its keys.
func (o *Office) answer(book Book, out Enrolled, now time.Time) (Enrolled, error) {
	out.Venue = o.Venue().ID
	keys, err := o.gateKeys(book, now)
	if err != nil {
		return Enrolled{}, err
	}
	out.Sealed, err = seal.Seal(out.Gate.Seal, PurposeKeys, keys)
	return out, err
}

func nextIncarnation(all []Identity, gate uint32) uint32 {
	next := uint32(1)
	for _, id := range all {
		if id.Gate == gate {
			next = max(next, id.Incarnation+1)
		}
	}
	return next
}

// gateKeysJSON is what is sealed to a gate.
type gateKeysJSON struct {
	Network []networkJSON          `json:"network"`
	Events  map[string]secretsJSON `json:"events"`
}

type networkJSON struct {
	Key string `json:"key"`
	Use bool   `json:"use"`
}

// gateKeys returns the keys that every gate on the roster has now. Those of an
// event that is over are left out, and gates forget them.
func (o *Office) gateKeys(book Book, now time.Time) ([]byte, error) {
	out := gateKeysJSON{Events: map[string]secretsJSON{}}
	keys, err := networkKeys(book, now)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		out.Network = append(out.Network, networkJSON{k.Key, k.Use})
	}
	for _, e := range o.all() {
		if e.over(now) {
			continue
		}
		out.Events[fmt.Sprint(e.ID)] = secretsJSON{
			hex.EncodeToString(e.secrets.DocumentKey), hex.EncodeToString(e.secrets.CodeKey),
		}
	}
	return json.Marshal(out)
}

// keptAfter is how long gates keep an event's keys after its last session.
const keptAfter = 24 * time.Hour

func (e *event) over(now time.Time) bool {
	for i := range e.Sessions {
		if now.Before(e.Sessions[i].End.Add(keptAfter)) {
			return false
		}
	}
	return len(e.Sessions) > 0
}

// sealedEntry is what was sealed to a gate last. Sealing is different every
// time, so that what says the same is used again: a target that does not change
// needs no new signature.
type sealedEntry struct {
	Of     []byte `json:"of"` // hash of the gate's sealing key and what is inside
	Sealed []byte `json:"sealed"`
}

// of is the hash of a gate's sealing key and what is to be sealed to it.
func of(g *pack.Gate, keys []byte) []byte {
	sum := sha256.Sum256(append(slices.Clone([]byte(g.Seal)), keys...))
	return sum[:]
}

func sealedName(gate uint32) string { return fmt.Sprintf("sealed/%d", gate) }

// KeysDue reports whether gates should have other keys now than those that were
// published last, because time went by: the network's key before the last opens
// no more, or an event is over.
func (o *Office) KeysDue(book Book, now time.Time) (bool, error) {
	keys, err := o.gateKeys(book, now)
	if err != nil {
		return false, err
	}
	for _, g := range o.Venue().Gates {
		if len(g.Seal) == 0 {
			continue
		}
		var entry sealedEntry
		if _, err := book.Entry(sealedName(g.ID), &entry); err != nil {
			return false, err
		}
		if !slices.Equal(entry.Of, of(&g, keys)) {
			return true, nil
		}
	}
	return false, nil
}

// sealed returns the keys for every gate that can open some, by gate id.
func (o *Office) sealed(book Book, now time.Time) (map[uint32][]byte, error) {
	keys, err := o.gateKeys(book, now)
	if err != nil {
		return nil, err
	}
	all := map[uint32][]byte{}
	for _, g := range o.Venue().Gates {
		if len(g.Seal) == 0 {
			continue
		}
		sum := of(&g, keys)
		var entry sealedEntry
		name := sealedName(g.ID)
		if _, err := book.Entry(name, &entry); err != nil {
			return nil, err
		}
		if !slices.Equal(entry.Of, sum) {
			err := book.ChangeEntry(name, &entry, func() (err error) {
				entry.Of = sum
				entry.Sealed, err = seal.Seal(g.Seal, PurposeKeys, keys)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("seal the keys of gate %d: %w", g.ID, err)
			}
		}
		all[g.ID] = entry.Sealed
	}
	return all, nil
}
