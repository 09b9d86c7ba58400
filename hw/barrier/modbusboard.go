package barrier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/hw/port"
)

// Defaults of ModbusBoardOptions.
const (
	DefaultPoll         = 50 * time.Millisecond
	DefaultModbusAnswer = 200 * time.Millisecond

	modbusTick     = 100 * time.Millisecond // the unit of a board-timed pulse
	modbusKeepLive = time.Second            // between looks at a board without inputs
	modbusAgain    = 500 * time.Millisecond // between two words to contacts that are held
	modbusMaxLine  = 32                     // channels and inputs
	missedLimit    = 3                      // questions in a row without an answer
)

// ModbusBoardOptions describe a relay board that speaks Modbus RTU.
type ModbusBoardOptions struct {
	Name   string        // as in the configuration
	Port   port.Options  // 9600 8N1 when its fields are zero; Name is filled in
	Unit   int           // address on the bus, 1 to 247; 1 when zero
	Inputs int           // inputs to read, up to 32; 8 when zero
	Poll   time.Duration // pause between two looks at the inputs; 50 ms when zero
	Answer time.Duration // how long an answer may take; 200 ms when zero
}

func (o ModbusBoardOptions) withDefaults() ModbusBoardOptions {
	if o.Unit == 0 {
		o.Unit = 1
	}
	if o.Inputs == 0 {
		o.Inputs = 8
	}
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	if o.Answer == 0 {
		o.Answer = DefaultModbusAnswer
	}
	if o.Port.Baud == 0 {
		o.Port.Baud = port.DefaultBaud
	}
	return o
}

func (o ModbusBoardOptions) validate() error {
	switch {
	case o.Name == "":
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	case o.Unit < 1 || o.Unit > 247:
		return channelError("Unit", o.Unit, 1, 247)
	case o.Inputs < 1 || o.Inputs > modbusMaxLine:
		return channelError("Inputs", o.Inputs, 1, modbusMaxLine)
	case o.Poll < 0:
		return &port.OptionError{Field: "Poll", Problem: "is negative"}
	case o.Answer < 0:
		return &port.OptionError{Field: "Answer", Problem: "is negative"}
	}
	return nil
}

// ModbusBoard is a relay board on a line of its own. Its pulses are timed by the
// board: no crash of this side can hold a contact closed.
type ModbusBoard struct {
	o    ModbusBoardOptions
	line *dialogue

	// Whoever reads the inputs sets these before Run; bits are inputs from 1 up.
	onInputs func(now time.Time, bits uint32)
	onLost   func(now time.Time)

	mu       sync.Mutex
	channels []int // contacts that are ours
	held     []int // those that are to be closed

	// Of the line's goroutine.
	rested bool // the contacts are as they should be at rest
	missed int  // questions in a row without an answer
	told   time.Time

	owed    atomic.Bool // the contacts are to be put to rest again
	running atomic.Bool
}

// NewModbusBoard returns a board that opens its port when it runs. NewModbus
// makes a turnstile with a board; this is for lamps on a board of their own.
func NewModbusBoard(o ModbusBoardOptions) (*ModbusBoard, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	// Frames are kept apart by 3.5 characters, 1.75 ms at high speeds.
	gap := max(35*11*time.Second/time.Duration(10*o.Port.Baud), 1750*time.Microsecond)
	line, err := newDialogue(o.Name, o.Port, o.Answer, gap)
	if err != nil {
		return nil, err
	}
	return &ModbusBoard{o: o, line: line}, nil
}

// Output returns a contact for a lamp or a buzzer. It is opened when the board
// starts, stops and comes back.
func (b *ModbusBoard) Output(channel int) (*Output, error) {
	if channel < 1 || channel > modbusMaxLine {
		return nil, channelError("Channel", channel, 1, modbusMaxLine)
	}
	b.own(channel)
	return &Output{func(on bool) error {
		return b.line.submit(context.Background(), b.line.usual, func() error {
			return b.coil(context.Background(), channel, on)
		})
	}}, nil
}

func (b *ModbusBoard) own(channel int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.channels, channel) {
		b.channels = append(b.channels, channel)
	}
}

// hold closes contacts until it is called again.
func (b *ModbusBoard) hold(channels []int) {
	b.mu.Lock()
	b.held = channels
	b.mu.Unlock()
	b.owed.Store(true)
	b.line.nudge() // to do it now
}

// holds reports whether contacts are held. They are told so again and again: the
// end of a pulse that the board times opens its contact, and so does a moment
// without power.
func (b *ModbusBoard) holds() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.held) > 0
}

// Stats returns the counters of the line.
func (b *ModbusBoard) Stats() LineStats { return b.line.stats() }

