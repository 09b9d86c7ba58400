package simulate

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
)

const (
	eventID gate.EventID     = 1
	street  gate.ZoneID      = 1
	stand   gate.ZoneID      = 10
	group   gate.ZoneGroupID = 1
	period                   = 10 * time.Second // of a code
	party                    = 3
	keyID                    = 1
)

// kind is what is special about a ticket.
type kind int

const (
	single  kind = iota // lets its holder in once
	again               // lets its holder in again once they have left
	several             // a party, who may come back too
	paired              // one of two tickets of one person, who may come in on one of them
)

// kindOf spreads the kinds over the tickets. Pairs are neighbours.
func kindOf(i int) kind {
	switch i % 8 {
	case 0:
		return single
	case 1, 2, 3, 4:
		return again
	case 5:
		return several
	default:
		return paired
	}
}

// pack is the event's list, the same at every gate. It is lane.Packs, the view
// and the pack in one; a scan changes nothing of it.
type pack struct {
	keys    *keyring.Issuers
	policy  gate.Policy
	tickets []gate.Ticket // by id: ticket i has id i+1
	chains  []ticket.Chain
	bodies  []ticket.Body
}

func newPack(o *Options, begin time.Time) (*pack, error) {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint64(seed, o.Seed)
	private := ed25519.NewKeyFromSeed(seed)
	keys, err := keyring.NewIssuers(keyring.IssuerKey{ID: keyID, Algorithm: keyring.Ed25519, Public: private.Public().(ed25519.PublicKey)})
	if err != nil {
		return nil, err
	}
	wide := gate.Margins{Behind: 60, Ahead: 60}
	p := &pack{keys: keys, policy: gate.Policy{
		Event: eventID, ZoneGroups: map[gate.ZoneGroupID][]gate.ZoneID{group: {stand}},
		ReEntry: gate.ReEntryAfterExit, OnePerson: true, Isolation: o.Policy,
		Margins: gate.Margins{Behind: 3, Ahead: 2}, UntrustedMargins: wide,
	}}
	issuer := ticket.Issuer{KeyID: keyID, Private: private, IssueKey: seed}
	first := begin.Add(-12 * time.Minute)
	steps := (o.length() + 40*time.Minute) / period
	for i := range o.Tickets {
		k := kindOf(i)
		t := gate.Ticket{Event: eventID, ID: gate.TicketID(i + 1), Generation: 1, ZoneGroup: group, ReEntry: k == again || k == several}
		flags := ticket.Flags(0)
		if t.ReEntry {
			flags = ticket.FlagReentry
		}
		s, err := issuer.Sign(ticket.Body{
			Event: uint32(eventID), Ticket: uint64(t.ID), Generation: 1, Flags: flags, ZoneGroup: uint16(group),
			T0: uint32(first.Unix()), Steps: uint16(steps), Period: uint8(period / time.Second), Proof: ticket.ProofChain,
		})
		if err != nil {
			return nil, fmt.Errorf("ticket %v: %w", t.ID, err)
		}
		chain, err := issuer.Chain(s.Body)
		if err != nil {
			return nil, fmt.Errorf("ticket %v: %w", t.ID, err)
		}
		t.Code = gate.CodeParams{
			KeyID: keyID, T0: s.Body.T0, Steps: s.Body.Steps, Period: s.Body.Period, Proof: gate.ProofChain, Anchor: s.Body.Anchor,
		}
		switch k {
		case several:
			t.Party = party
		case paired:
			t.Documents = []gate.DocumentTag{{Type: gate.DocumentResident, Tag: personOf(i)}}
		}
		p.tickets, p.chains, p.bodies = append(p.tickets, t), append(p.chains, chain), append(p.bodies, s.Body)
	}
	return p, nil
}

// personOf is the tag of the document that both tickets of a pair are bound to.
func personOf(i int) (tag gate.Tag) {
	binary.BigEndian.PutUint64(tag[:], uint64(i/8)+1)
	tag[15] = 1
	return tag
}

