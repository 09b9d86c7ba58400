package lane_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/claim"
)

const (
	eventID gate.EventID     = 7
	northID gate.LaneID      = 3
	southID gate.LaneID      = 4
	bothID  gate.LaneID      = 5
	stand   gate.ZoneID      = 10
	group   gate.ZoneGroupID = 1

	zhangCard = "11010519491231002X"
	liCard    = "440308199901010012"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// venue is a small world around desks and lanes: an issuer with phones, a pack
// in memory, a real ledger behind a journal in memory, and a clock set by hand.
type venue struct {
	t      *testing.T
	issuer ticket.Issuer
	keys   *keyring.Issuers
	policy gate.Policy
	signed map[gate.TicketID]ticket.Signed

	mu      sync.Mutex
	now     time.Time
	trusted bool
	tickets map[gate.TicketID]gate.Ticket
	empty   bool // no pack at all

	ledger  *ledger.Ledger
	claims  lane.Claimer
	journal *memoryJournal
}

func newVenue(t *testing.T) *venue {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	keys, err := keyring.NewIssuers(keyring.IssuerKey{ID: 1, Algorithm: keyring.Ed25519, Public: private.Public().(ed25519.PublicKey)})
	if err != nil {
		t.Fatal(err)
	}
	v := &venue{
		t: t, issuer: ticket.Issuer{KeyID: 1, Private: private, IssueKey: make([]byte, 32)}, keys: keys,
		policy: gate.Policy{Event: eventID, ZoneGroups: map[gate.ZoneGroupID][]gate.ZoneID{group: {stand}}},
		signed: map[gate.TicketID]ticket.Signed{}, tickets: map[gate.TicketID]gate.Ticket{},
		now: noon, trusted: true, ledger: ledger.New(),
	}
	v.claims = claim.NewAlone(v.ledger)
	v.journal = &memoryJournal{ledger: v.ledger, now: v.Now}
	if _, err := v.journal.append(&ledger.Record{Kind: ledger.KindEpoch, Step: ledger.NoStep}); err != nil {
		t.Fatal(err)
	}
	return v
}

// sell issues a rotating ticket and lists it in the pack.
func (v *venue) sell(id gate.TicketID, change ...func(*gate.Ticket)) {
	s := v.sellUnlisted(id, 1)
	t := gate.Ticket{
		Event: eventID, ID: id, Generation: 1, ZoneGroup: group, ReEntry: true, Masked: "张*",
		Code: gate.CodeParams{
			KeyID: 1, T0: s.Body.T0, Steps: s.Body.Steps, Period: s.Body.Period, Proof: gate.ProofChain, Anchor: s.Body.Anchor,
		},
	}
	for _, c := range change {
		c(&t)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tickets[id] = t
}

// sellUnlisted issues a ticket that the gate's pack has not heard of.
func (v *venue) sellUnlisted(id gate.TicketID, generation uint8) *ticket.Signed {
	s, err := v.issuer.Sign(ticket.Body{
		Event: uint32(eventID), Ticket: uint64(id), Generation: generation, Flags: ticket.FlagReentry, ZoneGroup: uint16(group),
		T0: uint32(noon.Add(-time.Hour).Unix()), Steps: 2000, Period: 10, Proof: ticket.ProofChain,
	})
	if err != nil {
		v.t.Fatal(err)
	}
	v.signed[id] = s
	return &s
}

// with lists a document of the ticket's holder.
func (v *venue) with(numbers ...string) func(*gate.Ticket) {
	return func(t *gate.Ticket) {
		for _, n := range numbers {
			t.Documents = append(t.Documents, gate.DocumentTag{Type: gate.DocumentResident, Tag: v.tag(n)})
		}
	}
}

func (v *venue) tag(number string) gate.Tag {
	tag, err := identity.Tag(v.Secrets().DocumentKey, identity.Resident, "CHN", number)
	if err != nil {
		v.t.Fatal(err)
	}
	return gate.Tag(tag)
}

// short is what the phone shows now; long what it shows when tapped.
func (v *venue) short(id gate.TicketID) gate.Reading { return v.shown(id, false) }
func (v *venue) long(id gate.TicketID) gate.Reading  { return v.shown(id, true) }

func (v *venue) shown(id gate.TicketID, long bool) gate.Reading {
	s, ok := v.signed[id]
	if !ok {
		v.t.Fatalf("ticket %v was never sold", id)
	}
	chain, err := v.issuer.Chain(s.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	step := uint32(s.Body.StepAt(v.Now()))
	value, err := chain.Value(step)
	if err != nil {
		v.t.Fatal(err)
	}
	var text string
	if long {
		text, err = ticket.LongText(&s, step, value)
	} else {
		text, err = ticket.ShortText(s.Body.Ticket, s.Body.Generation, step, value)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return v.text(text)
}

func (v *venue) text(text string) gate.Reading {
	return gate.Reading{Reader: "code", At: v.Now(), Text: gate.Private(text)}
}

func (v *venue) card(number string) gate.Reading {
	return gate.Reading{Reader: "card", At: v.Now(), Document: &gate.Document{
		Type: gate.DocumentResident, Country: "CHN", Number: gate.Private(number), Name: "张三",
	}}
}

func (v *venue) desk(id gate.LaneID) *lane.Desk {
	return lane.NewDesk(lane.DeskOptions{
		Lane: id, Packs: v, Ledger: v.ledger, Claims: v.claims, Journal: v.journal, Clock: v,
	})
}

func (v *venue) wait(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

// The venue is its own clock, packs, view and pack.

func (v *venue) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

func (v *venue) Trusted() bool { return v.trusted }

func (v *venue) Acquire() lane.View { return v }

func (v *venue) Release() {}

func (v *venue) Packs() []lane.Pack {
	if v.empty {
		return nil
	}
	return []lane.Pack{v}
}

func (v *venue) Lane(id gate.LaneID) (gate.Lane, bool) {
	l := gate.Lane{ID: id, From: 1, To: stand}
	switch id {
	case northID, southID:
	case bothID:
		l.Kind = gate.LaneBoth
	default:
		return gate.Lane{}, false
	}
	return l, true
}

func (v *venue) Event() gate.EventID { return eventID }

func (v *venue) Version() uint64 { return 12 }

func (v *venue) Policy() *gate.Policy { return &v.policy }

func (v *venue) Keys() ticket.KeyFinder { return v.keys }

func (v *venue) Secrets() lane.Secrets {
	return lane.Secrets{DocumentKey: []byte("a document key of 32 bytes......"), CodeKey: []byte("a code key of 32 bytes..........")}
}

func (v *venue) Ticket(id gate.TicketID, into *gate.Ticket) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, ok := v.tickets[id]
	if ok {
		*into = t
	}
	return ok, nil
}

func (v *venue) ByDocument(tag gate.Tag, dst []gate.TicketID) ([]gate.TicketID, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, t := range v.tickets {
		if t.HasDocument(tag) {
			dst = append(dst, id)
		}
	}
	return dst, nil
}

func (v *venue) ByPerson(key gate.PersonKey, dst []gate.TicketID) ([]gate.TicketID, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, t := range v.tickets {
		if slices.ContainsFunc(t.Documents, func(d gate.DocumentTag) bool { return d.Tag.Person() == key }) {
			dst = append(dst, id)
		}
	}
	slices.Sort(dst)
	return dst, nil
}

func (v *venue) ByOrder(order gate.OrderID, dst []gate.TicketID) ([]gate.TicketID, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, t := range v.tickets {
		if t.Order == order {
			dst = append(dst, id)
		}
	}
	slices.Sort(dst)
	return dst, nil
}

func (v *venue) ByForeign(tag gate.Tag) (gate.TicketID, bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, t := range v.tickets {
		for _, f := range t.Foreign {
			if f == tag {
				return id, true, nil
			}
		}
	}
	return 0, false, nil
}

// memoryJournal numbers records and folds them into the ledger, as the real one
// does, and fails when told to.
type memoryJournal struct {
	now    func() time.Time
	ledger *ledger.Ledger

	mu      sync.Mutex
	fail    error
	records []ledger.Record
	hash    ledger.Hash
	last    ledger.Clock
}

var errDiskFull = errors.New("no space left on device")

func (j *memoryJournal) Append(_ context.Context, r *ledger.Record) (ledger.Position, error) {
	return j.append(r)
}

func (j *memoryJournal) Note(_ context.Context, r *ledger.Record) error {
	copied := *r
	_, err := j.append(&copied)
	return err
}

func (j *memoryJournal) append(r *ledger.Record) (ledger.Position, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return ledger.Position{}, j.fail
	}
	r.Position = ledger.Position{Origin: ledger.Origin{Gate: 1, Epoch: 1}, Sequence: uint64(len(j.records)) + 1}
	if r.Wall.IsZero() {
		r.Wall = j.now()
	}
	j.last = j.last.Next(r.Wall)
	r.Clock, r.Prev = j.last, j.hash
	if err := j.ledger.Add(r); err != nil {
		return ledger.Position{}, err
	}
	j.hash = r.Hash()
	j.records = append(j.records, *r)
	return r.Position, nil
}

func (j *memoryJournal) broken(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = err
}

// kinds returns the kinds of the records since the first, in order.
func (j *memoryJournal) kinds() []ledger.Kind {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []ledger.Kind
	for i := range j.records[1:] {
		out = append(out, j.records[1+i].Kind)
	}
	return out
}
