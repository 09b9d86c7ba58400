package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

var doors = time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC)

// gateLog makes one gate's records for a test: epoch 1, the clock a second on
// for each of them unless at says otherwise.
type gateLog struct {
	gate    gate.GateID
	records []Record
}

func newLog(id gate.GateID) *gateLog {
	g := &gateLog{gate: id}
	g.add(doors, Record{Kind: KindEpoch, Step: NoStep})
	return g
}

// add appends a record at a time and returns its position.
func (g *gateLog) add(at time.Time, r Record) Position {
	var clock Clock
	if n := len(g.records); n > 0 {
		clock, r.Prev = g.records[n-1].Clock, g.records[n-1].Hash()
	}
	r.Position = Position{Origin{g.gate, 1}, uint64(len(g.records) + 1)}
	r.Wall, r.Clock = at, clock.Next(at)
	g.records = append(g.records, r)
	return r.Position
}

const (
	testEvent  = gate.EventID(1001)
	testTicket = gate.TicketID(42)
	arena      = gate.ZoneID(4)
)

func grant(step uint32, count uint8) Record {
	return Record{
		Kind: KindGrant, Event: testEvent, Ticket: testTicket, Generation: 1, Session: 3, Step: step, Count: count,
		Lane: 21, From: 1, To: arena, Outcome: gate.Admit, Reason: gate.ReasonAdmitted,
	}
}

func exit(step uint32, count uint8, ref Position) Record {
	return Record{
		Kind: KindExit, Event: testEvent, Ticket: testTicket, Generation: 1, Session: 3, Step: step, Count: count,
		Lane: 22, From: arena, To: 1, Outcome: gate.Exit, Reason: gate.ReasonExited, Ref: ref,
	}
}

func voided(count uint8, ref Position) Record {
	return Record{
		Kind: KindVoided, Event: testEvent, Ticket: testTicket, Generation: 1, Step: NoStep, Count: count,
		Lane: 21, From: 1, To: arena, Ref: ref,
	}
}

func with(r Record, change func(*Record)) Record {
	change(&r)
	return r
}

