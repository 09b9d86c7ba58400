package pack

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/venuegate/venuegate/gate"
)

// Format is the version of venue.json, event.json, shards and overlays that
// this package reads and writes.
const Format = 1

// Venue is venue.json: what outlives events.
type Venue struct {
	Format    int      `json:"format"`
	ID        uint32   `json:"id"`
	Name      Names    `json:"name"`
	Zones     []Place  `json:"zones"`
	Entrances []Place  `json:"entrances,omitempty"`
	Gates     []Gate   `json:"gates"`
	Keepers   []uint32 `json:"keepers"` // gate ids, the gates that agree on claims
	Staff     []Staff  `json:"staff,omitempty"`
}

// Names is a text by language (BCP 47), such as {"zh-CN": "东门", "en": "East gate"}.
type Names map[string]string

// In returns the text in the first language that has one, else any, the same
// one every time.
func (n Names) In(languages ...string) string {
	for _, l := range languages {
		if s := n[l]; s != "" {
			return s
		}
	}
	best := ""
	for l := range n {
		if best == "" || l < best {
			best = l
		}
	}
	return n[best]
}

// Place is a zone or an entrance.
type Place struct {
	ID   uint16 `json:"id"`
	Name Names  `json:"name"`
}

// Gate is one appliance of the roster.
type Gate struct {
	ID          uint32    `json:"id"`
	Incarnation uint32    `json:"incarnation"` // raised when the box is set up anew
	Name        string    `json:"name"`
	Key         PublicKey `json:"key"`
	Seal        SealKey   `json:"seal,omitempty"`      // absent: no keys can be sealed to it
	Role        string    `json:"role"`                // gate, handheld or witness
	Addresses   []string  `json:"addresses,omitempty"` // IP:port on the venue's network
	Lanes       []Lane    `json:"lanes,omitempty"`
	// Former are the keys of its earlier incarnations, whose logs are still to be
	// believed.
	Former []PublicKey `json:"former,omitempty"`
}

// Lane is one physical passage.
type Lane struct {
	ID        uint16 `json:"id"`
	Name      Names  `json:"name"`
	Kind      string `json:"kind"` // entry, exit, both or pre_check
	From      uint16 `json:"from"` // zone, in the direction of entry; 0 is outside
	To        uint16 `json:"to"`
	Entrance  uint16 `json:"entrance,omitempty"`
	Isolation string `json:"isolation,omitempty"` // admit, refer or refuse; absent: the event's
}

// Staff is somebody who may log in at a gate.
type Staff struct {
	ID    uint32    `json:"id"`
	Name  string    `json:"name"`          // as the page shows it; a number or a nickname will do
	Roles []string  `json:"roles"`         // steward, supervisor, technician
	Key   PublicKey `json:"key,omitempty"` // signs their orders; absent: they sign none
}

// PublicKey is an Ed25519 public key, 64 hex digits in JSON.
type PublicKey ed25519.PublicKey

// MarshalText writes the key as hex digits.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(k)), nil }

// UnmarshalText reads 64 hex digits.
func (k *PublicKey) UnmarshalText(text []byte) (err error) {
	*k, err = keyFromHex(text)
	return err
}

// SealKey is an X25519 public key, to which keys are sealed; 64 hex digits in
// JSON.
type SealKey []byte

// MarshalText writes the key as hex digits.
func (k SealKey) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(k)), nil }

// UnmarshalText reads 64 hex digits.
func (k *SealKey) UnmarshalText(text []byte) (err error) {
	*k, err = keyFromHex(text)
	return err
}

// keySize is that of Ed25519 and X25519 public keys alike.
const keySize = ed25519.PublicKeySize

func keyFromHex(text []byte) ([]byte, error) {
	if len(text) != 2*keySize {
		return nil, fmt.Errorf("%d characters, want %d hex digits", len(text), 2*keySize)
	}
	b, err := hex.DecodeString(string(text))
	if err != nil {
		return nil, errors.New("not hex digits")
	}
	return b, nil
}

// Bounds of venue.json.
const (
	maxDocument = 4 << 20 // bytes of venue.json or event.json
	maxPlaces   = 4096
	maxGates    = 1024
	maxLanes    = 64 // of a gate
	maxStaff    = 10_000
	maxName     = 200 // bytes
)