// person groups tickets that cannot be judged one without the other.
func (p *pack) person(id gate.TicketID) gate.TicketID {
	if i := int(id) - 1; kindOf(i) == paired {
		return gate.TicketID(i/8*8 + 6 + 1)
	}
	return id
}

// code is what the phone of a ticket's holder shows.
func (p *pack) code(id gate.TicketID, now time.Time) (gate.Private, error) {
	i := int(id) - 1
	step := uint32(p.bodies[i].StepAt(now))
	value, err := p.chains[i].Value(step)
	if err != nil {
		return "", err
	}
	text, err := ticket.ShortText(uint64(id), 1, step, value)
	return gate.Private(text), err
}

// limits is what conflicts are found by.
func (p *pack) limits() ledger.Limits {
	return ledger.Limits{
		Ticket: func(_ gate.EventID, id gate.TicketID, _ gate.SessionID) (open, entries int) {
			return p.policy.Limits(&p.tickets[id-1])
		},
		OnePerson: func(gate.EventID) bool { return p.policy.OnePerson },
	}
}

// Acquire implements lane.Packs.
func (p *pack) Acquire() lane.View { return p }

// Release implements lane.View.
func (p *pack) Release() {}

// Packs implements lane.View.
func (p *pack) Packs() []lane.Pack { return []lane.Pack{p} }

// Lanes of a gate: two for entry, one for exit.
const (
	lanesOfGate = 3
	exitLane    = 2
)

func laneOf(g gate.GateID, n int) gate.LaneID { return gate.LaneID(int(g)*lanesOfGate + n) }

// Lane implements lane.View.
func (p *pack) Lane(id gate.LaneID) (gate.Lane, bool) {
	l := gate.Lane{ID: id, From: street, To: stand}
	if id%lanesOfGate == exitLane {
		l.Kind = gate.LaneExit
	}
	return l, true
}

// Event implements lane.Pack.
func (p *pack) Event() gate.EventID { return eventID }

// Version implements lane.Pack.
func (p *pack) Version() uint64 { return 1 }

// Policy implements lane.Pack.
func (p *pack) Policy() *gate.Policy { return &p.policy }

// Keys implements lane.Pack.
func (p *pack) Keys() ticket.KeyFinder { return p.keys }

// Secrets implements lane.Pack.
func (p *pack) Secrets() lane.Secrets {
	return lane.Secrets{DocumentKey: make([]byte, 32), CodeKey: make([]byte, 32)}
}

// Ticket implements lane.Pack.
func (p *pack) Ticket(id gate.TicketID, into *gate.Ticket) (bool, error) {
	if id == 0 || int(id) > len(p.tickets) {
		return false, nil
	}
	*into = p.tickets[id-1]
	return true, nil
}

// ByDocument implements lane.Pack.
func (p *pack) ByDocument(tag gate.Tag, dst []gate.TicketID) ([]gate.TicketID, error) {
	return p.ByPerson(tag.Person(), dst)
}

// ByPerson implements lane.Pack.
func (p *pack) ByPerson(key gate.PersonKey, dst []gate.TicketID) ([]gate.TicketID, error) {
	first := (int(binary.BigEndian.Uint64(key[:])) - 1) * 8
	for i := first + 6; i <= first+7 && i < len(p.tickets); i++ {
		if i >= 0 && slices.ContainsFunc(p.tickets[i].Documents, func(d gate.DocumentTag) bool { return d.Tag.Person() == key }) {
			dst = append(dst, p.tickets[i].ID)
		}
	}
	return dst, nil
}

// ByOrder implements lane.Pack.
func (p *pack) ByOrder(_ gate.OrderID, dst []gate.TicketID) ([]gate.TicketID, error) { return dst, nil }

// ByForeign implements lane.Pack.
func (p *pack) ByForeign(gate.Tag) (gate.TicketID, bool, error) { return 0, false, nil }
