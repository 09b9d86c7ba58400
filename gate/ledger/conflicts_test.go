package ledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
)

// said writes conflicts as a steward would note them: the ticket or person, and
// the minutes of the grants, those in excess with an exclamation mark.
func said(conflicts []Conflict) string {
	var lines []string
	for _, c := range conflicts {
		line := fmt.Sprintf("ticket %d:", c.Ticket)
		if c.Ticket == 0 {
			line = fmt.Sprintf("person %d:", c.Person[0])
		}
		for _, g := range c.Grants {
			line += fmt.Sprintf(" %d", int(g.At.Sub(doors).Minutes()))
			if g.Excess {
				line += "!"
			}
		}
		if c.ExcessClaimed {
			line += " excess claimed"
		}
		if c.AllClaimed {
			line += " all claimed"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestConflicts(t *testing.T) {
	again := func(open, entries int) Limits { // re-entry
		l := singles
		l.Ticket = func(gate.EventID, gate.TicketID, gate.SessionID) (int, int) { return open, entries }
		return l
	}
	claimed := func(r Record) Record { r.Request = 77; return r }
	of := func(ticket gate.TicketID, person byte) Record {
		return with(grant(10, 1), func(r *Record) { r.Ticket, r.Person = ticket, gate.PersonKey{person} })
	}
	tests := []struct {
		name   string
		limits Limits
		story  func(a, b *gateLog) // gates 7 and 8
		want   string
	}{
		{"one entry", singles, func(a, _ *gateLog) { a.add(minute(1), grant(10, 1)) }, ""},
		{"two gates at once", singles, func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), grant(11, 1))
		}, "ticket 42: 1 2!"},
		{"whichever is heard first", singles, func(a, b *gateLog) {
			a.add(minute(2), grant(10, 1))
			b.add(minute(1), grant(11, 1))
		}, "ticket 42: 1 2!"},
		{"each one too many once", singles, func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), grant(11, 1))
			a.add(minute(3), grant(12, 1))
		}, "ticket 42: 1 2! 3!"},
		{"one of them was voided", singles, func(a, b *gateLog) {
			ref := a.add(minute(1), grant(10, 1))
			b.add(minute(2), grant(11, 1))
			a.add(minute(3), voided(1, ref))
		}, ""},
		{"back in without re-entry", singles, func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), exit(11, 1, Position{}))
			a.add(minute(3), grant(12, 1))
		}, "ticket 42: 1 3!"},
		{"back in with re-entry", again(1, 0), func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), exit(11, 1, Position{}))
			a.add(minute(3), grant(12, 1))
		}, ""},
		{"twice inside, then out: it was in excess all the same", again(1, 0), func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), grant(11, 1))
			b.add(minute(3), exit(12, 2, Position{}))
			a.add(minute(4), grant(13, 1))
		}, "ticket 42: 1 2! 4"},
		{"a third entry where two are allowed", again(1, 2), func(a, _ *gateLog) {
			for i := range 3 {
				ref := a.add(minute(2*i), grant(uint32(10*i), 1))
				a.add(minute(2*i+1), exit(uint32(10*i+5), 1, ref))
			}
		}, "ticket 42: 0 2 4!"},
		{"a party is no conflict", again(3, 3), func(a, b *gateLog) {
			a.add(minute(1), grant(10, 2))
			b.add(minute(2), grant(11, 1))
		}, ""},
		{"a party of three and one more", again(3, 3), func(a, b *gateLog) {
			a.add(minute(1), grant(10, 2))
			b.add(minute(2), grant(11, 2))
		}, "ticket 42: 1 2!"},
		{"two let in on one grant", singles, func(a, _ *gateLog) { a.add(minute(1), grant(10, 2)) }, "ticket 42: 1!"},
		{"no limit", again(0, 0), func(a, _ *gateLog) { a.add(minute(1), grant(10, 9)); a.add(minute(2), grant(11, 9)) }, ""},
		{"another session", singles, func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), with(grant(11, 1), func(r *Record) { r.Session = 4 }))
		}, ""},
		{"training is not for the books", singles, func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), with(grant(11, 1), func(r *Record) { r.Marks = gate.MarkTraining }))
		}, ""},
		{"a claim behind the one too many", singles, func(a, b *gateLog) {
			a.add(minute(1), grant(10, 1))
			b.add(minute(2), claimed(grant(11, 1)))
		}, "ticket 42: 1 2! excess claimed"},
		{"a claim behind both: the keepers are at fault", singles, func(a, b *gateLog) {
			a.add(minute(1), claimed(grant(10, 1)))
			b.add(minute(2), claimed(grant(11, 1)))
		}, "ticket 42: 1 2! excess claimed all claimed"},
		{"a claim behind the first only", singles, func(a, b *gateLog) {
			a.add(minute(1), claimed(grant(10, 1)))
			b.add(minute(2), grant(11, 1))
		}, "ticket 42: 1 2!"},
		{"one person on two tickets", singles, func(a, b *gateLog) {
			a.add(minute(1), of(1, 5))
			b.add(minute(2), of(2, 5))
		}, "person 5: 1 2!"},
		{"two persons", singles, func(a, b *gateLog) {
			a.add(minute(1), of(1, 5))
			b.add(minute(2), of(2, 6))
		}, ""},
		{"one person, a ticket twice: counted for the ticket", singles, func(a, b *gateLog) {
			a.add(minute(1), of(1, 5))
			b.add(minute(2), of(1, 5))
		}, "ticket 1: 1 2!"},
		{"one person, one ticket twice and another once", singles, func(a, b *gateLog) {
			a.add(minute(1), of(1, 5))
			b.add(minute(2), of(1, 5))
			b.add(minute(3), of(2, 5))
		}, "ticket 1: 1 2!\nperson 5: 1 2 3!"},
		{"one person, and the other ticket twice: no grant is counted twice", singles, func(a, b *gateLog) {
			a.add(minute(1), of(1, 5))
			b.add(minute(2), of(2, 5))
			b.add(minute(3), of(2, 5))
		}, "ticket 2: 2 3!\nperson 5: 1 2! 3"},
		{"a person may hold any number of tickets", Limits{Ticket: singles.Ticket}, func(a, b *gateLog) {
			a.add(minute(1), of(1, 5))
			b.add(minute(2), of(2, 5))
		}, ""},
	}
	for _, test := range tests {
		for _, keep := range []int{0, few} {
			t.Run(fmt.Sprintf("%s/%d", test.name, keep), func(t *testing.T) {
				a, b := newLog(7), newLog(8)
				test.story(a, b)
				l, back := New(), New()
				l.few = keep
				addAll(t, l, a, b)
				addAll(t, back, b, a)
				got := l.Conflicts(testEvent, test.limits)
				if s := said(got); s != test.want {
					t.Errorf("got\n%s\nwant\n%s", s, test.want)
				}
				if said(back.Conflicts(0, test.limits)) != test.want {
					t.Error("the order of arrival makes a difference")
				}
				if len(l.Conflicts(testEvent+1, test.limits)) > 0 {
					t.Error("another event has conflicts too")
				}
			})
		}
	}
}

