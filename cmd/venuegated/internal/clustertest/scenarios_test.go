package clustertest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/ledger"
)

// spread is figures of how long answers took.
func spread(took []time.Duration) string {
	slices.Sort(took)
	return fmt.Sprintf("p50 %s, p99 %s, longest %s", took[len(took)/2].Round(time.Millisecond),
		took[len(took)*99/100].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
}

// everywhere are the lanes of one kind.
func (b *bench) everywhere(lane int) (places []at) {
	for _, x := range b.boxes[1:] {
		places = append(places, at{x, lane})
	}
	return places
}

func admissions(answers []answer) (n int) {
	for _, a := range answers {
		if a.admitted() {
			n++
		}
	}
	return n
}

// together: one code, the same moment, all gates.
func (b *bench) together(t *testing.T) string {
	const visitors = 60
	var took []time.Duration
	for range visitors {
		w := b.venue.visitor(t)
		answers := b.atOnce(t, w, b.everywhere(strict)...)
		if n := admissions(answers); n != 1 {
			t.Errorf("ticket %s was let in %d times: %v", w.ticket, n, answers)
		}
		for _, a := range answers {
			took = append(took, a.took)
		}
	}
	b.check(t)
	return fmt.Sprintf("%d tickets; from the reader to the journal %s", visitors, spread(took))
}

// ends: an exit or a void frees the ticket everywhere.
func (b *bench) ends(t *testing.T) string {
	var left, voided []time.Duration
	for i := 1; i <= gates; i++ {
		here, there, third := b.boxes[i], b.boxes[i%gates+1], b.boxes[(i+1)%gates+1]
		w := b.venue.visitor(t)
		if a := here.show(t, turnstile, w); !a.admitted() {
			t.Fatalf("the first entry: %s", a)
		}
		if a := there.show(t, strict, w); a.admitted() {
			t.Errorf("let in twice: %s", a)
		}
		if a := third.show(t, exit, w); a.Kind != ledger.KindExit {
			t.Fatalf("an exit: %s", a)
		}
		left = append(left, b.freed(t, at{there, turnstile}, w))

		here.arm.PassAfter(-1)
		w = b.venue.visitor(t)
		if a := here.show(t, turnstile, w); !a.admitted() {
			t.Fatalf("an entry: %s", a)
		}
		voided = append(voided, b.freed(t, at{third, strict}, w))
		here.arm.PassAfter(20 * time.Millisecond)
	}
	b.check(t)
	return fmt.Sprintf("free after an exit %s; after an arm that nobody went through (1 s) %s", spread(left), spread(voided))
}

// lossy: loss and a slow line cost time, never an entry too many.
func (b *bench) lossy(t *testing.T) string {
	const visitors, loss, slow = 24, 20, 4
	must(t, b.wire.Lose(b.ctx, loss))
	how, err := b.wire.Slow(b.ctx, slow)
	must(t, err)
	var took []time.Duration
	entered, alone := 0, 0
	for i := range visitors {
		w := b.venue.visitor(t)
		first, second := b.boxes[i%gates+1], b.boxes[(i+1+i/gates%(gates-1))%gates+1]
		for _, a := range b.atOnce(t, w, at{first, strict}, at{second, strict}) {
			took = append(took, a.took)
			if a.admitted() {
				entered++
			}
			if a.Reason == gate.ReasonIsolated {
				alone++
			}
		}
	}
	must(t, b.wire.Heal(b.ctx))
	must(t, b.wire.Fast(b.ctx, slow))
	healed := b.settle(t, b.boxes[1:]...)
	b.check(t)
	if len(b.doubled()) != 0 {
		t.Errorf("double grants: %v", b.doubled())
	}
	return fmt.Sprintf("%d %% loss, gate %d at %s: %d of %d visitors let in, %d answers that the keepers were not reached; %s; of one mind %.1f s after it ended",
		loss, slow, how, entered, visitors, alone, spread(took), healed.Seconds())
}

// split: gates 3 and 5 on one side, the rest on the other.
func (b *bench) split(t *testing.T) string {
	one, three, four, five := b.boxes[1], b.boxes[3], b.boxes[4], b.boxes[5]
	before := b.venue.visitor(t)
	if a := five.show(t, strict, before); !a.admitted() {
		t.Fatalf("an entry before the cut: %s", a)
	}
	b.settle(t, b.boxes[1:]...)
	must(t, b.wire.Split(b.ctx, []int{1, 2, 4}, []int{3, 5}))

	var took []time.Duration
	expect := func(a answer, admitted, alone bool) {
		t.Helper()
		took = append(took, a.took)
		if a.admitted() != admitted || a.admitted() && a.Marks.Has(gate.MarkIsolated) != alone || !a.admitted() && alone != (a.Reason == gate.ReasonIsolated) {
			t.Errorf("admitted should be %t, alone %t: %s, marks %v", admitted, alone, a, a.Marks)
		}
	}
	const doubles = 2
	for range doubles {
		w := b.venue.visitor(t) // with a policy that refuses: one entry
		expect(three.show(t, strict, w), false, true)
		expect(five.show(t, strict, w), false, true)
		// The keepers may have lost their leader, and have some time to find one.
		b.freed(t, at{four, strict}, w)
		expect(one.show(t, strict, w), false, false)

		w = b.venue.visitor(t) // with one that admits: one on each side
		expect(one.show(t, strict, w), true, false)
		expect(five.show(t, kind, w), true, true)
		b.await(t, healing, "gate 3 hears of gate 5's visitor", func() (bool, string) {
			v, err := three.cluster(b.ctx)
			return err == nil && slices.Contains(v.Logs, lastOf(five)), fmt.Sprint(v.Logs, err)
		})
		expect(three.show(t, kind, w), false, false)
	}
	if a := three.show(t, exit, before); a.Kind != ledger.KindExit {
		t.Errorf("an exit on the other side: %s", a)
	}
	v, err := five.cluster(b.ctx)
	if err != nil || v.Isolated == nil {
		t.Errorf("gate 5 does not say that it is isolated: %+v, %v", v, err)
	}
	began := time.Now()
	must(t, b.wire.Heal(b.ctx))
	named := b.confess(t, began, b.boxes[1:]...)
	b.freed(t, at{one, strict}, before)
	b.settle(t, b.boxes[1:]...)
	b.check(t)
	if n := len(b.doubled()); n != doubles {
		t.Errorf("%d double grants instead of %d", n, doubles)
	}
	return fmt.Sprintf("%d double grants, all with a policy that admits; named by every gate %.1f s after healing; answers %s", doubles, named.Seconds(), spread(took))
}

// oneWay: a link that is down at one gate, and one that only works one way.
func (b *bench) oneWay(t *testing.T) string {
	one, four, five := b.boxes[1], b.boxes[4], b.boxes[5]
	must(t, b.wire.Unplug(b.ctx, 4))
	must(t, b.wire.Deafen(b.ctx, 5, 1, 2, 3, 4))
	had := len(b.doubled())
	var took []time.Duration
	const doubles = 2
	for range doubles {
		w := b.venue.visitor(t)
		for _, x := range []*box{four, five} {
			a := x.show(t, strict, w)
			took = append(took, a.took)
			if a.admitted() {
				t.Errorf("let in by a gate that hears nobody and should refuse: %s", a)
			}
			a = x.show(t, kind, w)
			took = append(took, a.took)
			if !a.admitted() || !a.Marks.Has(gate.MarkIsolated) {
				t.Errorf("not let in, or not marked, by a gate that hears nobody and should admit: %s", a)
			}
		}
		b.freed(t, at{one, strict}, b.venue.visitor(t))
	}
	began := time.Now()
	must(t, b.wire.Heal(b.ctx))
	must(t, b.wire.Plug(b.ctx, 4))
	named := b.confess(t, began, b.boxes[1:]...)
	b.settle(t, b.boxes[1:]...)
	b.check(t)
	if n := len(b.doubled()) - had; n != doubles {
		t.Errorf("%d double grants instead of %d", n, doubles)
	}
	return fmt.Sprintf("named by every gate %.1f s after healing; answers %s", named.Seconds(), spread(took))
}

func lastOf(x *box) appliance.LogView {
	records := x.follower.all()
	p := records[len(records)-1].Position
	return appliance.LogView{Gate: p.Gate, Epoch: p.Epoch, Last: p.Sequence}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
