package appliance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/gate/web/pins"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/sync/pack"
)

// people are the venue's staff and the names of classes and sessions, as one set
// of packs has them.
type people struct {
	staff    map[uint32]pack.Staff
	classes  map[eventClass]string
	sessions map[eventSession]string

	events    map[gate.EventID]string
	entrances map[gate.EntranceID]string
}

type eventClass struct {
	event gate.EventID
	class gate.ClassID
}

type eventSession struct {
	event   gate.EventID
	session gate.SessionID
}

// peopleOf reads the documents of a set of packs. One that cannot be read tells
// of nobody; the roster complains of it.
func peopleOf(packs []*store.Pack) *people {
	p := &people{
		staff: map[uint32]pack.Staff{}, classes: map[eventClass]string{}, sessions: map[eventSession]string{},
		events: map[gate.EventID]string{}, entrances: map[gate.EntranceID]string{},
	}
	latest := uint64(0)
	for _, one := range packs {
		venue, venueErr := pack.DecodeVenue(one.Venue())
		event, eventErr := pack.DecodeEvent(one.Document())
		if venueErr != nil || eventErr != nil {
			continue
		}
		// The newest list is the venue's: who is not on it any more is out.
		if version := one.Info().Version; version >= latest {
			latest = version
			clear(p.staff)
			for _, s := range venue.Staff {
				p.staff[s.ID] = s
			}
		}
		p.name(event, venue)
	}
	return p
}

// entrance returns what people call an entrance, or its number; nothing for none.
func (p *people) entrance(id gate.EntranceID) string { return nameOr(p.entrances[id], uint64(id)) }

func (p *people) name(e *pack.Event, v *pack.Venue) {
	languages := append(slices.Clone(e.Languages), string(gate.Chinese), string(gate.English))
	p.events[gate.EventID(e.ID)] = e.Name.In(languages...)
	for _, x := range v.Entrances {
		p.entrances[gate.EntranceID(x.ID)] = x.Name.In(languages...)
	}
	for _, c := range e.Classes {
		p.classes[eventClass{gate.EventID(e.ID), gate.ClassID(c.ID)}] = c.Name.In(languages...)
	}
	for _, s := range e.Sessions {
		p.sessions[eventSession{gate.EventID(e.ID), gate.SessionID(s.ID)}] = s.Name.In(languages...)
	}
}

// peopleInUse keeps what the packs in use say of people, read once for a set.
type peopleInUse struct {
	last atomic.Pointer[peopleSet]
}

type peopleSet struct {
	of *store.View
	*people
}

func (u *peopleInUse) from(packs *store.Packs) *people {
	held := packs.Acquire()
	defer func() { _ = held.Release() }()
	if set := u.last.Load(); set != nil && set.of == held {
		return set.people
	}
	set := &peopleSet{held, peopleOf(held.Packs())}
	u.last.Store(set)
	return set.people
}

func (a *Appliance) peopleNow() *people { return a.people.from(a.packs.store) }

// commands carry out what staff ask for on the page.
type commands struct {
	*Appliance
	pins *pins.Book
}

func (a *Appliance) newCommands() *commands {
	book, err := pins.Open(a.config().Gate.DataDir)
	if err != nil {
		// The page shows all the same; nobody can sign in until the file is mended.
		a.log.Error().Err(err).Msg("staff cannot sign in")
	}
	return &commands{a, book}
}

// Staff returns one of the venue's staff who has a PIN at this gate.
func (c *commands) Staff(id uint32) (web.Person, bool) {
	s, ok := c.peopleNow().staff[id]
	if !ok || !c.pins.Has(id) {
		return web.Person{}, false
	}
	return web.Person{ID: id, Name: s.Name, Roles: s.Roles}, true
}

// AnyStaff reports whether anybody can sign in.
func (c *commands) AnyStaff() bool {
	for id := range c.peopleNow().staff {
		if c.pins.Has(id) {
			return true
		}
	}
	return false
}

// SignIn checks a PIN.
func (c *commands) SignIn(id uint32, pin gate.Private) error {
	err := c.pins.Check(id, pin)
	switch {
	case errors.Is(err, pins.ErrWrong):
		c.log.Warn().Uint32("staff", id).Msg("sign-in refused")
		return web.ErrWrongPIN
	case err == nil:
		c.log.Info().Uint32("staff", id).Msg("signed in")
	default:
		c.log.Error().Err(err).Msg("sign-in")
	}
	return err
}