func addAll(t *testing.T, l *Ledger, logs ...*gateLog) {
	t.Helper()
	for _, g := range logs {
		for i := range g.records {
			if err := l.Add(&g.records[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func minute(n int) time.Time { return doors.Add(time.Duration(n) * time.Minute) }

func TestHistory(t *testing.T) {
	// in is a grant as it should come out; tests change what differs.
	in := func(at int, step uint32, count int) gate.Grant {
		return gate.Grant{
			Ticket: testTicket, Session: 3, Generation: 1, HasStep: true, Step: step,
			Count: count, At: minute(at), Gate: 7, Lane: 21,
		}
	}
	left := func(g gate.Grant, out, at int) gate.Grant {
		g.Out, g.LastOut = out, minute(at)
		return g
	}
	tests := []struct {
		name  string
		story func(a, b *gateLog) // gates 7 and 8
		want  []gate.Grant
		floor uint8
		count Count
	}{
		{"never seen", func(_, _ *gateLog) {}, nil, 0, Count{}},
		{"went in", func(a, _ *gateLog) {
			a.add(minute(1), grant(10, 1))
		}, []gate.Grant{in(1, 10, 1)}, 1, Count{1, 0, 1}},
		{"passing adds nothing", func(a, _ *gateLog) {
			ref := a.add(minute(1), grant(10, 1))
			a.add(minute(1), with(voided(1, ref), func(r *Record) { r.Kind = KindPassed }))
		}, []gate.Grant{in(1, 10, 1)}, 1, Count{1, 0, 1}},
		{"an unknown end stays used", func(a, _ *gateLog) {
			ref := a.add(minute(1), grant(10, 1))
			a.add(minute(1), with(voided(1, ref), func(r *Record) { r.Kind = KindUnknown }))
		}, []gate.Grant{in(1, 10, 1)}, 1, Count{1, 0, 1}},
		{"nobody went through", func(a, _ *gateLog) {
			ref := a.add(minute(1), with(grant(10, 1), func(r *Record) { r.Generation = 3 }))
			a.add(minute(2), voided(1, ref))
		}, nil, 3, Count{}},
		{"two of three went through", func(a, _ *gateLog) {
			ref := a.add(minute(1), grant(10, 3))
			a.add(minute(2), voided(1, ref))
		}, []gate.Grant{in(1, 10, 2)}, 1, Count{2, 0, 2}},
		{"voided twice over", func(a, _ *gateLog) {
			ref := a.add(minute(1), grant(10, 2))
			a.add(minute(2), voided(9, ref))
			a.add(minute(3), voided(9, ref))
			a.add(minute(4), grant(11, 1))
		}, []gate.Grant{in(4, 11, 1)}, 1, Count{1, 0, 1}},
		{"a void of nothing known", func(a, _ *gateLog) {
			a.add(minute(1), grant(10, 1))
			a.add(minute(2), voided(1, Position{Origin{99, 1}, 5}))
			a.add(minute(3), voided(1, Position{}))
		}, []gate.Grant{in(1, 10, 1)}, 1, Count{1, 0, 1}},
		{"went out by the grant it names", func(a, b *gateLog) {
			ref := a.add(minute(1), grant(10, 1))
			b.add(minute(9), exit(58, 1, ref))
		}, []gate.Grant{left(in(1, 10, 1), 1, 9)}, 1, Count{1, 1, 0}},
		{"went out and no grant is named", func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(9), exit(58, 1, Position{}))
		}, []gate.Grant{left(in(1, 10, 1), 1, 9)}, 1, Count{1, 1, 0}},
		{"the latest grant is left first", func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			a.add(minute(2), grant(11, 1))
			b.add(minute(9), exit(58, 1, Position{}))
		}, []gate.Grant{in(1, 10, 1), left(in(2, 11, 1), 1, 9)}, 1, Count{2, 1, 1}},
		{"a party leaves by all its grants", func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			ref := a.add(minute(2), grant(11, 2))
			b.add(minute(9), exit(58, 3, ref))
		}, []gate.Grant{
			but(in(1, 10, 1), func(g *gate.Grant) { g.Out, g.LastOut = 1, minute(9) }),
			left(in(2, 11, 2), 2, 9),
		}, 1, Count{3, 3, 0}},
		{"an exit takes nobody off a later grant", func(a, b *gateLog) {
			b.add(minute(1), exit(8, 1, Position{}))
			a.add(minute(2), grant(10, 1))
		}, []gate.Grant{in(2, 10, 1)}, 1, Count{1, 0, 1}},
		{"unless it names it, the clocks being apart", func(a, b *gateLog) {
			ref := a.add(minute(2), grant(10, 1))
			b.add(minute(1), exit(20, 1, ref))
		}, []gate.Grant{left(in(2, 10, 1), 1, 1)}, 1, Count{1, 1, 0}},
		{"an exit waits for the grant it names", func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), exit(20, 1, Position{Origin{99, 1}, 5}))
		}, []gate.Grant{in(1, 10, 1)}, 1, Count{1, 0, 1}},
		{"an exit takes nobody off a voided grant", func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			ref := a.add(minute(2), grant(11, 1))
			b.add(minute(3), exit(20, 1, Position{}))
			a.add(minute(4), voided(1, ref))
		}, []gate.Grant{left(in(1, 10, 1), 1, 3)}, 1, Count{1, 1, 0}},
		{"out twice is out once, and the later code counts", func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), exit(20, 1, Position{}))
			b.add(minute(3), exit(21, 1, Position{}))
		}, []gate.Grant{left(in(1, 10, 1), 1, 2)}, 1, Count{1, 1, 0}},
		{"an exit's code goes with its generation", func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			a.add(minute(2), with(grant(5, 1), func(r *Record) { r.Generation = 2 }))
			b.add(minute(3), with(exit(20, 1, Position{}), func(r *Record) { r.Generation = 1 }))
		}, []gate.Grant{
			in(1, 10, 1),
			but(in(2, 5, 1), func(g *gate.Grant) { g.Generation, g.Out, g.LastOut = 2, 1, minute(3) }),
		}, 2, Count{2, 1, 1}},
		{"an exit that nobody went through", func(a, b *gateLog) {
			a.add(minute(1), grant(10, 2))
			ref := b.add(minute(2), exit(20, 2, Position{}))
			b.add(minute(3), voided(1, ref))
		}, []gate.Grant{left(in(1, 10, 2), 1, 2)}, 1, Count{2, 1, 1}},
		{"without a code", func(a, b *gateLog) {
			a.add(minute(1), grant(NoStep, 1))
			b.add(minute(2), exit(NoStep, 1, Position{}))
		}, []gate.Grant{but(in(1, 0, 1), func(g *gate.Grant) {
			g.HasStep, g.Out, g.LastOut = false, 1, minute(2)
		})}, 1, Count{1, 1, 0}},
		{"marks come along", func(a, _ *gateLog) {
			a.add(minute(1), with(grant(10, 1), func(r *Record) { r.Marks = gate.MarkIsolated | gate.MarkOverride }))
		}, []gate.Grant{but(in(1, 10, 1), func(g *gate.Grant) { g.Isolated, g.Override = true, true })}, 1, Count{1, 0, 1}},
		{"training is not for the books", func(a, _ *gateLog) {
			a.add(minute(1), with(grant(10, 1), func(r *Record) { r.Marks = gate.MarkTraining }))
		}, nil, 0, Count{}},
		{"refusals and pre-checks leave no trace", func(a, _ *gateLog) {
			a.add(minute(1), with(grant(10, 1), func(r *Record) { r.Kind = KindRefusal }))
			a.add(minute(1), with(grant(10, 1), func(r *Record) { r.Kind = KindPreCheck }))
		}, nil, 0, Count{}},
		{"the order is by hybrid time, not by arrival", func(a, b *gateLog) {
			a.add(minute(5), grant(30, 1))
			b.add(minute(2), grant(12, 1))
		}, []gate.Grant{but(in(2, 12, 1), func(g *gate.Grant) { g.Gate = 8 }), in(5, 30, 1)}, 1, Count{2, 0, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := newLog(7), newLog(8)
			test.story(a, b)
			l := New()
			addAll(t, l, a, b)
			h := gate.History{Person: make([]gate.Grant, 3)}
			l.History(&h, testTicket)
			if !slices.Equal(h.Ticket, test.want) {
				t.Errorf("history is\n%+v, want\n%+v", h.Ticket, test.want)
			}
			if h.Floor != test.floor || len(h.Person) != 0 {
				t.Errorf("floor %d, want %d; %d grants of the person", h.Floor, test.floor, len(h.Person))
			}
			if got := l.Total(testEvent); got != test.count {
				t.Errorf("count %+v, want %+v", got, test.count)
			}
		})
	}
}

