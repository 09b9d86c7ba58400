package barrier

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// LCUS relay boards take four bytes at 9600 8N1 and answer nothing:
// A0, the channel from 1, 1 for on or 0 for off, and the sum of the three.
const (
	lcusStart   = 0xA0
	lcusMaxChan = 16

	// lcusAgain is how often held contacts are told to close: a board that lost
	// its power for a moment, but not its line, does not say so.
	lcusAgain = 2 * time.Second
)

func lcus(channel int, on bool) []byte {
	state := byte(0)
	if on {
		state = 1
	}
	ch := byte(channel)
	return []byte{lcusStart, ch, state, lcusStart + ch + state}
}

// LCUSBoard is an LCUS relay board. It keeps the contacts it was asked about
// open but for pulses: a board that lost its host in the middle of one holds
// its contact closed, since it keeps no time of its own.
type LCUSBoard struct {
	port *port.Port

	mu       sync.Mutex
	channels []int // contacts that are ours, in the order they were asked for
	held     []int // those that are to be closed

	pulsing sync.Mutex // held while a contact may be closed for a pulse
	running atomic.Pointer[context.Context]
	owed    atomic.Bool // an "off" could not be sent
}

// NewLCUSBoard returns a board that opens its port when it runs. A SerialRelay
// has a board already: this is for lamps on a board of their own.
func NewLCUSBoard(o port.Options) (*LCUSBoard, error) {
	p, err := port.New(o)
	if err != nil {
		return nil, err
	}
	return &LCUSBoard{port: p}, nil
}

// Output returns a contact for a lamp or a buzzer. It is opened when the board
// starts, stops and comes back.
func (b *LCUSBoard) Output(channel int) (*Output, error) {
	if channel < 1 || channel > lcusMaxChan {
		return nil, channelError("Channel", channel, 1, lcusMaxChan)
	}
	b.own(channel)
	return &Output{func(on bool) error {
		_, err := b.port.Write(lcus(channel, on))
		return err
	}}, nil
}

func (b *LCUSBoard) own(channel int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.channels, channel) {
		b.channels = append(b.channels, channel)
	}
}

// Run owns the port until ctx ends and then returns nil, with every contact told
// to open but those that are held. It outlives unplugged boards; OnState of the
// port hears of it.
func (b *LCUSBoard) Run(ctx context.Context) error {
	if !b.running.CompareAndSwap(nil, &ctx) {
		return port.ErrRunning
	}
	defer b.running.Store(nil)
	return b.port.Run(ctx, b.serve)
}

func (b *LCUSBoard) serve(ctx context.Context, c *port.Conn) error {
	if err := b.begin(); err != nil {
		return err
	}
	settled := time.Now()
	buf := make([]byte, 64)
	for {
		_, err := c.Read(ctx, buf) // some boards echo; nothing they say matters
		switch {
		case ctx.Err() != nil:
			b.pulsing.Lock() // the pulse sees ctx end as well
			defer b.pulsing.Unlock()
			return b.rest()
		case err != nil && !errors.Is(err, port.ErrTimeout):
			return err
		case b.owed.CompareAndSwap(true, false), b.holds() && time.Since(settled) >= lcusAgain:
			b.settle()
			settled = time.Now()
		}
	}
}

// begin puts the contacts of a board that has just come to rest. Whoever was
// quick enough to open the way meanwhile gets all of the pulse first.
func (b *LCUSBoard) begin() error {
	b.pulsing.Lock()
	defer b.pulsing.Unlock()
	b.owed.Store(false)
	return b.rest()
}

// settle does what is owed, between pulses.
func (b *LCUSBoard) settle() {
	b.pulsing.Lock()
	defer b.pulsing.Unlock()
	if err := b.rest(); err != nil {
		b.owed.Store(true)
	}
}

// hold says which contacts are closed while nothing else is asked.
func (b *LCUSBoard) hold(channels []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = channels
}

func (b *LCUSBoard) holds() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.held) > 0
}

func (b *LCUSBoard) isHeld(channel int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.held, channel)
}

// rest puts every contact into the state it has while nothing is asked.
func (b *LCUSBoard) rest() error {
	b.mu.Lock()
	channels, held := slices.Clone(b.channels), slices.Clone(b.held)
	b.mu.Unlock()
	var errs []error
	for _, ch := range channels {
		_, err := b.port.Write(lcus(ch, slices.Contains(held, ch)))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// release closes contacts until it is called again, and opens those of before.
func (b *LCUSBoard) release(channels []int) {
	b.hold(channels)
	b.owed.Store(true) // done by serve, within its read timeout
}

// pulse closes a contact for d and opens it again.
func (b *LCUSBoard) pulse(ctx context.Context, channel int, d time.Duration) (pulsed, error) {
	b.pulsing.Lock()
	defer b.pulsing.Unlock()
	if run := b.running.Load(); run == nil || (*run).Err() != nil {
		return pulseNot, ErrStopped
	}
	if ctx.Err() != nil {
		return pulseNot, context.Cause(ctx)
	}
	n, err := b.port.Write(lcus(channel, true))
	if err != nil && n == 0 {
		return pulseNot, err
	}
	became := pulseDone
	var ended error
	if err == nil {
		ended = sleep(ctx, d)
	}
	if _, offErr := b.port.Write(lcus(channel, b.isHeld(channel))); offErr != nil {
		became = pulseDoubt
		b.owed.Store(true) // and go on watching: the way is open
	}
	if err != nil {
		return pulseDoubt, err
	}
	return became, ended
}

// lcusMover is the turnstile on a board.
type lcusMover struct {
	*LCUSBoard
	o RelayOptions
}

func (l lcusMover) pulse(ctx context.Context, d gate.Direction) (pulsed, error) {
	return l.LCUSBoard.pulse(ctx, l.o.channel(d), l.o.Pulse)
}
