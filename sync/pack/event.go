package pack

import (
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
)

// Event is event/<id>/event.json: what the organiser allows.
type Event struct {
	Format     int              `json:"format"`
	ID         uint32           `json:"id"`
	Name       Names            `json:"name"`
	TimeZone   string           `json:"time_zone"` // of the zone database, such as Asia/Shanghai
	Languages  []string         `json:"languages"` // the first is the event's own
	Sessions   []Session        `json:"sessions,omitempty"`
	Rules      Rules            `json:"policy"`
	ZoneGroups []ZoneGroup      `json:"zone_groups"`
	Classes    []Class          `json:"classes"`
	Channels   []Channel        `json:"channels,omitempty"`
	Issuers    *keyring.Issuers `json:"issuers"`
	// Texts replace the built-in ones, by reason code and language.
	Texts map[string]map[string]Text `json:"texts,omitempty"`
}

// Session is one performance, match or day.
type Session struct {
	ID        uint16    `json:"id"`
	Name      Names     `json:"name"`
	Doors     time.Time `json:"doors"`
	Start     time.Time `json:"start"`
	LastEntry time.Time `json:"last_entry,omitzero"` // absent: until the end
	End       time.Time `json:"end"`
}

// Rules are the fields of gate.Policy that the organiser sets.
type Rules struct {
	ReEntry           string   `json:"re_entry,omitempty"`               // none, after_exit or after_pause
	ReEntryPause      uint32   `json:"re_entry_pause_seconds,omitempty"` // at least so long before coming back
	ReEntryLate       bool     `json:"re_entry_late,omitempty"`          // coming back is allowed after last entry
	EntriesPerSession uint16   `json:"entries_per_session,omitempty"`    // re-entries included; 0: no limit
	PartyTogether     bool     `json:"party_together,omitempty"`         // one presentation admits the whole party
	RealName          string   `json:"real_name,omitempty"`              // none, document, code_and_document or document_at_first
	OnePerson         bool     `json:"one_person,omitempty"`             // one entry a session, whatever tickets they hold
	ForeignUnproved   bool     `json:"foreign_unproved,omitempty"`       // another platform's code needs no document
	NoDocumentAlone   bool     `json:"no_document_alone,omitempty"`      // a document by itself finds no ticket
	Margins           *Margins `json:"margins,omitempty"`                // absent: 3 behind, 2 ahead
	UntrustedMargins  *Margins `json:"untrusted_margins,omitempty"`      // absent: 30 and 30
	UntrustedDocument bool     `json:"untrusted_document,omitempty"`     // without a trusted clock, ask for a document
	Isolation         string   `json:"isolation,omitempty"`              // admit, refer or refuse; absent: refer
	NoClaims          bool     `json:"no_claims,omitempty"`              // gates ask no keepers: two may let one ticket in within the same moment
	AssumedClass      uint16   `json:"assumed_class,omitempty"`          // of tickets the pack does not know yet
}

// Margins are how many steps a phone's clock may be behind and ahead.
type Margins struct {
	Behind uint16 `json:"behind"`
	Ahead  uint16 `json:"ahead"`
}

// ZoneGroup is what one kind of ticket grants.
type ZoneGroup struct {
	ID    uint16   `json:"id"`
	Name  Names    `json:"name"`
	Zones []uint16 `json:"zones"`
}

// Class is a class of ticket, such as adult, child or accreditation.
type Class struct {
	ID          uint16 `json:"id"`
	Name        Names  `json:"name"`
	HoldSeconds uint16 `json:"hold_seconds,omitempty"` // how long the barrier waits for them; 0: as for everybody
	LeadsOrder  bool   `json:"leads_order,omitempty"`  // brings in all that are left of its order
}

// Channel is where tickets were sold.
type Channel struct {
	ID   uint16 `json:"id"`
	Name string `json:"name"`
}

// Text is what staff and visitor read for one reason.
type Text struct {
	Staff   string `json:"staff,omitempty"`
	Visitor string `json:"visitor,omitempty"`
}

// Bounds of event.json.
const (
	maxEventSessions = 2000
	maxGroups        = 4096
	maxMargin        = 1000 // steps
	maxPause         = 7 * 24 * 3600
	maxHold          = 600
)

func eventFile(id uint32) string { return fmt.Sprintf("event/%d/event.json", id) }

