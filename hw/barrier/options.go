package barrier

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Defaults of RelayOptions and Feedback.
const (
	DefaultPulse     = 300 * time.Millisecond
	DefaultWait      = 5500 * time.Millisecond // the 5 s a turnstile stays unlocked, and a margin
	DefaultBlindWait = 2 * time.Second
	DefaultHeartbeat = 3 * time.Second

	minPulse = 200 * time.Millisecond
	maxPulse = 500 * time.Millisecond
)

// RelayOptions describe a turnstile that is unlocked by a relay board on a
// serial line: the contact closes for the length of a pulse, once per person.
type RelayOptions struct {
	Name        string        // as in the configuration
	Port        port.Options  // the relay board; Name is filled in
	Channel     int           // relay for both directions, or for entry; 1 when zero
	ExitChannel int           // relay for exit, where it is another one
	Pulse       time.Duration // 200 to 500 ms; 300 ms when zero

	// Wait is how long one person has to walk through after a pulse: 5.5 s when
	// zero. Without feedback nothing is waited for, and it is the pause before
	// the next pulse, since a turnstile ignores one while it is unlocked: 2 s
	// when zero. A longer Opening.Hold overrides it.
	Wait time.Duration

	Feedback *Feedback // nil when the turnstile does not tell who passed

	// Tail, Free, FireLatched, FireHold, Evacuating and OnEvent are those of Passing.
	Tail        time.Duration
	Free        gate.Direction
	FireLatched bool
	FireHold    bool
	Evacuating  bool
	OnEvent     func(gate.BarrierEvent)
}

// Feedback describes the second serial line, on which the turnstile tells of
// passages. Patterns are what ParsePattern takes.
//
// With Passed empty the other patterns and Heartbeat take the values of a plain
// board: it sends PASS for every person who went through, READY at least once a
// second while the turnstile is powered and working, BUSY when it is not, and
// FIRE and SAFE when a fire signal comes and goes, each ended by CR LF.
type Feedback struct {
	Port       port.Options // Name is the barrier's with " feedback" when empty
	Passed     string       // somebody passed; with PassedExit, in the direction of entry
	PassedExit string       // somebody passed in the direction of exit
	Ready      string       // the turnstile is powered and working
	NotReady   string       // it is not
	Fire       string       // there is a fire signal; needs FireOver
	FireOver   string       // it went away
	// Heartbeat is how old the last Ready may be; zero when the board sends it
	// on a change only, so that an open port is all there is to go by.
	Heartbeat time.Duration
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o RelayOptions) Validate() error {
	o = o.withDefaults()
	wrong := func(field, format string, args ...any) error {
		return &port.OptionError{Field: field, Problem: fmt.Sprintf(format, args...)}
	}
	switch {
	case o.Name == "":
		return wrong("Name", "is empty")
	case o.Channel < 1 || o.Channel > lcusMaxChan:
		return wrong("Channel", "%d is not between 1 and %d", o.Channel, lcusMaxChan)
	case o.ExitChannel < 1 || o.ExitChannel > lcusMaxChan:
		return wrong("ExitChannel", "%d is not between 1 and %d", o.ExitChannel, lcusMaxChan)
	case o.Pulse < minPulse || o.Pulse > maxPulse:
		return wrong("Pulse", "%v is not between %v and %v", o.Pulse, minPulse, maxPulse)
	case o.Wait < 0:
		return wrong("Wait", "is negative")
	case o.Tail < 0:
		return wrong("Tail", "is negative")
	}
	if err := under("Port", o.Port.Validate()); err != nil {
		return err
	}
	senses := o.Feedback != nil && o.Feedback.Fire != ""
	switch {
	case o.FireLatched && !senses:
		return wrong("FireLatched", "needs a feedback line that tells of fire")
	case o.FireHold && !senses:
		return wrong("FireHold", "needs a feedback line that tells of fire")
	case o.Feedback == nil:
		return nil
	case o.Free != gate.DirectionUnknown && o.Feedback.PassedExit == "":
		return wrong("Free", "needs passages with a direction")
	}
	return under("Feedback", o.Feedback.validate())
}

// patterns are in the order of messages.
func (f Feedback) patterns() [6]string {
	return [...]string{f.Passed, f.PassedExit, f.Ready, f.NotReady, f.Fire, f.FireOver}
}

func (f Feedback) validate() error {
	names := [...]string{"Passed", "PassedExit", "Ready", "NotReady", "Fire", "FireOver"}
	var seen [][]byte
	for i, pattern := range f.patterns() {
		if pattern == "" {
			continue
		}
		p, err := ParsePattern(pattern)
		if err != nil {
			return &port.OptionError{Field: names[i], Problem: err.Error()}
		}
		for _, q := range seen {
			short, long := p, q
			if len(short) > len(long) {
				short, long = long, short
			}
			// Inside another pattern, but not at its end, it would be found first.
			if bytes.Equal(p, q) || bytes.Contains(long[:len(long)-1], short) {
				return &port.OptionError{Field: names[i], Problem: "cannot be told apart from another pattern"}
			}
		}
		seen = append(seen, p)
	}
	switch {
	case f.Fire != "" && f.FireOver == "":
		return &port.OptionError{Field: "FireOver", Problem: "is empty, and a fire would never be over"}
	case f.Heartbeat < 0:
		return &port.OptionError{Field: "Heartbeat", Problem: "is negative"}
	case f.Heartbeat > 0 && f.Ready == "":
		return &port.OptionError{Field: "Heartbeat", Problem: "needs Ready"}
	}
	return under("Port", f.Port.Validate())
}

func (o RelayOptions) withDefaults() RelayOptions {
	if o.Channel == 0 {
		o.Channel = 1
	}
	if o.ExitChannel == 0 {
		o.ExitChannel = o.Channel
	}
	if o.Pulse == 0 {
		o.Pulse = DefaultPulse
	}
	if o.Wait == 0 {
		o.Wait = DefaultWait
		if o.Feedback == nil {
			o.Wait = DefaultBlindWait
		}
	}
	o.Port.Name = o.Name
	if o.Feedback == nil {
		return o
	}
	f := *o.Feedback
	if f.Passed == "" {
		f.Passed, f.Ready, f.NotReady, f.Heartbeat = "PASS\r\n", "READY\r\n", "BUSY\r\n", DefaultHeartbeat
		f.Fire, f.FireOver = "FIRE\r\n", "SAFE\r\n"
	}
	if f.Port.Name == "" {
		f.Port.Name = o.Name + " feedback"
	}
	o.Feedback = &f
	return o
}

func (o RelayOptions) channel(d gate.Direction) int {
	if d == gate.DirectionExit {
		return o.ExitChannel
	}
	return o.Channel
}

// under puts the name of the nesting field before the field of an OptionError.
func under(field string, err error) error {
	var e *port.OptionError
	if errors.As(err, &e) {
		return &port.OptionError{Field: field + "." + e.Field, Problem: e.Problem}
	}
	return err
}