func but(g gate.Grant, change func(*gate.Grant)) gate.Grant {
	change(&g)
	return g
}

func TestPerson(t *testing.T) {
	person, other := gate.PersonKey{1}, gate.PersonKey{2}
	by := func(ticket gate.TicketID, key gate.PersonKey) Record {
		return with(grant(10, 1), func(r *Record) { r.Ticket, r.Person = ticket, key })
	}
	a, b := newLog(7), newLog(8)
	a.add(minute(1), by(1, person))
	ref := a.add(minute(2), by(2, person))
	a.add(minute(3), by(3, other))
	gone := a.add(minute(4), by(4, person))
	a.add(minute(5), by(2, other)) // the same ticket, another person
	b.add(minute(6), by(1, person))
	b.add(minute(7), with(exit(30, 1, ref), func(r *Record) { r.Ticket = 2 }))
	b.add(minute(8), with(voided(1, gone), func(r *Record) { r.Ticket = 4 }))
	b.add(minute(9), by(5, gate.PersonKey{}))

	l := New()
	addAll(t, l, b, a)
	tests := []struct {
		name   string
		key    gate.PersonKey
		except gate.TicketID
		want   []int // minutes of the grants
	}{
		{"all tickets", person, 0, []int{1, 2, 6}},
		{"but one's own", person, 1, []int{2}},
		{"another person", other, 0, []int{3, 5}},
		{"nobody", gate.PersonKey{}, 0, nil},
		{"never seen", gate.PersonKey{9}, 0, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := gate.Grant{Ticket: 99}
			got := l.Person([]gate.Grant{before}, test.key, test.except)
			if got[0] != before {
				t.Error("what stood in the slice has changed")
			}
			var minutes []int
			for _, g := range got[1:] {
				minutes = append(minutes, int(g.At.Sub(doors).Minutes()))
				if g.Ticket == 2 && g.At.Equal(minute(2)) && g.Out != 1 {
					t.Error("the exit of ticket 2 is missing")
				}
			}
			if !slices.Equal(minutes, test.want) {
				t.Errorf("grants of minutes %v, want %v", minutes, test.want)
			}
		})
	}
}