// DecodeEvent reads an event.json. The error is a [*DocumentError] that lists
// everything that is wrong.
func DecodeEvent(data []byte) (*Event, error) {
	const document = "event.json"
	if len(data) > maxDocument {
		return nil, &DocumentError{document, []Problem{{Why: fmt.Sprintf("more than %d bytes", maxDocument)}}}
	}
	e := new(Event)
	if problems := decodeStrict(data, e); len(problems) > 0 {
		return nil, &DocumentError{document, problems}
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return e, nil
}

// Validate checks what a type cannot say. Zones are checked against the venue
// by ValidateIn. The error is a [*DocumentError].
func (e *Event) Validate() error { return e.validate(nil) }

// ValidateIn is Validate, and checks that zone groups name zones of the venue.
func (e *Event) ValidateIn(v *Venue) error { return e.validate(v) }

func (e *Event) validate(v *Venue) error {
	var w walker
	if e.Format != Format {
		w.wrong("format", "want %d", Format)
	}
	if e.ID == 0 {
		w.wrong("id", "zero or missing")
	}
	w.names("name", e.Name)
	if _, err := time.LoadLocation(e.TimeZone); err != nil || e.TimeZone == "" || e.TimeZone == "Local" {
		w.wrong("time_zone", "no zone of the zone database")
	}
	if len(e.Languages) == 0 {
		w.wrong("languages", "an event has at least one")
	}
	for i, l := range e.Languages {
		if !isLanguage(l) || slices.Contains(e.Languages[:i], l) {
			w.wrong(fmt.Sprintf("languages[%d]", i), "no language, or there twice")
		}
	}
	e.checkSessions(&w)
	e.checkRules(&w)
	e.checkGroups(&w, v)
	e.checkLists(&w)
	for code, texts := range e.Texts {
		if _, ok := gate.ReasonByCode(code); !ok {
			w.wrong("texts."+code, "no reason")
		}
		for l := range texts {
			if !isLanguage(l) {
				w.wrong("texts."+code, "%q is no language", l)
			}
		}
	}
	if len(w.problems) > 0 {
		return &DocumentError{eventFile(e.ID), w.problems}
	}
	return nil
}

func (e *Event) checkSessions(w *walker) {
	w.most("sessions", len(e.Sessions), maxEventSessions)
	seen := map[uint16]bool{}
	for i, s := range e.Sessions {
		path := fmt.Sprintf("sessions[%d]", i)
		w.id(path+".id", s.ID, seen)
		w.names(path+".name", s.Name)
		for _, at := range []struct {
			name string
			time time.Time
		}{{"doors", s.Doors}, {"start", s.Start}, {"end", s.End}} {
			if at.time.IsZero() {
				w.wrong(path+"."+at.name, "missing")
			}
		}
		switch {
		case s.Start.Before(s.Doors):
			w.wrong(path+".start", "before doors")
		case !s.End.After(s.Start):
			w.wrong(path+".end", "not after start")
		case !s.LastEntry.IsZero() && (s.LastEntry.Before(s.Doors) || s.LastEntry.After(s.End)):
			w.wrong(path+".last_entry", "not between doors and end")
		}
	}
}

func (e *Event) checkRules(w *walker) {
	r := &e.Rules
	check(w, "policy.re_entry", r.ReEntry, reEntries)
	check(w, "policy.real_name", r.RealName, realNames)
	check(w, "policy.isolation", r.Isolation, isolations)
	if r.ReEntryPause > maxPause {
		w.wrong("policy.re_entry_pause_seconds", "more than a week")
	}
	if reEntries[r.ReEntry] == gate.ReEntryAfterPause && r.ReEntryPause == 0 {
		w.wrong("policy.re_entry_pause_seconds", "missing, and re_entry is after_pause")
	}
	for _, m := range []struct {
		name    string
		margins *Margins
	}{{"margins", r.Margins}, {"untrusted_margins", r.UntrustedMargins}} {
		if m.margins != nil && max(m.margins.Behind, m.margins.Ahead) > maxMargin {
			w.wrong("policy."+m.name, "more than %d steps", maxMargin)
		}
	}
	known := func(c Class) bool { return c.ID == r.AssumedClass }
	if r.AssumedClass != 0 && !slices.ContainsFunc(e.Classes, known) {
		w.wrong("policy.assumed_class", "no class %d", r.AssumedClass)
	}
}

func (e *Event) checkGroups(w *walker, v *Venue) {
	w.most("zone_groups", len(e.ZoneGroups), maxGroups)
	if len(e.ZoneGroups) == 0 {
		w.wrong("zone_groups", "an event has at least one")
	}
	seen := map[uint16]bool{}
	for i, g := range e.ZoneGroups {
		path := fmt.Sprintf("zone_groups[%d]", i)
		w.id(path+".id", g.ID, seen)
		w.names(path+".name", g.Name)
		w.most(path+".zones", len(g.Zones), maxPlaces)
		if len(g.Zones) == 0 {
			w.wrong(path+".zones", "missing")
		}
		for j, z := range g.Zones {
			known := func(p Place) bool { return p.ID == z }
			if v != nil && !slices.ContainsFunc(v.Zones, known) {
				w.wrong(fmt.Sprintf("%s.zones[%d]", path, j), "no zone %d in venue.json", z)
			}
		}
	}
}

func (e *Event) checkLists(w *walker) {
	w.most("classes", len(e.Classes), maxGroups)
	if len(e.Classes) == 0 {
		w.wrong("classes", "an event has at least one")
	}
	seen := map[uint16]bool{}
	for i, c := range e.Classes {
		w.id(fmt.Sprintf("classes[%d].id", i), c.ID, seen)
		w.names(fmt.Sprintf("classes[%d].name", i), c.Name)
		if c.HoldSeconds > maxHold {
			w.wrong(fmt.Sprintf("classes[%d].hold_seconds", i), "more than %d", maxHold)
		}
	}
	w.most("channels", len(e.Channels), maxGroups)
	seen = map[uint16]bool{}
	for i, c := range e.Channels {
		w.id(fmt.Sprintf("channels[%d].id", i), c.ID, seen)
		w.name(fmt.Sprintf("channels[%d].name", i), c.Name)
	}
	if e.Issuers == nil {
		w.wrong("issuers", "missing")
	}
}

// Policy returns what the rules mean to gate.Decide. The event must be valid.
func (e *Event) Policy() (*gate.Policy, error) {
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", e.ID, err)
	}
	r := &e.Rules
	p := &gate.Policy{
		Event: gate.EventID(e.ID), TimeZone: zone,
		ZoneGroups:        make(map[gate.ZoneGroupID][]gate.ZoneID, len(e.ZoneGroups)),
		ReEntry:           reEntries[r.ReEntry],
		ReEntryPause:      time.Duration(r.ReEntryPause) * time.Second,
		ReEntryLate:       r.ReEntryLate,
		EntriesPerSession: int(r.EntriesPerSession),
		PartyTogether:     r.PartyTogether,
		RealName:          realNames[r.RealName],
		OnePerson:         r.OnePerson,
		ForeignUnproved:   r.ForeignUnproved,
		NoDocumentAlone:   r.NoDocumentAlone,
		Margins:           r.Margins.or(3, 2),
		UntrustedMargins:  r.UntrustedMargins.or(30, 30),
		UntrustedDocument: r.UntrustedDocument,
		Isolation:         isolations[r.Isolation],
		NoClaims:          r.NoClaims,
		AssumedClass:      gate.ClassID(r.AssumedClass),
	}
	if p.Isolation == gate.IsolationUnset {
		p.Isolation = gate.IsolationRefer
	}
	for _, g := range e.ZoneGroups {
		zones := make([]gate.ZoneID, len(g.Zones))
		for i, z := range g.Zones {
			zones[i] = gate.ZoneID(z)
		}
		p.ZoneGroups[gate.ZoneGroupID(g.ID)] = zones
	}
	for _, c := range e.Classes {
		rule := gate.ClassRule{Hold: time.Duration(c.HoldSeconds) * time.Second, LeadsOrder: c.LeadsOrder}
		if rule == (gate.ClassRule{}) {
			continue
		}
		if p.Classes == nil {
			p.Classes = map[gate.ClassID]gate.ClassRule{}
		}
		p.Classes[gate.ClassID(c.ID)] = rule
	}
	for _, s := range e.Sessions {
		p.Sessions = append(p.Sessions, gate.Session{
			ID: gate.SessionID(s.ID), Name: s.Name.In(e.Languages...),
			Doors: s.Doors, Start: s.Start, LastEntry: s.LastEntry, End: s.End,
		})
	}
	return p, nil
}

func (m *Margins) or(behind, ahead int) gate.Margins {
	if m == nil {
		return gate.Margins{Behind: behind, Ahead: ahead}
	}
	return gate.Margins{Behind: int(m.Behind), Ahead: int(m.Ahead)}
}