// pageReader is the name under which what staff type is a reading.
const pageReader = "page"

// Type gives a lane what staff typed for its visitor.
func (c *commands) Type(ctx context.Context, staff uint32, id gate.LaneID, t web.Typed) error {
	r := gate.Reading{Reader: pageReader, At: c.clock.Now(), Text: t.Text, Document: t.Document}
	return c.ask(staff, id, "type", func(l *lane.Lane) error { return l.Type(ctx, staff, r) })
}

// Choose picks one of a case's tickets.
func (c *commands) Choose(ctx context.Context, staff uint32, id gate.LaneID, number uint64, choice int) error {
	return c.ask(staff, id, "choose", func(l *lane.Lane) error {
		open := l.Standing(c.clock.Now()).Case
		if open == nil || open.ID != number || choice < 0 || choice >= len(open.Choices) {
			return lane.ErrOver
		}
		return l.Choose(ctx, staff, number, open.Choices[choice].Ticket)
	})
}

// Decide says what becomes of a case.
func (c *commands) Decide(ctx context.Context, staff uint32, id gate.LaneID, number uint64, d web.Decision) error {
	word, ok := map[web.Decision]lane.Word{web.DecideRefuse: lane.Refuse, web.DecideAdmit: lane.Admit, web.DecideInsist: lane.Insist}[d]
	if !ok {
		return fmt.Errorf("decision %d is none", d)
	}
	return c.ask(staff, id, "decide", func(l *lane.Lane) error { return l.Decide(ctx, staff, number, word) })
}

// EndFire puts a barrier back after a fire signal.
func (c *commands) EndFire(_ context.Context, staff uint32, id gate.LaneID) error {
	err := c.Appliance.EndFire(id)
	c.log.Warn().Uint32("staff", staff).Str("lane", c.LaneName(id)).AnErr("error", err).Msg("end of a fire asked for on the page")
	if errors.Is(err, barrier.ErrFire) || errors.Is(err, barrier.ErrFireUnheard) {
		return errors.Join(web.ErrFire, err)
	}
	return err
}

// ask gives a running lane a command, and says who did in the log.
func (c *commands) ask(staff uint32, id gate.LaneID, what string, do func(*lane.Lane) error) error {
	for _, run := range c.lanes.all() {
		if run.config.ID != id {
			continue
		}
		err := do(run.lane)
		c.log.Info().Uint32("staff", staff).Str("lane", c.LaneName(id)).Str("command", what).AnErr("error", err).Msg("staff")
		switch {
		case errors.Is(err, lane.ErrBusy):
			return errors.Join(web.ErrBusy, err)
		case errors.Is(err, lane.ErrOver):
			return errors.Join(web.ErrOver, err)
		}
		return err
	}
	return web.ErrNoLane
}

// standing adds to a lane's view what it waits for.
func (a *Appliance) standing(v *web.LaneView, s lane.Standing, r *roster) {
	v.Wants, v.WantsUntil = s.Wants, s.Until
	c := s.Case
	if c == nil {
		return
	}
	p := a.peopleNow()
	verdict := web.NewVerdictView(c.Until, v.ID, v.Name, &c.Verdict, nil, r.previous(c.Verdict.Previous), 0)
	verdict.Name, verdict.Seat = c.Holder.Masked, c.Holder.Seat
	verdict.Entrance = p.entrance(c.Verdict.Entrance)
	v.Case = &web.CaseView{
		ID: c.ID, Verdict: verdict, Until: c.Until, Refused: c.Refused,
	}
	if c.Verdict.Ticket != 0 {
		v.Case.Class = p.classes[eventClass{c.Event, c.Holder.Class}]
	}
	for _, one := range c.Choices {
		v.Case.Choices = append(v.Case.Choices, web.NewChoiceView(one.Ticket, one.Holder.Masked, one.Holder.Seat,
			p.classes[eventClass{one.Event, one.Holder.Class}], p.sessions[eventSession{one.Event, one.Session}]))
	}
}
