package clustertest_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/ledger"
)

// others are all boxes but one.
func (b *bench) others(not ...*box) []*box {
	return slices.DeleteFunc(slices.Clone(b.boxes[1:]), func(x *box) bool { return slices.Contains(not, x) })
}

// leader is the box that leads the keepers.
func (b *bench) leader(t *testing.T) (lead *box) {
	t.Helper()
	b.await(t, healing, "a leader", func() (bool, string) {
		v, err := b.boxes[gates].cluster(b.ctx)
		if err != nil {
			return false, err.Error()
		}
		id, _, ok := strings.Cut(v.Claims.Leader, "-")
		if n, err := strconv.Atoi(id); ok && err == nil {
			lead = b.boxes[n]
		}
		return lead != nil, v.Claims.Leader
	})
	return lead
}

// longest is how long an answer may take while the keepers find a new leader: the
// 1.5 s of the promise, and what the flush, the pseudo-terminal and the journal's
// follower need on a busy machine.
const longest = 2 * time.Second

// leaderKilled: visitors at every other gate while the keepers have no leader,
// and some at the leader itself, whose answers nobody will hear.
func (b *bench) leaderKilled(t *testing.T) string {
	const rounds, times = 12, 1
	var took []time.Duration
	unlucky := 0
	for range times {
		lead := b.leader(t)
		rest := b.others(lead)
		var places []at
		for _, x := range rest {
			places = append(places, at{x, strict})
		}
		var cut []*visitor
		for _, lane := range []int{strict, kind, strict, kind} {
			w := b.venue.visitor(t)
			text, _ := w.code(t)
			must(t, lead.scanners[lane].Scan(text))
			cut = append(cut, w)
		}
		lead.kill()
		for range rounds {
			w := b.venue.visitor(t)
			answers := b.atOnce(t, w, places...)
			n := admissions(answers)
			for _, a := range answers {
				took = append(took, a.took)
				if a.took > longest {
					t.Errorf("too long: %s", a)
				}
			}
			switch n {
			case 0:
				unlucky++ // nobody reached the keepers in time: the policy refuses
			case 1:
			default:
				t.Errorf("ticket %s was let in %d times: %v", w.ticket, n, answers)
			}
		}
		lead.start(t)
		b.settle(t, b.boxes[1:]...)
		// Whoever was let in there stays in; of everybody else the keepers know nothing.
		for _, w := range cut {
			entered := b.inside()[w.ticket]
			a := rest[0].show(t, strict, w)
			if a.admitted() != (entered == 0) {
				t.Errorf("%d entered with it at gate %d before it was killed: %s", entered, lead.id, a)
			}
		}
	}
	b.check(t)
	return fmt.Sprintf("%d times; %s; %d of %d visitors refused because nobody led", times, spread(took), unlucky, rounds*times)
}

// keepersKilled: without a majority the policy decides, and afterwards the
// keepers hear of it.
func (b *bench) keepersKilled(t *testing.T) string {
	one, two, three, four := b.boxes[1], b.boxes[2], b.boxes[3], b.boxes[4]
	had := len(b.doubled())
	two.kill()
	three.kill()
	refused, admitted := b.venue.visitor(t), b.venue.visitor(t)
	if a := four.show(t, strict, refused); a.admitted() {
		t.Errorf("let in without the keepers, where the policy refuses: %s", a)
	}
	if a := one.show(t, kind, admitted); !a.admitted() || !a.Marks.Has(gate.MarkIsolated) {
		t.Errorf("not let in, or not marked, where the policy admits: %s", a)
	}
	two.start(t)
	three.start(t)
	healed := b.settle(t, b.boxes[1:]...)
	if a := four.show(t, kind, admitted); a.admitted() {
		t.Errorf("let in again at another gate: %s", a)
	}
	b.freed(t, at{four, strict}, refused)
	b.check(t)
	if n := len(b.doubled()); n != had {
		t.Errorf("%d double grants more", n-had)
	}
	return fmt.Sprintf("of one mind %.1f s after they were back", healed.Seconds())
}

// off: a gate misses many records, and has them all soon after it is back.
func (b *bench) off(t *testing.T) string {
	const missed = 4000
	away := b.boxes[gates]
	away.kill()
	entered := b.venue.visitor(t)
	if a := b.boxes[1].show(t, strict, entered); !a.admitted() {
		t.Fatalf("an entry while a gate is off: %s", a)
	}
	began := time.Now()
	b.crowd(t, missed, b.others(away)...)
	busy := time.Since(began)
	away.start(t)
	level := b.settle(t, b.boxes[1:]...)
	if a := away.show(t, kind, entered); a.admitted() {
		t.Errorf("let in again by the gate that was off: %s", a)
	}
	b.check(t)
	return fmt.Sprintf("%d records in %.1f s at four gates; level %.1f s after its start", missed, busy.Seconds(), level.Seconds())
}

// crowd makes gates answer so many times: visitors who are inside try again.
func (b *bench) crowd(t *testing.T, answers int64, boxes ...*box) {
	t.Helper()
	var left atomic.Int64
	left.Store(answers)
	var all sync.WaitGroup
	for _, x := range boxes {
		for _, lane := range []int{strict, kind} {
			var crowd []*visitor
			for range 6 { // more than one, since a reader does not read the same code again at once
				w := b.venue.visitor(t)
				x.show(t, lane, w)
				crowd = append(crowd, w)
			}
			all.Go(func() {
				for left.Add(-int64(len(crowd))) >= 0 {
					for _, w := range crowd {
						w.last = 0 // an old code will do to be refused
						text, step := w.code(t)
						if a, err := x.scan(t, lane, text, w.ticket, step); err != nil || a.admitted() {
							t.Errorf("let in again, or no answer: %v, %v", a, err)
							return
						}
					}
				}
			})
		}
	}
	all.Wait()
}

