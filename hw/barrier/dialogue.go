package barrier

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/hw/port"
)

// maxAnswer bounds what is kept of an answer, in bytes.
const maxAnswer = 512

// answerParser looks for one answer in what was received. It returns the answer,
// or nil; what is to be kept for the next look; and why something was dropped.
type answerParser func(in []byte) (answer, rest []byte, dropped error)

// dialogue is a half-duplex line with a board that speaks when it is asked. One
// goroutine, that of serve, asks; everybody else hands it what to ask.
type dialogue struct {
	name    string
	port    *port.Port
	timeout time.Duration // for an answer
	gap     time.Duration // silence between two frames

	urgent, usual chan job
	wake          chan struct{} // has one element when poll is wanted now

	mu   sync.Mutex
	gone chan struct{} // closed when the line is lost; nil while it is

	// Of serve's goroutine.
	conn  *port.Conn
	in    []byte
	buf   [256]byte
	stale bool // an answer may still come
	quiet time.Time

	asked, unanswered, garbled atomic.Uint64
}

// LineStats count what became of the questions to a board.
type LineStats struct {
	Asked, Unanswered, Garbled uint64
	Port                       port.Stats
}

// job is something to ask, run by the goroutine of serve.
type job struct {
	run  func() error
	done chan error
}

func newDialogue(name string, o port.Options, timeout, gap time.Duration) (*dialogue, error) {
	o.Name, o.Confirm = name, true
	p, err := port.New(o)
	if err != nil {
		return nil, under("Port", err)
	}
	return &dialogue{
		name: name, port: p, timeout: timeout, gap: gap,
		urgent: make(chan job), usual: make(chan job), wake: make(chan struct{}, 1),
	}, nil
}

func (d *dialogue) stats() LineStats {
	return LineStats{d.asked.Load(), d.unanswered.Load(), d.garbled.Load(), d.port.Stats()}
}

// submit runs a job on the line's goroutine and waits for it, which takes a few
// time-outs at most. With port.ErrDown, and with the end of ctx before it began,
// the job has not run.
func (d *dialogue) submit(ctx context.Context, to chan<- job, run func() error) error {
	d.mu.Lock()
	gone := d.gone
	d.mu.Unlock()
	if gone == nil {
		return port.ErrDown
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j := job{run, make(chan error, 1)}
	select {
	case to <- j:
		return <-j.done
	case <-gone:
		return port.ErrDown
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// serve is for port.Run: it does jobs as they come and calls poll in between,
// which says when it wants to be called again. Both end it with an error that
// is fatal. At the end of ctx goodbye may ask once more.
func (d *dialogue) serve(ctx context.Context, c *port.Conn, poll func(context.Context) (time.Duration, error), goodbye func(context.Context) error) error {
	gone := make(chan struct{})
	d.conn, d.in, d.stale = c, nil, false
	d.setGone(gone)
	defer close(gone)
	defer d.setGone(nil)
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		var err error
		select { // what lets people through goes first
		case j := <-d.urgent:
			err = d.do(j)
		default:
			select {
			case j := <-d.urgent:
				err = d.do(j)
			case j := <-d.usual:
				err = d.do(j)
			case <-d.wake:
				next.Reset(0)
			case <-next.C:
				var again time.Duration
				again, err = poll(ctx)
				next.Reset(again)
			case <-ctx.Done():
				return goodbye(context.WithoutCancel(ctx))
			}
		}
		if err != nil && ctx.Err() == nil && fatal(err) {
			return err
		}
	}
}

// nudge has poll called at once.
func (d *dialogue) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *dialogue) do(j job) error {
	err := j.run()
	j.done <- err
	return err
}

func (d *dialogue) setGone(gone chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = gone
}

// fatal reports whether the line has to be opened again.
func fatal(err error) bool {
	var e *port.Error
	return errors.As(err, &e)
}

// ask sends a frame and waits for its answer. sent is false when nothing of the
// frame has reached the line. It is for jobs, polls and goodbyes only. What is
// not a *BoardError is the line's own error.
func (d *dialogue) ask(ctx context.Context, op string, frame []byte, parse answerParser) (answer []byte, sent bool, err error) {
	if d.stale {
		if err := d.drain(ctx); err != nil {
			return nil, false, err
		}
	}
	if err := sleep(ctx, time.Until(d.quiet)); err != nil {
		return nil, false, err
	}
	d.asked.Add(1)
	n, err := d.conn.Write(frame)
	if err != nil {
		return nil, n > 0, err
	}
	over := time.Now().Add(d.timeout)
	var problem error
	for d.in = nil; ; {
		n, err := d.conn.Read(ctx, d.buf[:])
		d.quiet = time.Now().Add(d.gap)
		if err != nil && !errors.Is(err, port.ErrTimeout) {
			d.stale = true
			return nil, true, err
		}
		var dropped error
		answer, d.in, dropped = parse(append(d.in, d.buf[:n]...))
		if len(d.in) > maxAnswer {
			d.in = d.in[len(d.in)-maxAnswer:]
		}
		if dropped != nil {
			problem = dropped
			d.garbled.Add(1)
		}
		if answer != nil {
			return answer, true, nil
		}
		if time.Now().Before(over) {
			continue
		}
		d.stale = true
		d.unanswered.Add(1)
		switch {
		case problem == nil && len(d.in) > 0:
			problem = ErrHalf
		case problem == nil:
			problem = ErrSilent
		}
		return nil, true, &BoardError{d.name, op, problem}
	}
}

// drain throws away what still comes of an old answer, so that it is not taken
// for the next one. A line that never falls silent is asked all the same.
func (d *dialogue) drain(ctx context.Context) error {
	d.stale = false
	for range 8 {
		_, err := d.conn.Read(ctx, d.buf[:])
		switch {
		case errors.Is(err, port.ErrTimeout):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}
