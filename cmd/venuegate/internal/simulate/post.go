package simulate

import (
	"context"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
)

// walk is what a visitor does once the arm opens.
type walk struct {
	after   time.Duration
	stays   bool // does not go through, and the arm closes
	unheard bool // goes through, and the arm does not tell
}

// post is a lane's reader, barrier and display in one. One visitor at a time
// stands there.
type post struct {
	id       gate.LaneID
	turn     chan struct{} // whoever holds its token stands there
	readings chan gate.Reading
	walks    chan walk // of who stands there, taken when the arm opens
	verdicts chan lane.Event
	passages chan gate.Passage
}

func newPost(id gate.LaneID) *post {
	p := &post{
		id: id, turn: make(chan struct{}, 1), readings: make(chan gate.Reading), walks: make(chan walk, 1),
		verdicts: make(chan lane.Event, 8), passages: make(chan gate.Passage, 8),
	}
	p.turn <- struct{}{}
	return p
}

// Name implements lane.Reader.
func (*post) Name() string { return "code" }

// reader and barrier tell the two Run methods of a post apart.
type (
	reader  struct{ *post }
	barrier struct{ *post }
)

// Run implements lane.Reader.
func (r reader) Run(ctx context.Context, deliver func(gate.Reading)) error {
	for {
		select {
		case reading := <-r.readings:
			deliver(reading)
		case <-ctx.Done():
			return nil
		}
	}
}

// Run implements lane.Barrier.
func (b barrier) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Open implements lane.Barrier.
func (b barrier) Open(ctx context.Context, o gate.Opening) (gate.Passage, error) {
	var w walk
	select {
	case w = <-b.walks:
	default:
	}
	select {
	case <-time.After(w.after):
	case <-ctx.Done():
		return gate.Passage{}, ctx.Err()
	}
	switch {
	case w.stays:
		return gate.Passage{Result: gate.PassageTimedOut}, nil
	case w.unheard:
		return gate.Passage{}, nil
	}
	return gate.Passage{Result: gate.PassagePassed, Passed: o.Count}, nil
}

// Show implements lane.Display.
func (p *post) Show(e lane.Event) {
	switch {
	case e.Passage != nil:
		p.passages <- *e.Passage
	case e.Verdict != nil && e.Verdict.Reason != gate.ReasonBarrierFailed:
		p.verdicts <- e
	}
}

// seen is what a visitor learns at a lane.
type seen struct {
	verdict gate.Verdict
	took    time.Duration
	through bool // went through the arm
}

// present stands at a lane until the visit is over. ok is false where the gate
// went off before it gave an answer.
func (p *post) present(ctx context.Context, show func() gate.Reading, w walk) (s seen, ok bool) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return s, false
	}
	defer func() { p.turn <- struct{}{} }()
	select {
	case <-p.walks:
	default:
	}
	p.walks <- w
	select {
	case p.readings <- show():
	case <-ctx.Done():
		return s, false
	}
	select {
	case e := <-p.verdicts:
		s.verdict, s.took = *e.Verdict, e.Took
	case <-ctx.Done():
		return s, false
	}
	if !s.verdict.Opens() {
		return s, true
	}
	s.through = !w.stays
	select {
	case <-p.passages:
	case <-ctx.Done():
	}
	return s, true
}
