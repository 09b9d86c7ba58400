package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/sync/enrol"
)

// walkThrough is how long a visitor takes to walk through after the arm moved.
const walkThrough = 20 * time.Millisecond

// Box is a gate's box with its devices on pseudo-terminals: a code reader on
// either side, a card reader, and a turnstile that tells who passed.
type Box struct {
	Dir     string
	Address netip.AddrPort // of it and its next port, on loopback
	Code    *hwtest.Scanner
	Out     *hwtest.Scanner
	Card    *hwtest.CardReader
	Arm     *hwtest.Turnstile

	text   []byte // the configuration
	events chan lane.Event
	log    buffer

	mu   sync.Mutex
	gate *appliance.Appliance // nil: it does not run yet
	stop context.CancelFunc
	done chan error
}

// NewBox makes a box in a directory, with a configuration whose paths are below
// it, and plugs its devices in.
func NewBox(dir string, text []byte) (b *Box, err error) {
	b = &Box{Dir: dir, text: text, events: make(chan lane.Event, 256)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.unplug())
		}
	}()
	if b.Address, err = freePair(); err != nil {
		return nil, err
	}
	if b.Code, err = hwtest.NewScanner(filepath.Join(dir, "code")); err != nil {
		return b, err
	}
	if b.Out, err = hwtest.NewScanner(filepath.Join(dir, "out")); err != nil {
		return b, err
	}
	if b.Card, err = hwtest.NewCardReader(filepath.Join(dir, "card")); err != nil {
		return b, err
	}
	b.Arm, err = hwtest.NewTurnstile(hwtest.TurnstileOptions{
		Relay: filepath.Join(dir, "relay"), Feedback: filepath.Join(dir, "feedback"), PassAfter: walkThrough,
	})
	return b, err
}

// freePair returns a loopback address whose port and the one after it are free.
func freePair() (netip.AddrPort, error) {
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return netip.AddrPort{}, err
		}
		at := l.Addr().(*net.TCPAddr).AddrPort()
		next, err := net.Listen("tcp", netip.AddrPortFrom(at.Addr(), at.Port()+1).String())
		_ = l.Close()
		if err == nil {
			return at, next.Close()
		}
	}
	return netip.AddrPort{}, errors.New("no two free ports beside each other")
}

// Data is the box's disk.
func (b *Box) Data() string { return filepath.Join(b.Dir, "data") }

// Config is the configuration with its paths below the box's directory, and
// what the box is enrolled as.
func (b *Box) Config() (*config.Config, error) {
	c, err := config.Parse(b.text)
	if err != nil {
		return nil, err
	}
	c.Gate.DataDir = b.Data()
	for i := range c.Lanes {
		l := &c.Lanes[i]
		for j := range l.Readers {
			l.Readers[j].Path = filepath.Join(b.Dir, l.Readers[j].Path)
		}
		l.Barrier.Path = filepath.Join(b.Dir, l.Barrier.Path)
		l.Barrier.Feedback.Path = filepath.Join(b.Dir, l.Barrier.Feedback.Path)
	}
	return c, appliance.Place(c)
}

// SwitchOn starts the box, as venuegated does: it waits for its enrolment where
// it has none, and serves until SwitchOff.
func (b *Box) SwitchOn() {
	ctx, stop := context.WithCancel(context.Background())
	b.stop, b.done = stop, make(chan error, 1)
	go func() { b.done <- b.run(ctx) }()
}

func (b *Box) run(ctx context.Context) error {
	c, err := b.Config()
	if err != nil {
		return err
	}
	o := appliance.Options{
		Config: c, Log: zerolog.New(&b.log).With().Timestamp().Logger(), Version: "demo", Tick: 500 * time.Millisecond,
		OnEvent: func(e lane.Event) {
			select {
			case b.events <- e:
			default: // nobody reads any more
			}
		},
	}
	if c.Gate.ID == 0 {
		if err := appliance.Enrol(ctx, o); err != nil || ctx.Err() != nil {
			return err
		}
		if o.Config, err = b.Config(); err != nil {
			return err
		}
	}
	a, err := appliance.New(ctx, o)
	if err != nil {
		return err
	}
	b.set(a)
	defer b.set(nil)
	return errors.Join(a.Run(ctx), a.Close())
}

func (b *Box) set(a *appliance.Appliance) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gate = a
}

// Gate is the gate that the box runs, nil before it does.
func (b *Box) Gate() *appliance.Appliance {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gate
}

// Running reports whether a gate runs and something holds for it.
func (b *Box) Running(ok func(*appliance.Appliance) bool) bool {
	a := b.Gate()
	return a != nil && ok(a)
}

