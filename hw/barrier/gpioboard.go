package barrier

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// GPIOChip hands out the lines of a GPIO chip. A line is logical: on is
// electrically low where it was asked for as active low.
type GPIOChip interface {
	// Output takes a line and drives it on or off at once.
	Output(offset int, activeLow, on bool) (set func(on bool) error, release func() error, err error)
	// Input takes a line. changed is told of every change that lasted for
	// debounce; it does not block. release waits until no call is under way.
	Input(offset int, activeLow bool, pull string, debounce time.Duration, changed func(on bool)) (get func() (bool, error), release func() error, err error)
	Close() error
}

// The bias of inputs.
const (
	PullUp   = "up"
	PullDown = "down"
	PullNone = "none"
)

// Timing of a GPIO board.
const (
	gpioLook    = time.Second // between two looks that no change asked for
	gpioBackoff = time.Second // before the chip is opened again
)

// GPIOBoardOptions describe the lines of one GPIO chip.
type GPIOBoardOptions struct {
	Name    string // as in the configuration
	Chip    string // "gpiochip0" or its path
	OnState func(gate.DeviceState)
	// ActiveLow is for relays that close when their line is low.
	ActiveLow bool
	// Pull is the bias of inputs: up when empty, for dry contacts to ground,
	// which read as closed when low; down for contacts to the supply, which read
	// as closed when high; none for inputs with a resistor of their own, and
	// then PullNone reads as PullUp does.
	Pull string
	// Open opens the chip; the kernel's character device when nil.
	Open func(chip string) (GPIOChip, error)
}

func (o GPIOBoardOptions) validate() error {
	switch {
	case o.Name == "":
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	case o.Chip == "":
		return &port.OptionError{Field: "Chip", Problem: "is empty"}
	case o.Pull != PullUp && o.Pull != PullDown && o.Pull != PullNone:
		return &port.OptionError{Field: "Pull", Problem: "is not up, down or none"}
	}
	return nil
}

// maxOffset bounds a line's offset in its chip.
const maxOffset = 1023

// GPIOBoard drives lines of a GPIO chip. Its outputs are off when it starts,
// when it stops and when the chip comes back. What a line does after a crash
// depends on the chip's driver: many keep their state.
type GPIOBoard struct {
	o        GPIOBoardOptions
	inputs   []int
	debounce time.Duration

	// Whoever reads the inputs sets these before Run. look returns when it wants
	// to look again although nothing changed.
	look func(now time.Time, closed func(offset int) bool) time.Duration
	lost func(now time.Time)

	mu      sync.Mutex
	outputs []int
	held    map[int]bool                // outputs that are on at rest
	set     map[int]func(on bool) error // nil while the chip is closed
	broken  chan failure
	running bool

	pulsing sync.Mutex // held while an output may be on for a pulse
}

// NewGPIOBoard returns a board that opens its chip when it runs. NewGPIO makes a
// turnstile with a board; this is for lamps on lines of their own.
func NewGPIOBoard(o GPIOBoardOptions) (*GPIOBoard, error) {
	if o.Pull == "" {
		o.Pull = PullUp
	}
	if o.Open == nil {
		o.Open = openGPIO
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &GPIOBoard{o: o, held: map[int]bool{}, broken: make(chan failure, 1)}, nil
}

// Output returns a line for a lamp or a buzzer. It is to be called before Run.
func (b *GPIOBoard) Output(offset int) (*Output, error) {
	if offset < 0 || offset > maxOffset {
		return nil, channelError("Offset", offset, 0, maxOffset)
	}
	b.own(offset)
	return &Output{func(on bool) error { return b.drive(offset, on) }}, nil
}

func (b *GPIOBoard) own(offset int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.outputs {
		if o == offset {
			return
		}
	}
	b.outputs = append(b.outputs, offset)
}

// drive switches an output. A chip that does not obey is opened again.
func (b *GPIOBoard) drive(offset int, on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.driveLocked(offset, on)
}

func (b *GPIOBoard) driveLocked(offset int, on bool) error {
	set := b.set[offset]
	if set == nil {
		return port.ErrDown
	}
	err := set(on)
	if err != nil {
		select {
		case b.broken <- failure{err}:
		default:
		}
		return &BoardError{b.o.Name, "output", err}
	}
	return nil
}

// hold keeps outputs on until it is called again. It does not wait for a pulse,
// which ends with the output as held.
func (b *GPIOBoard) hold(offsets []int, on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, offset := range offsets {
		b.held[offset] = on
		_ = b.driveLocked(offset, on) // a chip that is gone starts with held
	}
}

// rest puts an output into the state it has while nothing is asked.
func (b *GPIOBoard) rest(offset int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.driveLocked(offset, b.held[offset])
}

// pulse switches an output on for d.
func (b *GPIOBoard) pulse(ctx context.Context, offset int, d time.Duration) (pulsed, error) {
	b.pulsing.Lock()
	defer b.pulsing.Unlock()
	if ctx.Err() != nil {
		return pulseNot, context.Cause(ctx)
	}
	if err := b.drive(offset, true); err != nil {
		if errors.Is(err, port.ErrDown) {
			return pulseNot, err
		}
		return pulseDoubt, err
	}
	ended := sleep(ctx, d)
	if err := b.rest(offset); err != nil {
		return pulseDoubt, ended // and go on watching: the way may be open
	}
	return pulseDone, ended
}

// Run owns the chip until ctx ends and then returns nil, with every output off
// but those that are held. It outlives chips that go away; OnState hears of it.
func (b *GPIOBoard) Run(ctx context.Context) error {
	b.mu.Lock()
	if b.running {
		b.mu.Unlock()
		return port.ErrRunning
	}
	b.running = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.running = false
		b.mu.Unlock()
	}()
	reason := "-"
	for ctx.Err() == nil {
		err := b.once(ctx, func() {
			reason = ""
			b.report(true, nil)
		})
		if ctx.Err() != nil {
			break
		}
		if err.Error() != reason {
			reason = err.Error()
			b.report(false, err)
		}
		_ = sleep(ctx, gpioBackoff)
	}
	return nil
}

