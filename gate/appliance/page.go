package appliance

import (
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/web"
)

// Show takes what happens at the lanes to the page, to health and to the log.
// It is the Display of every lane.
func (a *Appliance) Show(e lane.Event) {
	a.status.lane(&e)
	names := a.packs.roster()
	switch {
	case e.Verdict != nil:
		v := web.NewVerdictView(e.At, e.Lane, names.laneName(e.Lane), e.Verdict, nil, names.previous(e.Verdict.Previous), e.Took)
		v.Name, v.Seat = e.Holder.Masked, e.Holder.Seat
		if e.Verdict.Entrance != 0 {
			v.Entrance = a.peopleNow().entrance(e.Verdict.Entrance)
		}
		a.hub.Verdict(v)
		a.light(&e)
		if e.Verdict.Opens() {
			a.phones.see(e.Verdict.Ticket, e.Verdict.Skew)
		}
		a.logVerdict(&e, v.LaneName)
	default:
		a.hub.Changed()
		a.logEvent(&e, names.laneName(e.Lane))
	}
	a.onEvent(e)
}

// light shows a verdict with the lane's lamps and buzzer, where it has any.
func (a *Appliance) light(e *lane.Event) {
	for _, run := range a.lanes.all() {
		if run.config.ID == e.Lane && run.devices.lights != nil {
			run.devices.lights.Answer(e.Reader, e.Verdict.Outcome, e.Verdict.Wants)
		}
	}
}

// LaneName returns what the venue calls a lane.
func (a *Appliance) LaneName(id gate.LaneID) string { return a.packs.roster().laneName(id) }

func (r *roster) previous(p *gate.Admission) string {
	if p == nil {
		return ""
	}
	return r.laneName(p.Lane)
}

// State is the gate as it is now; see web.Source.
func (a *Appliance) State() web.State {
	view := a.packs.Acquire()
	defer view.Release()
	r := a.packs.roster()
	s := web.State{
		Now: a.clock.Now(), Zone: r.zone, Gate: a.config().Gate.Name,
		Venue: r.venue, Event: r.event, ClockSource: web.ClockSource(a.clock.source()),
		Battery: a.status.power.view(),
		Journal: a.journalView(), Warnings: a.health.Current(),
		Counts: a.counts(r.events),
		Pack:   r.summary(a.packs.renewals()),
		Uplink: a.uplinkView(),
	}
	s.Cluster, s.Conflicts = a.status.venue.look(a, r)
	s.Orders = a.ordersForPage(s.Now, r)
	s.Counts.Zones, s.Counts.Reset = a.zonesForPage(r)
	for _, run := range a.lanes.all() {
		s.Lanes = append(s.Lanes, a.laneView(run, r))
	}
	return s
}

func (a *Appliance) laneView(run *running, r *roster) web.LaneView {
	id := run.config.ID
	v := web.LaneView{ID: id, Name: r.laneName(id)}
	geometry, known := r.lanes[id]
	geometry = a.packs.standing.Load().Lane(a.clock.Now(), geometry)
	v.Held, v.Evacuate, v.Isolation = geometry.Held, geometry.Evacuating || a.Evacuating(id), a.isolations(run, geometry, r)
	if known {
		v.Kind, v.Closed = geometry.Kind, geometry.Closed
		v.From, v.To = r.zones[geometry.From], r.zones[geometry.To]
	}
	readers, barrier := false, true
	for _, d := range run.devices.names {
		state, up := a.status.up(d.name)
		v.Devices = append(v.Devices, web.DeviceView{Name: d.name, Role: d.role, Up: up, Since: state.At})
		if d.role == web.RoleBarrier {
			barrier = barrier && up
		} else {
			readers = readers || up
		}
	}
	switch {
	case run.config.Barrier.Type == "none":
		v.Barrier = web.BarrierNone
	case !barrier:
		v.Barrier = web.BarrierDown
	case a.fires.latched(id), a.Evacuating(id):
		v.Barrier = web.BarrierReleased
	default:
		v.Barrier = a.status.barrier(id)
		if v.Barrier == web.BarrierUnknown && run.config.Barrier.Feedback == nil {
			v.Barrier = web.BarrierShut // it never tells; that is no reason to look
		}
	}
	v.Fire, v.Mishaps = a.fires.latched(id), a.mishaps.of(id)
	a.standing(&v, run.lane.Standing(a.clock.Now()), r)
	v.Ready = known && readers && barrier && !v.Closed && a.journalView().OK
	return v
}

// counts adds up the events of the day.
func (a *Appliance) counts(events []gate.EventID) web.CountsView {
	c := web.CountsView{Reasons: map[gate.Reason]int{}}
	for _, e := range events {
		total := a.ledger.Total(e)
		c.In += total.Admitted
		c.Out += total.Exited
		c.Inside += total.Inside
	}
	// A refusal of what is no ticket at all belongs to no event in particular.
	for _, e := range append([]gate.EventID{0}, events...) {
		for _, v := range a.ledger.Verdicts(e) {
			switch v.Outcome {
			case gate.Refuse:
				c.Refused += int(v.Times)
				c.Reasons[v.Reason] += int(v.Times)
			case gate.Refer:
				c.Referred += int(v.Times)
				c.Reasons[v.Reason] += int(v.Times)
			}
		}
	}
	return c
}

func (a *Appliance) logVerdict(e *lane.Event, name string) {
	line := a.log.Info()
	if e.Err != nil {
		line = a.log.Error().AnErr("error", e.Err)
	}
	line.Str("lane", name).Stringer("verdict", e.Verdict.Outcome).Stringer("reason", e.Verdict.Reason).
		Int("count", e.Verdict.Count).Dur("took_ms", e.Took.Round(time.Microsecond)).Msg("scan")
}

// logEvent writes down what is no verdict. A barrier that did not open for a
// visitor whose ticket is good is worth a warning even where no device is down.
func (a *Appliance) logEvent(e *lane.Event, name string) {
	if e.Err == nil && e.Passage == nil {
		return
	}
	line, message := a.log.Debug(), "passage"
	if e.Err != nil || e.Passage.Result == gate.PassageNotOpened {
		line = a.log.Warn()
	}
	if e.Passage == nil {
		message = "lane"
	} else {
		line.Stringer("passage", e.Passage.Result).Int("passed", e.Passage.Passed).Bool("fire", e.Passage.Fire)
	}
	line.Str("lane", name).AnErr("error", e.Err).Msg(message)
}