// Run owns the port until ctx ends and then returns nil, with every contact told
// to open but those that are held. It outlives unplugged and silent boards;
// OnState of the port hears of it.
func (b *ModbusBoard) Run(ctx context.Context) error {
	if !b.running.CompareAndSwap(false, true) {
		return port.ErrRunning
	}
	defer b.running.Store(false)
	return b.line.port.Run(ctx, func(ctx context.Context, c *port.Conn) error {
		b.rested, b.missed = false, 0
		err := b.line.serve(ctx, c, b.poll, b.goodbye)
		b.lost()
		return err
	})
}

// poll is one round: what is owed, then the inputs.
func (b *ModbusBoard) poll(ctx context.Context) (time.Duration, error) {
	err := b.round(ctx)
	switch {
	case err == nil:
		b.missed = 0
		b.line.conn.Up()
	case fatal(err), ctx.Err() != nil:
	case errors.Is(err, ErrRefused):
		b.line.conn.Doubt(err)
		b.lost()
	default:
		if b.missed++; b.missed == missedLimit {
			b.rested = false // it may have lost its power, or its memory
			b.line.conn.Doubt(err)
			b.lost()
		}
	}
	switch {
	case b.onInputs != nil:
	case b.holds():
		return modbusAgain, err
	default:
		return modbusKeepLive, err
	}
	return b.o.Poll, err
}

func (b *ModbusBoard) round(ctx context.Context) error {
	if b.owed.Swap(false) || !b.rested || b.holds() && time.Since(b.told) >= modbusAgain {
		if err := b.rest(ctx); err != nil {
			b.owed.Store(true)
			return err
		}
		b.rested, b.told = true, time.Now()
	}
	function, op := byte(modbusReadInputs), "inputs"
	if b.onInputs == nil {
		function, op = modbusReadCoils, "status"
	}
	data, err := b.ask(ctx, op, function, 0, uint16(b.o.Inputs))
	if err != nil {
		return err
	}
	var bits uint32
	for i, c := range data {
		bits |= uint32(c) << (8 * i)
	}
	if b.onInputs != nil {
		b.onInputs(time.Now(), bits)
	}
	return nil
}

// rest puts every contact into the state it has while nothing is asked.
func (b *ModbusBoard) rest(ctx context.Context) error {
	b.mu.Lock()
	channels, held := slices.Clone(b.channels), slices.Clone(b.held)
	b.mu.Unlock()
	for _, ch := range channels {
		if err := b.coil(ctx, ch, slices.Contains(held, ch)); err != nil {
			return err
		}
	}
	return nil
}

func (b *ModbusBoard) goodbye(ctx context.Context) error {
	return b.rest(ctx)
}

func (b *ModbusBoard) lost() {
	if b.onLost != nil {
		b.onLost(time.Now())
	}
}

func (b *ModbusBoard) coil(ctx context.Context, channel int, on bool) error {
	value := uint16(0)
	if on {
		value = modbusOn
	}
	_, err := b.ask(ctx, "output", modbusWriteCoil, uint16(channel-1), value)
	return err
}

func (b *ModbusBoard) ask(ctx context.Context, op string, function byte, address, value uint16) ([]byte, error) {
	request := modbusRequest(byte(b.o.Unit), function, address, value)
	frame, _, err := b.line.ask(ctx, op, request, modbusAnswer(request))
	if err != nil {
		return nil, err
	}
	data, err := modbusResult(frame)
	if err != nil {
		return nil, &BoardError{b.o.Name, op, err}
	}
	return data, nil
}

// flash has the board close a contact for d.
func (b *ModbusBoard) flash(ctx context.Context, channel int, d time.Duration) (became pulsed, err error) {
	request := modbusRequest(byte(b.o.Unit), modbusWriteCoil, uint16(modbusFlash+channel-1), uint16(d/modbusTick))
	err = b.line.submit(ctx, b.line.urgent, func() error {
		frame, sent, err := b.line.ask(ctx, "open", request, modbusAnswer(request))
		if err != nil {
			if sent {
				became = pulseDoubt
			}
			return err
		}
		if _, err := modbusResult(frame); err != nil {
			return &BoardError{b.o.Name, "open", err} // understood and not done
		}
		became = pulseDone
		return nil
	})
	return became, err
}

// validPulse checks the length of a board-timed pulse.
func validPulse(d time.Duration) error {
	if d < minPulse || d > time.Second || d%modbusTick != 0 {
		return &port.OptionError{Field: "Pulse", Problem: fmt.Sprintf("%v is not a multiple of %v from %v to 1s", d, modbusTick, minPulse)}
	}
	return nil
}