func (b *GPIOBoard) report(up bool, err error) {
	if b.o.OnState != nil {
		b.o.OnState(gate.DeviceState{Device: b.o.Name, Up: up, Err: err, At: time.Now(), Path: b.o.Chip})
	}
}

// once opens the chip, serves it and closes it.
func (b *GPIOBoard) once(ctx context.Context, up func()) (err error) {
	chip, err := b.o.Open(b.o.Chip)
	if err != nil {
		return &BoardError{b.o.Name, "open", err}
	}
	var undo []func() error
	defer func() {
		for i := len(undo) - 1; i >= 0; i-- {
			_ = undo[i]() // a chip that is gone has nothing left to give back
		}
		_ = chip.Close()
	}()
	sets := map[int]func(bool) error{}
	for _, offset := range b.outputs {
		set, release, err := chip.Output(offset, b.o.ActiveLow, b.isHeld(offset))
		if err != nil {
			return &BoardError{b.o.Name, "output", err}
		}
		undo = append(undo, release, func() error { return set(b.isHeld(offset)) })
		sets[offset] = set
	}
	changes := make(chan change, 256)
	reads := map[int]func() (bool, error){}
	for _, offset := range b.inputs {
		get, release, err := chip.Input(offset, b.o.Pull != PullDown, b.o.Pull, b.debounce, func(on bool) {
			select {
			case changes <- change{offset, on}:
			default: // the next look sees how it ended
			}
		})
		if err != nil {
			return &BoardError{b.o.Name, "inputs", err}
		}
		undo = append(undo, release)
		reads[offset] = get
	}
	b.begin(sets)
	defer b.end()
	up()
	return b.serve(ctx, changes, reads)
}

func (b *GPIOBoard) isHeld(offset int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held[offset]
}

// begin makes the outputs available, in their state at rest.
func (b *GPIOBoard) begin(sets map[int]func(bool) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set = sets
	for offset, on := range b.held {
		if set := sets[offset]; set != nil && on {
			_ = set(true) // a failure shows at the next look
		}
	}
}

// failure is an output that did not obey.
type failure struct{ err error }

// change is one edge of an input.
type change struct {
	offset int
	on     bool
}

// end waits for a pulse to end and takes the outputs away. The pulse sees the
// end of Run as well.
func (b *GPIOBoard) end() {
	b.pulsing.Lock()
	b.mu.Lock()
	b.set = nil
	b.mu.Unlock()
	b.pulsing.Unlock()
	select {
	case <-b.broken:
	default:
	}
	if b.lost != nil {
		b.lost(time.Now())
	}
}

func (b *GPIOBoard) serve(ctx context.Context, changes <-chan change, reads map[int]func() (bool, error)) error {
	values := map[int]bool{}
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case c := <-changes:
			values[c.offset] = c.on
		case <-t.C:
			for offset, get := range reads {
				on, err := get()
				if err != nil {
					return &BoardError{b.o.Name, "inputs", err}
				}
				values[offset] = on
			}
		case f := <-b.broken:
			return &BoardError{b.o.Name, "output", f.err}
		case <-ctx.Done():
			return ctx.Err()
		}
		again := gpioLook
		if b.look != nil && len(values) == len(reads) {
			again = min(again, b.look(time.Now(), func(offset int) bool { return values[offset] }))
		}
		t.Reset(again)
	}
}
