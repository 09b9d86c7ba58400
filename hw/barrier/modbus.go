package barrier

import (
	"context"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// ModbusOptions describe a turnstile behind a Modbus RTU relay board, with the
// turnstile's contacts on the board's inputs.
type ModbusOptions struct {
	Passing
	Board       ModbusBoardOptions // Name is filled in
	Channel     int                // relay for both directions, or for entry; 1 when zero
	ExitChannel int                // relay for exit, where it is another one
	Pulse       time.Duration      // a multiple of 100 ms from 200 ms to 1 s; 300 ms when zero
	Contacts    Contacts           // input numbers from 1
}

// Turnstile is one on a board that has both its relays and its contacts.
type Turnstile struct {
	opener
	name   string
	run    func(context.Context) error
	output func(number int) (*Output, error)
	ours   []int // outputs that unlock
	line   func() LineStats
}

// TurnstileStats are a turnstile's counters. Line is that of a board with a
// serial line.
type TurnstileStats struct {
	Counts
	Line LineStats
}

// NewModbus returns a turnstile that opens its port when it runs. The error is a
// *port.OptionError.
func NewModbus(o ModbusOptions) (*Turnstile, error) {
	o.Board.Name = o.Name
	o.Board = o.Board.withDefaults()
	o.Passing, o.Contacts = o.withDefaults(o.Contacts.blind()), o.Contacts.withDefaults()
	if o.Channel == 0 {
		o.Channel = 1
	}
	if o.ExitChannel == 0 {
		o.ExitChannel = o.Channel
	}
	if o.Pulse == 0 {
		o.Pulse = DefaultPulse
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	board, err := NewModbusBoard(o.Board)
	if err != nil {
		return nil, under("Board", err)
	}
	board.own(o.Channel)
	board.own(o.ExitChannel)
	both := []int{o.Channel, o.ExitChannel}
	t := &Turnstile{name: o.Name, run: board.Run, line: board.Stats, output: board.Output, ours: both}
	r := o.Contacts.rules(o.rules())
	r.heartbeat = o.Board.Answer + 4*(o.Board.Poll+port.DefaultReadTimeout)
	t.monitor = newMonitor(r, o.OnEvent, func(on bool) {
		if on {
			board.hold(both)
		} else {
			board.hold(nil)
		}
	})
	t.mover, t.wait = modbusMover{board, o}, o.Wait
	if len(o.Contacts.numbers()) > 0 {
		t.watchInputs(board, o.Contacts)
	}
	return t, nil
}

func (o ModbusOptions) validate() error {
	if err := o.Passing.validate(); err != nil {
		return err
	}
	switch {
	case o.Channel < 1 || o.Channel > modbusMaxLine:
		return channelError("Channel", o.Channel, 1, modbusMaxLine)
	case o.ExitChannel < 1 || o.ExitChannel > modbusMaxLine:
		return channelError("ExitChannel", o.ExitChannel, 1, modbusMaxLine)
	}
	if err := validPulse(o.Pulse); err != nil {
		return err
	}
	if err := under("Board", o.Board.validate()); err != nil {
		return err
	}
	return under("Contacts", o.Contacts.validate(o.Passing, 1, o.Board.Inputs))
}

// watchInputs feeds what the board's inputs say to the machine.
func (t *Turnstile) watchInputs(b *ModbusBoard, c Contacts) {
	s, heard := newSampler(c), false // of the line's goroutine
	b.onInputs = func(now time.Time, bits uint32) {
		t.do(func(m *machine) {
			if !heard {
				heard = true
				m.hear(now, true)
			}
			s.look(now, m, func(number int) bool { return bits>>(number-1)&1 == 1 })
		})
	}
	b.onLost = func(now time.Time) {
		if heard {
			heard = false
			s.forget()
			t.do(func(m *machine) { m.hear(now, false) })
		}
	}
}

// Name is the turnstile's name in the configuration.
func (t *Turnstile) Name() string { return t.name }

// Output returns another relay or line of the same board, for a lamp or a buzzer.
// It is to be called before Run.
func (t *Turnstile) Output(number int) (*Output, error) {
	if slices.Contains(t.ours, number) {
		return nil, &port.OptionError{Field: "Channel", Problem: "unlocks the turnstile"}
	}
	return t.output(number)
}

// Stats returns the counters so far.
func (t *Turnstile) Stats() TurnstileStats {
	s := TurnstileStats{Counts: t.totals()}
	if t.line != nil {
		s.Line = t.line()
	}
	return s
}

// Run owns the board until ctx ends and then returns nil, with every output at
// rest. It outlives boards that are unplugged or fall silent; OnState hears of
// it.
func (t *Turnstile) Run(ctx context.Context) error {
	if !t.running.CompareAndSwap(nil, &ctx) {
		return port.ErrRunning
	}
	defer t.running.Store(nil)
	return t.run(ctx)
}

type modbusMover struct {
	board *ModbusBoard
	o     ModbusOptions
}

// pulse leaves it at the board's word that the contact closed; whether it opened
// again is the board's affair.
func (m modbusMover) pulse(ctx context.Context, d gate.Direction) (pulsed, error) {
	channel := m.o.Channel
	if d == gate.DirectionExit {
		channel = m.o.ExitChannel
	}
	return m.board.flash(ctx, channel, m.o.Pulse)
}
