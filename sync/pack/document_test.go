package pack_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

func TestVenueRoundTrip(t *testing.T) {
	want := demoVenue()
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pack.DecodeVenue(raw)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v\n got %+v\nwant %+v", err, got, want)
	}
	lane, at, ok := got.Lane(102)
	if !ok || at != 1 || lane != (gate.Lane{ID: 102, Kind: gate.LaneBoth, To: 12, Isolation: gate.IsolationAdmit}) {
		t.Fatalf("lane %+v of gate %d", lane, at)
	}
	if _, _, ok := got.Lane(1); ok {
		t.Fatal("lane 1 exists")
	}
}

func TestEventRoundTrip(t *testing.T) {
	want := demoEvent()
	want.Rules.Margins = &pack.Margins{Behind: 1, Ahead: 0}
	want.Texts = map[string]map[string]pack.Text{"already_inside": {"en": {Staff: "Again?"}}}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pack.DecodeEvent(raw)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%v\n got %+v\nwant %+v", err, got, want)
	}
}

func TestPolicy(t *testing.T) {
	e := demoEvent()
	e.TimeZone = "Asia/Shanghai"
	e.Rules = pack.Rules{
		ReEntry: "after_pause", ReEntryPause: 90, ReEntryLate: true, EntriesPerSession: 4, PartyTogether: true,
		RealName: "document_at_first", OnePerson: true, ForeignUnproved: true, NoDocumentAlone: true,
		Margins: &pack.Margins{Behind: 1, Ahead: 0}, UntrustedDocument: true, Isolation: "refuse", NoClaims: true, AssumedClass: 2,
	}
	p, err := e.Policy()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	want := &gate.Policy{
		Event: gate.EventID(e.ID), TimeZone: zone, Sessions: p.Sessions, ZoneGroups: p.ZoneGroups,
		ReEntry: gate.ReEntryAfterPause, ReEntryPause: 90 * time.Second, ReEntryLate: true, EntriesPerSession: 4, PartyTogether: true,
		RealName: gate.RealNameDocumentAtFirst, OnePerson: true, ForeignUnproved: true, NoDocumentAlone: true,
		Margins: gate.Margins{Behind: 1}, UntrustedMargins: gate.Margins{Behind: 30, Ahead: 30}, UntrustedDocument: true,
		Isolation: gate.IsolationRefuse, NoClaims: true, AssumedClass: 2,
	}
	if !reflect.DeepEqual(p, want) {
		t.Fatalf("\n got %+v\nwant %+v", p, want)
	}
	if len(p.Sessions) != 2 || p.Sessions[0].Name != "session 1" || !slices.Equal(p.ZoneGroups[2], []gate.ZoneID{12}) {
		t.Fatalf("sessions %+v, groups %v", p.Sessions, p.ZoneGroups)
	}
	if p, err = demoEvent().Policy(); err != nil || p.Margins != (gate.Margins{Behind: 3, Ahead: 2}) {
		t.Fatalf("default margins %+v, %v", p.Margins, err)
	}
}

// paths returns where an error says that a document is wrong.
func paths(t *testing.T, err error) []string {
	t.Helper()
	var d *pack.DocumentError
	if !errors.As(err, &d) {
		t.Fatalf("error %T %v", err, err)
	}
	found := make([]string, len(d.Problems))
	for i, p := range d.Problems {
		if p.Why == "" || !strings.Contains(err.Error(), p.String()) {
			t.Fatalf("problem %+v of %v", p, err)
		}
		found[i] = p.Path
	}
	slices.Sort(found)
	return found
}

// Everything that does not fit is reported at once, with its path.
func TestEveryProblemIsReported(t *testing.T) {
	_, err := pack.DecodeVenue([]byte(`{
		"format": "1", "id": 4294967296, "Name": {}, "name": {"en": 5}, "zones": {},
		"gates": [{"id": 1.5, "key": "00", "lanes": [{"id": 70000, "kind": null}, 5]}, {"role": [], "role": "gate"}],
		"keepers": [-1], "staff": "nobody", "price": 1
	}`))
	want := []string{
		"Name", "format", "gates[0].id", "gates[0].key", "gates[0].lanes[0].id", "gates[0].lanes[0].kind", "gates[0].lanes[1]",
		"gates[1].role", "gates[1].role", "id", "keepers[0]", "name.en", "price", "staff", "zones",
	}
	if got := paths(t, err); !slices.Equal(got, want) {
		t.Fatalf("\n got %q\nwant %q", got, want)
	}
}

