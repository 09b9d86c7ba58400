package lane

import (
	"context"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// command is what a person wants of a running lane. It is carried out between
// two readings, by the goroutine of Run.
type command struct {
	do     func(context.Context) (Answer, error)
	same   uint64 // hash of the text that was typed; 0: none
	result chan error
}

// Type takes what one of the staff typed for the visitor at the lane, as a
// reading. It returns once the verdict has been shown, with ErrBusy while
// somebody goes through, or when ctx ends because the lane does not run.
func (l *Lane) Type(ctx context.Context, staff uint32, r gate.Reading) error {
	return l.ask(ctx, command{same: l.hash(r), do: func(ctx context.Context) (Answer, error) { return l.desk.Typed(ctx, staff, r), nil }})
}

// Choose picks one of several tickets for the visitor of a case.
func (l *Lane) Choose(ctx context.Context, staff uint32, id uint64, which gate.TicketID) error {
	return l.ask(ctx, command{do: func(ctx context.Context) (Answer, error) { return l.desk.Choose(ctx, staff, id, which) }})
}

// Decide carries out what staff say to a case.
func (l *Lane) Decide(ctx context.Context, staff uint32, id uint64, word Word) error {
	return l.ask(ctx, command{do: func(ctx context.Context) (Answer, error) { return l.desk.Decide(ctx, staff, id, word) }})
}

// Standing returns what the lane waits for. Anybody may ask.
func (l *Lane) Standing(now time.Time) Standing {
	if s := l.standing.Load(); s != nil {
		return s.At(now)
	}
	return Standing{}
}

func (l *Lane) ask(ctx context.Context, c command) error {
	c.result = make(chan error, 1)
	select {
	case l.commands <- c:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// command carries out what a person asked for.
func (s *serving) command(ctx context.Context, c command) error {
	if s.pending {
		return ErrBusy
	}
	begin := time.Now()
	answer, err := c.do(ctx)
	if err != nil {
		return err
	}
	s.answered(ctx, answer, c.same, time.Since(begin))
	return nil
}