func TestManyEntriesOfOneTicket(t *testing.T) {
	a := newLog(7)
	for i := range 3 * few {
		ref := a.add(minute(2*i), grant(uint32(10*i), 1))
		a.add(minute(2*i+1), exit(uint32(10*i+5), 1, ref))
	}
	l := New()
	addAll(t, l, a)
	var h gate.History
	l.History(&h, testTicket)
	if len(h.Ticket) != 3*few || l.Inside(testEvent, arena) != 0 {
		t.Fatalf("%d grants, %d inside", len(h.Ticket), l.Inside(testEvent, arena))
	}
	for i, g := range h.Ticket {
		if g.Step != uint32(10*i) || g.Out != 1 {
			t.Errorf("grant %d: %+v", i, g)
		}
	}
}

func TestHistoryAllocatesNothing(t *testing.T) {
	a := newLog(7)
	ref := a.add(minute(1), with(grant(10, 2), func(r *Record) { r.Person = gate.PersonKey{1} }))
	a.add(minute(2), exit(20, 1, ref))
	l := New()
	addAll(t, l, a)
	var h gate.History
	l.History(&h, testTicket)
	h.Person = make([]gate.Grant, 0, 4)
	allocs := testing.AllocsPerRun(100, func() {
		l.History(&h, testTicket)
		h.Person = l.Person(h.Person, gate.PersonKey{1}, 0)
	})
	if allocs != 0 || len(h.Ticket) != 1 || len(h.Person) != 1 {
		t.Errorf("%v allocations for %d and %d grants", allocs, len(h.Ticket), len(h.Person))
	}
}

func TestNewestCodeOfAnExit(t *testing.T) {
	for _, c := range []struct {
		name       string
		story      func(a *gateLog)
		found      bool
		generation uint8
		step       uint32
	}{
		{"none", func(a *gateLog) { a.add(minute(1), grant(10, 1)) }, false, 0, 0},
		{"of an exit that matched nobody", func(a *gateLog) { a.add(minute(1), exit(8, 1, Position{})) }, true, 1, 8},
		{"the newest of two, whatever their order", func(a *gateLog) {
			a.add(minute(1), exit(9, 1, Position{}))
			a.add(minute(2), exit(8, 1, Position{}))
		}, true, 1, 9},
		{"a newer generation counts before a later step", func(a *gateLog) {
			a.add(minute(1), exit(90, 1, Position{}))
			a.add(minute(2), with(exit(3, 1, Position{}), func(r *Record) { r.Generation = 2 }))
		}, true, 2, 3},
		{"an exit without a code", func(a *gateLog) { a.add(minute(1), exit(NoStep, 1, Position{})) }, false, 0, 0},
		{"an exit that nobody went through", func(a *gateLog) {
			ref := a.add(minute(1), exit(9, 1, Position{}))
			a.add(minute(2), voided(1, ref))
		}, false, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newLog(7)
			c.story(a)
			l := New()
			addAll(t, l, a)
			var h gate.History
			l.History(&h, testTicket)
			if h.HasOut != c.found || c.found && (h.OutGeneration != c.generation || h.OutStep != c.step) {
				t.Errorf("got %v, generation %d step %d", h.HasOut, h.OutGeneration, h.OutStep)
			}
		})
	}
}