func TestDocumentSyntax(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut short": `{"format":1`, "two": `{}{}`, "a list": `[]`, "null": `null`,
		"not UTF-8": "{\"\xff\":1}", "too long": `{"name":{"en":"` + strings.Repeat("x", 5<<20) + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pack.DecodeVenue([]byte(text))
			paths(t, err)
			_, err = pack.DecodeEvent([]byte(text))
			paths(t, err)
		})
	}
}

func TestVenueValidate(t *testing.T) {
	for path, change := range map[string]func(*pack.Venue){
		"format":               func(v *pack.Venue) { v.Format = 2 },
		"id":                   func(v *pack.Venue) { v.ID = 0 },
		"name":                 func(v *pack.Venue) { v.Name = nil },
		"name.en":              func(v *pack.Venue) { v.Name["en"] = " " },
		"zones[1].id":          func(v *pack.Venue) { v.Zones[1].ID = v.Zones[0].ID; v.Gates[0].Lanes[1].To = 11 },
		"entrances[0].name":    func(v *pack.Venue) { v.Entrances[0].Name = pack.Names{"e": "East"} },
		"gates[1].id":          func(v *pack.Venue) { v.Gates[1].ID = 1 },
		"gates[1].incarnation": func(v *pack.Venue) { v.Gates[1].Incarnation = 0 },
		"gates[1].key":         func(v *pack.Venue) { v.Gates[1].Key = v.Gates[0].Key },
		"gates[1].former":      func(v *pack.Venue) { v.Gates[1].Former = []pack.PublicKey{make(pack.PublicKey, 32)} },
		"gates[1].former[0]": func(v *pack.Venue) {
			v.Gates[1].Incarnation, v.Gates[1].Former = 2, []pack.PublicKey{v.Gates[0].Key}
		},
		"gates[1].role":              func(v *pack.Venue) { v.Gates[1].Role = "king" },
		"gates[0].addresses[0]":      func(v *pack.Venue) { v.Gates[0].Addresses[0] = "gate-1" },
		"gates[0].lanes[0].kind":     func(v *pack.Venue) { v.Gates[0].Lanes[0].Kind = "" },
		"gates[0].lanes[1].id":       func(v *pack.Venue) { v.Gates[0].Lanes[1].ID = 101 },
		"gates[0].lanes[0].from":     func(v *pack.Venue) { v.Gates[0].Lanes[0].From = 99 },
		"gates[0].lanes[0].to":       func(v *pack.Venue) { v.Gates[0].Lanes[0].To = 99 },
		"gates[0].lanes[0].entrance": func(v *pack.Venue) { v.Gates[0].Lanes[0].Entrance = 99 },
		"keepers[0]":                 func(v *pack.Venue) { v.Keepers[0] = 99 },
		"keepers[1]":                 func(v *pack.Venue) { v.Keepers = []uint32{1, 1} },
		"staff[0].id":                func(v *pack.Venue) { v.Staff[0].ID = 0 },
		"staff[0].roles":             func(v *pack.Venue) { v.Staff[0].Roles = nil },
		"staff[0].roles[0]":          func(v *pack.Venue) { v.Staff[0].Roles[0] = "king" },
	} {
		t.Run(path, func(t *testing.T) {
			v := demoVenue()
			change(v)
			if got := paths(t, v.Validate()); !slices.Equal(got, []string{path}) {
				t.Fatalf("problems at %q", got)
			}
		})
	}
}

