package barrier

import (
	"context"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// GPIOOptions describe a turnstile on the lines of a GPIO chip.
type GPIOOptions struct {
	Passing
	Board    GPIOBoardOptions // Name is filled in
	Line     int              // offset of the line that unlocks both directions, or entry
	ExitLine *int             // that of exit, where it is another one
	Pulse    time.Duration    // 200 to 500 ms; 300 ms when zero
	Contacts Contacts         // line offsets
}

// NewGPIO returns a turnstile that opens its chip when it runs. The error is a
// *port.OptionError.
func NewGPIO(o GPIOOptions) (*Turnstile, error) {
	o.Board.Name = o.Name
	o.Passing, o.Contacts = o.withDefaults(o.Contacts.blind()), o.Contacts.withDefaults()
	if o.Contacts.Debounce == 0 {
		o.Contacts.Debounce = DefaultDebounce
	}
	if o.Pulse == 0 {
		o.Pulse = DefaultPulse
	}
	exit := o.Line
	if o.ExitLine != nil {
		exit = *o.ExitLine
	}
	if err := o.validate(exit); err != nil {
		return nil, err
	}
	board, err := NewGPIOBoard(o.Board)
	if err != nil {
		return nil, under("Board", err)
	}
	both := []int{o.Line, exit}
	board.own(o.Line)
	board.own(exit)
	board.inputs = o.Contacts.numbers()
	board.debounce = o.Contacts.Debounce
	t := &Turnstile{name: o.Name, run: board.Run, ours: append(both, board.inputs...), output: board.Output}
	t.monitor = newMonitor(o.Contacts.rules(o.rules()), o.OnEvent, func(on bool) { board.hold(both, on) })
	t.mover, t.wait = gpioMover{board, o.Line, exit, o.Pulse}, o.Wait
	// The kernel debounces: what a look sees has lasted.
	contacts := o.Contacts
	contacts.Debounce = 0
	t.watchLines(board, contacts)
	return t, nil
}

func (o GPIOOptions) validate(exit int) error {
	if err := o.Passing.validate(); err != nil {
		return err
	}
	switch {
	case o.Line < 0 || o.Line > maxOffset:
		return channelError("Line", o.Line, 0, maxOffset)
	case exit < 0 || exit > maxOffset:
		return channelError("ExitLine", exit, 0, maxOffset)
	case o.Pulse < minPulse || o.Pulse > maxPulse:
		return &port.OptionError{Field: "Pulse", Problem: fmt.Sprintf("%v is not between %v and %v", o.Pulse, minPulse, maxPulse)}
	}
	for _, n := range o.Contacts.numbers() {
		if n == o.Line || n == exit {
			return &port.OptionError{Field: "Line", Problem: fmt.Sprintf("%d is a contact, too", n)}
		}
	}
	return under("Contacts", o.Contacts.validate(o.Passing, 0, maxOffset))
}

// watchLines feeds what the lines say to the machine.
func (t *Turnstile) watchLines(b *GPIOBoard, c Contacts) {
	s, heard := newSampler(c), false // of Run's goroutine
	b.look = func(now time.Time, closed func(int) bool) time.Duration {
		again := gpioLook
		t.do(func(m *machine) {
			if !heard {
				heard = true
				m.hear(now, true)
			}
			s.look(now, m, closed)
			if at, ok := m.settling(); ok {
				again = min(again, at.Sub(now))
			}
		})
		if s.unsettled() {
			again = min(again, DefaultDebounce)
		}
		return max(again, time.Millisecond)
	}
	b.lost = func(now time.Time) {
		if heard {
			heard = false
			s.forget()
			t.do(func(m *machine) { m.hear(now, false) })
		}
	}
}

type gpioMover struct {
	board      *GPIOBoard
	line, exit int
	length     time.Duration
}

func (g gpioMover) pulse(ctx context.Context, d gate.Direction) (pulsed, error) {
	offset := g.line
	if d == gate.DirectionExit {
		offset = g.exit
	}
	return g.board.pulse(ctx, offset, g.length)
}
