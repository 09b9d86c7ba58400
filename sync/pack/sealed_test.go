package pack_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/sync/pack"
)

func TestSealed(t *testing.T) {
	v := newVenue(t)
	c := content(tickets(10))
	c.Sealed = map[uint32][]byte{1: []byte("for one"), 2: bytes.Repeat([]byte{0}, 64<<10)}
	v.build(c)
	v.enrol()
	r := v.open()
	for id, want := range c.Sealed {
		if got, err := r.Sealed(t.Context(), id); err != nil || !bytes.Equal(got, want) {
			t.Errorf("gate %d: %d bytes, %v", id, len(got), err)
		}
	}
	if _, err := r.Sealed(t.Context(), 3); !errors.As(err, new(*pack.MissingError)) {
		t.Errorf("nothing for gate 3: error %v", err)
	}
	// An overlay by its online key leaves the keys in their place.
	if _, err := pack.PublishOverlay(t.Context(), v.repository, v.keys, demoEvent(), demoVenue(), nil, now); err != nil {
		t.Fatal(err)
	}
	if got, err := v.open().Sealed(t.Context(), 1); err != nil || string(got) != "for one" {
		t.Errorf("after an overlay: %q, %v", got, err)
	}
	edit(t, v.one("targets/venue/keys/*.1"), flip(3))
	if _, err := r.Sealed(t.Context(), 1); !errors.As(err, new(*pack.TamperedError)) {
		t.Errorf("a bit changed: error %v", err)
	}
	// A gate that is struck off gets no new version of its keys.
	delete(c.Sealed, 2)
	v.build(c)
	if _, err := v.open().Sealed(t.Context(), 2); !errors.As(err, new(*pack.MissingError)) {
		t.Errorf("after the keys were dropped: error %v", err)
	}
}

func TestSealedIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		gate uint32
		data []byte
		want string
	}{
		"no such gate": {9, []byte("x"), "venue/keys/9: the venue has no gate 9"},
		"empty":        {1, nil, "venue/keys/1: empty"},
		"too long":     {1, make([]byte, 64<<10+1), "venue/keys/1: 65537 bytes, at most 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVenue(t)
			content := content(tickets(1))
			content.Sealed = map[uint32][]byte{c.gate: c.data}
			_, err := pack.Build(context.Background(), v.repository, v.keys, content, now)
			if !errors.As(err, new(*pack.DocumentError)) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v", err)
			}
			if _, err := os.Stat(v.repository + "/metadata/timestamp.json"); err == nil {
				t.Fatal("it was published")
			}
		})
	}
}

func TestSealAndStaffKeys(t *testing.T) {
	venue := func(change func(*pack.Venue)) *pack.Venue {
		v := demoVenue()
		v.Gates[0].Seal = bytes.Repeat([]byte{7}, 32)
		v.Staff = append(v.Staff, pack.Staff{ID: 2, Name: "chief", Roles: []string{"supervisor"}, Key: key(20)})
		change(v)
		return v
	}
	for name, c := range map[string]struct {
		change func(*pack.Venue)
		want   string // empty: it is fine
	}{
		"both":            {func(*pack.Venue) {}, ""},
		"neither":         {func(v *pack.Venue) { v.Gates[0].Seal, v.Staff[1].Key = nil, nil }, ""},
		"seal too short":  {func(v *pack.Venue) { v.Gates[0].Seal = make([]byte, 31) }, "gates[0].seal: 31 bytes, want 32"},
		"seal twice":      {func(v *pack.Venue) { v.Gates[1].Seal = v.Gates[0].Seal }, "gates[1].seal: another gate's"},
		"staff too short": {func(v *pack.Venue) { v.Staff[1].Key = key(20)[:31] }, "staff[1].key: 31 bytes, want 32"},
		"staff key twice": {func(v *pack.Venue) { v.Staff[0].Key = key(20) }, "staff[1].key: another person's"},
	} {
		t.Run(name, func(t *testing.T) {
			err := venue(c.change).Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("error %v", err)
			}
		})
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"seal no hex":  {`"seal":"070707`, `"seal":"zz0707`, "gates[0].seal: not hex digits"},
		"seal empty":   {`"seal":"` + strings.Repeat("07", 32), `"seal":"`, "gates[0].seal: 0 characters"},
		"staff key":    {`"key":"` + hexOf(key(20)), `"key":"00`, "staff[1].key: 2 characters"},
		"unknown name": {`"seal"`, `"Seal"`, "gates[0].Seal: unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := marshal(t, venue(func(*pack.Venue) {}))
			if back, err := pack.DecodeVenue(raw); err != nil || !bytes.Equal(marshal(t, back), raw) {
				t.Fatalf("there and back: %v", err)
			}
			bad := bytes.Replace(raw, []byte(c.from), []byte(c.to), 1)
			if _, err := pack.DecodeVenue(bad); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v", err)
			}
		})
	}
}