// Ready reports whether a visitor can be served at the box's lane.
func (b *Box) Ready() bool {
	return b.Running(func(a *appliance.Appliance) bool {
		s := a.State()
		return s.Pack != nil && len(s.Lanes) == 1 && s.Lanes[0].Ready
	})
}

// Enrol holds the text of an enrolment's QR code up to the box's scanner until
// it is a gate.
func (b *Box) Enrol(ctx context.Context, text string) (enrol.Enrolment, error) {
	var place enrol.Enrolment
	var failed error
	held := time.Time{}
	err := Until(ctx, "a box to be enrolled", func() bool {
		if time.Since(held) > time.Second { // it may not have looked yet
			held = time.Now()
			failed = b.Code.Scan(text)
		}
		var err error
		place, err = enrol.Load(b.Data())
		return err == nil || failed != nil
	})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, b.log.String())
	}
	return place, errors.Join(failed, err)
}

// SwitchOff stops the box and leaves its devices plugged in.
func (b *Box) SwitchOff() error {
	if b.stop == nil {
		return nil
	}
	b.stop()
	err := <-b.done
	b.stop = nil
	return err
}

// Close stops the box and unplugs its devices.
func (b *Box) Close() error { return errors.Join(b.SwitchOff(), b.unplug()) }

func (b *Box) unplug() error {
	var errs []error
	if b.Code != nil {
		errs = append(errs, b.Code.Close())
	}
	if b.Out != nil {
		errs = append(errs, b.Out.Close())
	}
	if b.Card != nil {
		errs = append(errs, b.Card.Close())
	}
	if b.Arm != nil {
		errs = append(errs, b.Arm.Close())
	}
	return errors.Join(errs...)
}

// Log is what the box's daemon has said.
func (b *Box) Log() string { return b.log.String() }

// Told is what a visitor was told, and whether they went through.
type Told struct {
	Verdict gate.Verdict
	Passed  bool
}

// patience is how long anything may take on a machine with other things to do.
const patience = time.Minute

// Visit lets a visitor do something at the lane and returns what comes of it.
// Once the arm has moved, it waits until they are through.
func (b *Box) Visit(ctx context.Context, do func() error) (Told, error) {
	return b.visit(ctx, do, nil, nil)
}

// visit is Visit of somebody who does something else whenever it is time to, as
// long as nothing has come of it.
func (b *Box) visit(ctx context.Context, do func() error, again <-chan time.Time, instead func() error) (Told, error) {
	for len(b.events) > 0 { // what nobody waits for any more
		<-b.events
	}
	if err := do(); err != nil {
		return Told{}, err
	}
	var told *Told
	timeout := time.After(patience)
	for {
		select {
		case e := <-b.events:
			switch {
			case e.Verdict != nil:
				told = &Told{Verdict: *e.Verdict}
				if !e.Verdict.Opens() {
					return *told, nil
				}
			case e.Passage != nil && told != nil:
				told.Passed = e.Passage.Result == gate.PassagePassed
				return *told, nil
			}
		case <-again:
			if told == nil {
				if err := instead(); err != nil {
					return Told{}, err
				}
			}
		case <-timeout:
			return Told{}, fmt.Errorf("no verdict within %v\n%s", patience, b.log.String())
		case <-ctx.Done():
			return Told{}, ctx.Err()
		}
	}
}

// Scan holds a code up to the reader.
func (b *Box) Scan(ctx context.Context, text string) (Told, error) {
	return b.Visit(ctx, func() error { return b.Code.Scan(text) })
}

// Lay lays an ID card on the reader and takes it away again. A reader that was
// too slow to read it gets it once more.
func (b *Box) Lay(ctx context.Context, c hwtest.Card) (Told, error) {
	again := time.NewTicker(patience / 12)
	defer again.Stop()
	lay := func() error { return b.Card.Place(c) }
	told, err := b.visit(ctx, lay, again.C, func() error { return errors.Join(b.lift(ctx), lay()) })
	return told, errors.Join(err, b.lift(ctx))
}

// lift takes the card away, and waits until the reader has seen that it is gone.
func (b *Box) lift(ctx context.Context) error {
	b.Card.Remove()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.Card.AwaitAsked(ctx, "find", b.Card.Asked("find")+2)
}

// longest is how long Until waits: with a busy machine, gates may take a minute
// to find together.
const longest = 3 * time.Minute

// Until polls for what others do by themselves.
func Until(ctx context.Context, what string, ok func() bool) error {
	deadline := time.After(longest)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("waited %v in vain for %s", longest, what)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// buffer is a log that may be read while it is written. It keeps its end.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const mostLog = 1 << 20

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() > mostLog {
		b.buf.Next(mostLog / 2)
	}
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
