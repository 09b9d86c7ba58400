package simulate

import (
	"fmt"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/claim"
)

// Run simulates one seed. It must run in a synctest bubble; see InBubble. The
// error is of the simulation itself; what the venue did wrong is in the report.
func Run(o Options) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	v, err := newVenue(o)
	if err != nil {
		return nil, err
	}
	p := draw(&o)
	if err := v.start(); err != nil {
		return nil, fmt.Errorf("seed %d: %w", o.Seed, err)
	}
	v.begin = time.Now()
	watching := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { v.staff(watching) })
	var tasks sync.WaitGroup
	tasks.Go(func() { v.suffer(p.faults) })
	v.receive(p.visits)
	tasks.Wait()
	v.network.setWeather(wire)
	healed := time.Now()
	settled := v.await(settleWithin, v.level)
	report := v.report(&p)
	report.Details.Settled = time.Since(healed)
	if !settled {
		v.truth.violate("%v after everything was healed the gates are not level: %s", settleWithin, v.unlevel())
	}
	time.Sleep(claim.DefaultTimes().Stranded) // from then on keepers say which claims are stranded
	v.await(settleWithin, v.level)
	close(watching)
	watch.Wait()
	v.judge(report)
	v.stop()
	v.truth.mu.Lock()
	report.Details.Broken = v.truth.broken
	v.truth.mu.Unlock()
	return report, nil
}

// settleWithin is how long healed gates have to become level.
const settleWithin = 2 * time.Minute

// receive lets the visitors come, and waits until the last has left.
func (v *venue) receive(visits []visit) {
	var under sync.WaitGroup
	for i := range visits {
		one := &visits[i]
		time.Sleep(time.Until(v.begin.Add(one.at)))
		under.Go(func() { v.visit(one) })
	}
	under.Wait()
}

// visit is one presentation, from the queue to the far side of the arm.
func (v *venue) visit(p *visit) {
	l := v.box(p.gate).running()
	for n := 1; l == nil; n++ { // the gate is dark: people go to the next one
		if n == len(v.boxes) {
			return
		}
		l = v.boxes[(int(p.gate)-1+n)%len(v.boxes)].running()
	}
	person := v.pack.person(p.ticket)
	v.mu.Lock()
	h, all := v.holder[p.ticket], v.holder[person]
	if p.exit && h.inside == 0 {
		v.mu.Unlock()
		return
	}
	if p.exit {
		h.inside-- // and back in if the arm stays shut
	}
	quiet := all.busy == 0 && time.Since(all.latest) > v.grace()
	all.busy++
	all.visits++
	visits := all.visits
	v.counts.presented++
	v.mu.Unlock()

	var shown time.Time
	s, ok := l.posts[p.lane].present(l.ctx, func() gate.Reading {
		shown = time.Now()
		text, err := v.pack.code(p.ticket, shown)
		if err != nil {
			v.truth.violate("ticket %v has no code: %v", p.ticket, err)
		}
		return gate.Reading{Reader: "code", At: shown, Text: text}
	}, p.walk)

	v.mu.Lock()
	defer v.mu.Unlock()
	all.busy--
	all.latest = time.Now()
	quiet = quiet && visits == all.visits
	moved := s.through && s.verdict.Opens()
	if moved && !p.exit {
		h.inside += s.verdict.Count
	}
	if !moved && p.exit {
		h.inside++
	}
	switch {
	case !ok:
		v.counts.unanswered++
		return
	case s.verdict.Outcome == gate.Exit:
		v.counts.exits++
	case s.verdict.Outcome == gate.Admit:
		v.counts.granted++
		all.granted = true
	case s.verdict.Outcome == gate.Refer:
		v.counts.referred++
	default:
		v.counts.refused++
	}
	if !p.exit {
		v.counts.decisions = append(v.counts.decisions, s.took)
		all.came = true
	}
	if quiet && !p.exit && !s.verdict.Opens() {
		v.falselyRefused(l, p, &s, shown)
	}
}

// grace is how long after the last that befell a ticket and its gates a refusal
// is held against the truth: until then the others may not have heard.
func (v *venue) grace() time.Duration {
	if len(v.options.Faults) == 0 {
		return 2 * time.Second
	}
	return 10 * time.Second
}

// staff do what the product leaves to people: claims of a gate that has lost its
// disk are given back where nobody came in on them.
func (v *venue) staff(end <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-end:
			return
		}
		for _, l := range v.lives() {
			for _, request := range l.claims.State().Undecided {
				if !v.truth.claimed(requestKey{l.id, request}) {
					l.claims.Release(request)
				}
			}
		}
	}
}

// suffer lets faults happen, and waits until the last is over.
func (v *venue) suffer(faults []fault) {
	var under sync.WaitGroup
	for i := range faults {
		one := &faults[i]
		time.Sleep(time.Until(v.begin.Add(one.at)))
		under.Go(func() { v.befall(one) })
	}
	under.Wait()
}

func (v *venue) befall(f *fault) {
	end := func() { time.Sleep(f.lasts) }
	switch f.kind {
	case Loss:
		v.network.setWeather(f.weather)
	case Partition:
		var ways []way
		inGroup := map[gate.GateID]bool{}
		for _, g := range f.gates {
			inGroup[g] = true
		}
		for _, a := range v.boxes {
			for _, b := range v.boxes {
				if inGroup[a.id] != inGroup[b.id] {
					ways = append(ways, way{a.id, b.id})
				}
			}
		}
		v.keepApart(ways, end)
	case OneWay:
		v.keepApart([]way{{f.gates[0], f.gates[1]}}, end)
	case Clock:
		c := &v.box(f.gates[0]).clock
		c.jump(f.jump)
		end()
		c.jump(-f.jump)
	case Crash, Wipe:
		v.fall(f, end)
	}
}

func (v *venue) keepApart(ways []way, wait func()) {
	v.separated(ways, 1)
	wait()
	v.separated(ways, -1)
}

// fall lets a gate lose power, or its disk too, and start again. One that is off
// already stays off.
func (v *venue) fall(f *fault, wait func()) {
	g := f.gates[0]
	b := v.box(g)
	l := b.running()
	if l == nil {
		return
	}
	if f.just != whenever {
		l.catch(f.just)
	}
	if b.running() != l {
		return // another fault was quicker
	}
	v.switched(g, 1)
	defer v.switched(g, -1)
	if err := b.fall(f.silently, f.kind == Wipe); err != nil {
		v.truth.violate("gate %d: %v", g, err)
	}
	if f.kind == Wipe {
		v.truth.wiped(g)
	}
	wait()
	if err := b.start(); err != nil {
		v.truth.violate("%v", err)
	}
}

// jump makes a clock jump. From a second on the gate knows that it cannot be
// sure, since neither its system nor its peers agree.
func (c *clock) jump(by time.Duration) {
	offset := time.Duration(c.offset.Add(int64(by)))
	c.wrong.Store(offset.Abs() > 1500*time.Millisecond)
}

// falselyRefused holds a refusal against the truth. v.mu is held.
func (v *venue) falselyRefused(l *life, p *visit, s *seen, shown time.Time) {
	if s.verdict.Outcome != gate.Refuse || !entryReason(s.verdict.Reason) || !v.clear(l.id, p.ticket) {
		return
	}
	admits, judged := v.truth.admits(l.id, p.ticket, p.lane, shown, v.grace())
	if judged {
		v.counts.judged++
	}
	if admits {
		v.counts.falseRefusals++
		v.truth.violate("ticket %v was refused at gate %d for reason %d, though by all records it may come in", p.ticket, l.id, s.verdict.Reason)
	}
}