func TestConflictNamesItsGrants(t *testing.T) {
	a, b := newLog(7), newLog(8)
	first := a.add(minute(1), with(grant(10, 1), func(r *Record) { r.Request = 5 }))
	second := b.add(minute(2), with(grant(11, 1), func(r *Record) {
		r.Lane, r.Marks, r.Generation = 30, gate.MarkIsolated|gate.MarkClockUntrusted, 2
	}))
	l := New()
	addAll(t, l, a, b)
	got := l.Conflicts(0, singles)
	want := []ConflictGrant{
		{Position: first, Clock: a.records[1].Clock, At: minute(1), Ticket: testTicket, Generation: 1, Lane: 21, Count: 1, Request: 5},
		{
			Position: second, Clock: b.records[1].Clock, At: minute(2), Ticket: testTicket, Generation: 2, Lane: 30, Count: 1,
			Isolated: true, ClockUntrusted: true, Excess: true,
		},
	}
	if len(got) != 1 || !slices.Equal(got[0].Grants, want) || got[0].Excess != 1 || got[0].Open != 1 {
		t.Errorf("got %+v", got)
	}
}

// BenchmarkConflicts looks for conflicts among a million records, of which few
// tickets have one.
func BenchmarkConflicts(b *testing.B) {
	records, hashes := million()
	l := New()
	for i := range records {
		if err := l.AddHashed(&records[i], hashes[i]); err != nil {
			b.Fatal(err)
		}
	}
	other := newLog(8)
	for ticket := gate.TicketID(1); ticket < 400_000; ticket += 1000 {
		other.add(doors, with(grant(2000, 1), func(r *Record) { r.Ticket = ticket }))
	}
	for i := range other.records {
		if err := l.Add(&other.records[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n = len(l.Conflicts(0, singles))
	}
	if n == 0 {
		b.Fatal("none found")
	}
	b.ReportMetric(float64(n), "conflicts")
}

// BenchmarkLongStory adds to, and looks up, a ticket with ten thousand entries.
func BenchmarkLongStory(b *testing.B) {
	a := newLog(7)
	for i := range 5000 {
		ref := a.add(minute(2*i), grant(uint32(10*i), 1))
		a.add(minute(2*i+1), exit(uint32(10*i+5), 1, ref))
	}
	for b.Loop() {
		l := New()
		for i := range a.records {
			if err := l.Add(&a.records[i]); err != nil {
				b.Fatal(err)
			}
		}
		var h gate.History
		l.History(&h, testTicket)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(a.records)), "ns/record")
}