// DecodeVenue reads venue.json. The error is a [*DocumentError] that lists
// everything that is wrong.
func DecodeVenue(data []byte) (*Venue, error) {
	const document = "venue.json"
	if len(data) > maxDocument {
		return nil, &DocumentError{document, []Problem{{Why: fmt.Sprintf("more than %d bytes", maxDocument)}}}
	}
	v := new(Venue)
	if problems := decodeStrict(data, v); len(problems) > 0 {
		return nil, &DocumentError{document, problems}
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	return v, nil
}

// Validate checks what a type cannot say: that ids are there once, and that
// what is referred to exists. The error is a [*DocumentError].
func (v *Venue) Validate() error {
	var w walker
	if v.Format != Format {
		w.wrong("format", "want %d", Format)
	}
	if v.ID == 0 {
		w.wrong("id", "zero or missing")
	}
	w.names("name", v.Name)
	zones := w.places("zones", v.Zones)
	if len(v.Zones) == 0 {
		w.wrong("zones", "a venue has at least one")
	}
	entrances := w.places("entrances", v.Entrances)
	gates := v.checkGates(&w, zones, entrances)
	for i, k := range v.Keepers {
		path := fmt.Sprintf("keepers[%d]", i)
		switch {
		case !gates[k]:
			w.wrong(path, "no gate %d", k)
		case slices.Contains(v.Keepers[:i], k):
			w.wrong(path, "there twice")
		}
	}
	v.checkStaff(&w)
	if len(w.problems) > 0 {
		return &DocumentError{"venue.json", w.problems}
	}
	return nil
}

func (v *Venue) checkGates(w *walker, zones, entrances map[uint16]bool) map[uint32]bool {
	w.most("gates", len(v.Gates), maxGates)
	gates, lanes := map[uint32]bool{}, map[uint16]bool{}
	keys, seals := map[string]bool{}, map[string]bool{}
	for i, g := range v.Gates {
		path := fmt.Sprintf("gates[%d]", i)
		switch {
		case g.ID == 0:
			w.wrong(path+".id", "zero or missing")
		case gates[g.ID]:
			w.wrong(path+".id", "there twice")
		}
		gates[g.ID] = true
		if g.Incarnation == 0 {
			w.wrong(path+".incarnation", "zero or missing")
		}
		w.name(path+".name", g.Name)
		w.key(path+".key", g.Key, keys, "gate")
		if len(g.Former) >= int(max(g.Incarnation, 1)) {
			w.wrong(path+".former", "%d keys of %d earlier incarnations", len(g.Former), max(g.Incarnation, 1)-1)
		}
		for j, k := range g.Former {
			w.key(fmt.Sprintf("%s.former[%d]", path, j), k, keys, "gate")
		}
		if len(g.Seal) > 0 {
			w.key(path+".seal", g.Seal, seals, "gate")
		}
		check(w, path+".role", g.Role, gateRoles)
		for j, a := range g.Addresses {
			if _, err := netip.ParseAddrPort(a); err != nil {
				w.wrong(fmt.Sprintf("%s.addresses[%d]", path, j), "want IP:port")
			}
		}
		w.most(path+".lanes", len(g.Lanes), maxLanes)
		for j, l := range g.Lanes {
			w.lane(fmt.Sprintf("%s.lanes[%d]", path, j), l, lanes, zones, entrances)
		}
	}
	return gates
}

func (w *walker) lane(path string, l Lane, lanes, zones, entrances map[uint16]bool) {
	switch {
	case l.ID == 0:
		w.wrong(path+".id", "zero or missing")
	case lanes[l.ID]:
		w.wrong(path+".id", "there twice; lane ids are the venue's")
	}
	lanes[l.ID] = true
	w.names(path+".name", l.Name)
	check(w, path+".kind", l.Kind, laneKinds)
	check(w, path+".isolation", l.Isolation, isolations)
	if l.From != 0 && !zones[l.From] {
		w.wrong(path+".from", "no zone %d", l.From)
	}
	if !zones[l.To] {
		w.wrong(path+".to", "no zone %d", l.To)
	}
	if l.Entrance != 0 && !entrances[l.Entrance] {
		w.wrong(path+".entrance", "no entrance %d", l.Entrance)
	}
}

func (v *Venue) checkStaff(w *walker) {
	w.most("staff", len(v.Staff), maxStaff)
	seen, keys := map[uint32]bool{}, map[string]bool{}
	for i, s := range v.Staff {
		path := fmt.Sprintf("staff[%d]", i)
		switch {
		case s.ID == 0:
			w.wrong(path+".id", "zero or missing")
		case seen[s.ID]:
			w.wrong(path+".id", "there twice")
		}
		seen[s.ID] = true
		w.name(path+".name", s.Name)
		if len(s.Key) > 0 {
			w.key(path+".key", s.Key, keys, "person")
		}
		if len(s.Roles) == 0 {
			w.wrong(path+".roles", "missing")
		}
		for j, r := range s.Roles {
			check(w, path+".roles["+strconv.Itoa(j)+"]", r, staffRoles)
		}
	}
}

// Lane finds a lane in the roster, as the rules see it, and its gate.
func (v *Venue) Lane(id gate.LaneID) (gate.Lane, gate.GateID, bool) {
	for _, g := range v.Gates {
		for _, l := range g.Lanes {
			if l.ID == uint16(id) {
				return l.Rules(), gate.GateID(g.ID), true
			}
		}
	}
	return gate.Lane{}, 0, false
}

// Rules returns the lane as gate.Decide sees it.
func (l Lane) Rules() gate.Lane {
	return gate.Lane{
		ID: gate.LaneID(l.ID), Kind: laneKinds[l.Kind], From: gate.ZoneID(l.From), To: gate.ZoneID(l.To),
		Entrance: gate.EntranceID(l.Entrance), Isolation: isolations[l.Isolation],
	}
}

// places checks zones or entrances and returns their ids.
func (w *walker) places(path string, places []Place) map[uint16]bool {
	w.most(path, len(places), maxPlaces)
	ids := make(map[uint16]bool, len(places))
	for i, p := range places {
		w.id(fmt.Sprintf("%s[%d].id", path, i), p.ID, ids)
		w.names(fmt.Sprintf("%s[%d].name", path, i), p.Name)
	}
	return ids
}

// key checks that a key is there, and is one holder's only.
func (w *walker) key(path string, key []byte, seen map[string]bool, holder string) {
	switch {
	case len(key) == 0:
		w.wrong(path, "missing")
	case len(key) != keySize:
		w.wrong(path, "%d bytes, want %d", len(key), keySize)
	case seen[string(key)]:
		w.wrong(path, "another %s's", holder)
	}
	seen[string(key)] = true
}

// id checks that an id is there, and there once.
func (w *walker) id(path string, id uint16, seen map[uint16]bool) {
	switch {
	case id == 0:
		w.wrong(path, "zero or missing")
	case seen[id]:
		w.wrong(path, "there twice")
	}
	seen[id] = true
}

func (w *walker) most(path string, n, most int) {
	if n > most {
		w.wrong(path, "%d, at most %d", n, most)
	}
}

func (w *walker) name(path, s string) {
	switch {
	case strings.TrimSpace(s) == "":
		w.wrong(path, "missing")
	case len(s) > maxName:
		w.wrong(path, "more than %d bytes", maxName)
	}
}

func (w *walker) names(path string, n Names) {
	if len(n) == 0 {
		w.wrong(path, "missing; want a text by language")
	}
	for l, s := range n {
		if !isLanguage(l) {
			w.wrong(path, "%q is no language", l)
		}
		w.name(join(path, l), s)
	}
}

// isLanguage reports whether s has the shape of a BCP 47 tag: groups of up to
// eight letters and digits, the first of letters.
func isLanguage(s string) bool {
	if len(s) > 35 {
		return false
	}
	for i, part := range strings.Split(s, "-") {
		if len(part) < 1 || len(part) > 8 || i == 0 && len(part) < 2 {
			return false
		}
		for _, c := range []byte(part) {
			letter := 'a' <= c|0x20 && c|0x20 <= 'z'
			if digit := '0' <= c && c <= '9'; !letter && (!digit || i == 0) {
				return false
			}
		}
	}
	return true
}