// wiped: a keeper's box is set up anew. What it had recorded comes back to it
// from the others, and the keepers take it in under its new name.
func (b *bench) wiped(t *testing.T) string {
	x := b.boxes[keepers]
	entered := b.venue.visitor(t)
	if a := x.show(t, strict, entered); !a.admitted() {
		t.Fatalf("an entry before: %s", a)
	}
	b.settle(t, b.boxes[1:]...)
	records := x.follower.mark()
	x.wipe(t)
	b.list(t)
	b.venue.publish(t)
	x.enrol(t)
	x.start(t)
	for range 5 { // the other two go on
		b.freed(t, at{b.boxes[4], strict}, b.venue.visitor(t))
	}
	server := fmt.Sprintf("%d-%d", x.id, x.incarnation)
	var known time.Duration
	for _, y := range b.boxes[1:] {
		known += b.await(t, 2*healing, "the new keeper is in", func() (bool, string) {
			v, err := y.cluster(b.ctx)
			for _, k := range v.Claims.Keepers {
				if k.Server == server && k.Up {
					return true, ""
				}
			}
			return false, fmt.Sprintf("gate %d: %+v, %v", y.id, v.Claims, err)
		})
	}
	b.settle(t, b.boxes[1:]...)
	for _, lane := range []int{kind, strict} {
		if a := x.show(t, lane, entered); a.admitted() {
			t.Errorf("let in again by the gate that has lost its memory: %s", a)
		}
	}
	b.freed(t, at{x, turnstile}, b.venue.visitor(t))

	// It is a keeper like any other: with it alone a majority lives on.
	b.boxes[1].kill()
	b.freed(t, at{b.boxes[4], strict}, b.venue.visitor(t))
	b.boxes[1].start(t)
	b.settle(t, b.boxes[1:]...)
	b.check(t)
	return fmt.Sprintf("a keeper again, as %s, after %.1f s, with its %d records", server, known.Seconds(), records)
}

// newKey: the network gets a new key, while visitors come in.
func (b *bench) newKey(t *testing.T) string {
	asleep := b.boxes[4]
	asleep.kill()
	b.venue.network = []networkKey{newNetworkKey(t)}
	b.venue.publish(t)
	began := time.Now()
	// A gate that is set up anew knows nothing but the new key. Until the others use
	// it, it hears nobody.
	fresh := b.boxes[5]
	fresh.wipe(t)
	b.list(t)
	b.venue.publish(t)
	fresh.enrol(t)
	fresh.start(t)
	visitors := 0
	var took []time.Duration
	var heard time.Duration
	b.await(t, 3*healing, "the gates use the new key", func() (bool, string) {
		for i := 1; i <= keepers; i++ {
			a := b.boxes[i].show(t, strict, b.venue.visitor(t))
			took = append(took, a.took)
			visitors++
			if !a.admitted() {
				t.Errorf("a visitor was not let in while the key was changed: %s", a)
			}
			if v, err := b.boxes[i].cluster(b.ctx); err != nil || v.Heard < keepers-1 {
				t.Errorf("gate %d hears %d others while the key is changed: %v", i, v.Heard, err)
			}
		}
		v, err := fresh.cluster(b.ctx)
		heard = time.Since(began)
		return err == nil && v.Heard == keepers && v.Isolated == nil, fmt.Sprintf("%+v, %v", v, err)
	})
	asleep.start(t) // it knows the old key only, and has to find its way
	woken := b.settle(t, b.boxes[1:]...)
	b.check(t)
	return fmt.Sprintf("%d visitors meanwhile, %s; a gate with the new key alone is heard after %.1f s, one that slept through it %.1f s after its start",
		visitors, spread(took), heard.Seconds(), woken.Seconds())
}

// accounts ends the day: every record that was ever seen is on every gate's disk.
func (b *bench) accounts(t *testing.T) string {
	b.confess(t, time.Now(), b.boxes[1:]...)
	doubles := len(b.doubled())
	for _, x := range b.boxes[1:] {
		v, err := x.cluster(b.ctx)
		if err != nil {
			t.Error(err)
		}
		for _, r := range v.Refused {
			// Records of a box that was set up anew may come before the roster that names it.
			held := slices.ContainsFunc(v.Logs, func(l appliance.LogView) bool { return l.Gate == r.Gate && l.Epoch == r.Epoch && l.Last >= r.First })
			if !held || r.Why != "signature" {
				t.Errorf("gate %d does not believe gate %d, epoch %d, from record %d on: %s", x.id, r.Gate, r.Epoch, r.First, r.Why)
			}
		}
	}
	b.settle(t, b.boxes[1:]...)
	for _, x := range b.boxes[1:] {
		x.stop(t)
		x.follower.close()
	}
	all := map[ledger.Position]ledger.Hash{}
	grants := 0
	for r := range b.records() {
		if had, twice := all[r.Position]; twice && had != r.Hash() {
			t.Errorf("two records in one place: %s", r.Position)
		}
		all[r.Position] = r.Hash()
		if r.Kind == ledger.KindGrant {
			grants++
		}
	}
	for _, x := range b.boxes[1:] {
		held := x.disk(t)
		missing, strange := 0, 0
		for p, h := range all {
			if got, ok := held[p]; !ok {
				missing++
			} else if got != h {
				strange++
			}
		}
		if missing+strange > 0 || len(held) != len(all) {
			t.Errorf("gate %d holds %d records instead of %d: %d are missing, %d are others", x.id, len(held), len(all), missing, strange)
		}
	}
	return fmt.Sprintf("%d records, %d of them entries, on all %d disks; %d double grants, all made alone and all named", len(all), grants, gates, doubles)
}