func TestEventValidate(t *testing.T) {
	for path, change := range map[string]func(*pack.Event){
		"format":                        func(e *pack.Event) { e.Format = 0 },
		"id":                            func(e *pack.Event) { e.ID = 0 },
		"time_zone":                     func(e *pack.Event) { e.TimeZone = "Mars/Base" },
		"languages":                     func(e *pack.Event) { e.Languages = nil },
		"languages[1]":                  func(e *pack.Event) { e.Languages[1] = e.Languages[0] },
		"sessions[1].id":                func(e *pack.Event) { e.Sessions[1].ID = 1 },
		"sessions[0].start":             func(e *pack.Event) { e.Sessions[0].Start = e.Sessions[0].Doors.Add(-1) },
		"sessions[0].end":               func(e *pack.Event) { e.Sessions[0].End = e.Sessions[0].Start },
		"sessions[0].last_entry":        func(e *pack.Event) { e.Sessions[0].LastEntry = e.Sessions[0].End.Add(1) },
		"policy.re_entry":               func(e *pack.Event) { e.Rules.ReEntry = "sometimes" },
		"policy.real_name":              func(e *pack.Event) { e.Rules.RealName = "maybe" },
		"policy.isolation":              func(e *pack.Event) { e.Rules.Isolation = "pray" },
		"policy.re_entry_pause_seconds": func(e *pack.Event) { e.Rules.ReEntryPause = 0 },
		"policy.margins":                func(e *pack.Event) { e.Rules.Margins = &pack.Margins{Behind: 1001} },
		"policy.assumed_class":          func(e *pack.Event) { e.Rules.AssumedClass = 99 },
		"zone_groups":                   func(e *pack.Event) { e.ZoneGroups = nil },
		"zone_groups[1].id":             func(e *pack.Event) { e.ZoneGroups[1].ID = 1 },
		"zone_groups[0].zones":          func(e *pack.Event) { e.ZoneGroups[0].Zones = nil },
		"zone_groups[0].zones[0]":       func(e *pack.Event) { e.ZoneGroups[0].Zones[0] = 99 },
		"classes":                       func(e *pack.Event) { e.Classes = nil },
		"channels[0].name":              func(e *pack.Event) { e.Channels[0].Name = "" },
		"issuers":                       func(e *pack.Event) { e.Issuers = nil },
		"texts.no_reason":               func(e *pack.Event) { e.Texts = map[string]map[string]pack.Text{"no_reason": nil} },
	} {
		t.Run(path, func(t *testing.T) {
			e := demoEvent()
			change(e)
			if got := paths(t, e.ValidateIn(demoVenue())); !slices.Equal(got, []string{path}) {
				t.Fatalf("problems at %q", got)
			}
		})
	}
}

func TestIssuerProblemsHaveTheirPath(t *testing.T) {
	raw, err := json.Marshal(demoEvent())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), `"algorithm":"ed25519"`, `"algorithm":"sm2"`, 1)
	_, err = pack.DecodeEvent([]byte(text))
	if got := paths(t, err); len(got) != 1 || !strings.HasPrefix(got[0], "issuers[0]") {
		t.Fatalf("problems at %q", got)
	}
}

func TestNamesIn(t *testing.T) {
	n := pack.Names{"zh-CN": "东门", "en": "East"}
	for _, c := range []struct {
		languages []string
		want      string
	}{{[]string{"fr", "zh-CN"}, "东门"}, {[]string{"fr"}, "East"}, {nil, "East"}} {
		if got := n.In(c.languages...); got != c.want {
			t.Errorf("%v: %s", c.languages, got)
		}
	}
}

// No document panics, and one that is accepted means something to the rules.
func FuzzDecodeEvent(f *testing.F) {
	raw, err := json.Marshal(demoEvent())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"format":1,"sessions":[{"doors":"2026-11-20T08:00:00Z"}],"issuers":null}`))
	f.Add([]byte(`{"texts":{"a":{"b":{"staff":1}},"a":{}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := pack.DecodeEvent(data)
		if err != nil {
			if !errors.As(err, new(*pack.DocumentError)) {
				t.Fatalf("error %T %v", err, err)
			}
			return
		}
		if _, err := e.Policy(); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzDecodeVenue(f *testing.F) {
	raw, err := json.Marshal(demoVenue())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"gates":[{"lanes":[null]}],"name":{"en":"a","en":"b"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := pack.DecodeVenue(data); err != nil && !errors.As(err, new(*pack.DocumentError)) {
			t.Fatalf("error %T %v", err, err)
		}
	})
}
