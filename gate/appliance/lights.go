package appliance

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/indicator"
	"github.com/venuegate/venuegate/hw/port"
)

// Signal is one thing that shows a verdict, for whoever tries it: a lamp, the
// buzzer, or a reader's own sound.
type Signal struct {
	Name   string              // green, red, yellow, buzzer, or the reader's name
	Set    func(on bool) error // of a lamp or a buzzer
	Sounds []Sound             // of a reader
}

// Sound is one that a reader is told to make.
type Sound struct {
	Name string // good or bad
	Make func() error
}

// lights are the lamps and the buzzer on a barrier's board, and the readers that
// beep.
func (b *builder) lights(c *config.Indicator, on lane.Barrier, beeps []indicator.Beep) (*indicator.Indicator, []Signal, error) {
	o := indicator.Options{OnError: b.onLights, Beeps: beeps}
	readers := signals(beeps)
	if c == nil {
		return indicator.New(o), readers, nil
	}
	var all []Signal
	board, ok := on.(interface {
		Output(number int) (*barrier.Output, error)
	})
	if !ok {
		return nil, nil, &port.OptionError{Field: "Green", Problem: "the barrier's board has no outputs"}
	}
	taken := map[int]string{}
	for _, one := range []struct {
		name   string
		number int
		to     *indicator.Output
	}{{"Green", c.Green, &o.Green}, {"Red", c.Red, &o.Red}, {"Yellow", c.Yellow, &o.Yellow}, {"Buzzer", c.Buzzer, &o.Buzzer}} {
		if one.number == 0 {
			continue
		}
		if other := taken[one.number]; other != "" {
			return nil, nil, &port.OptionError{Field: one.name, Problem: "is the output of " + other + " too"}
		}
		taken[one.number] = strings.ToLower(one.name)
		out, err := board.Output(one.number)
		if err != nil {
			return nil, nil, &port.OptionError{Field: one.name, Problem: problemOf(err)}
		}
		*one.to = out
		all = append(all, Signal{Name: strings.ToLower(one.name), Set: out.Set})
	}
	return indicator.New(o), append(all, readers...), nil
}

// signals are the sounds of readers.
func signals(beeps []indicator.Beep) (out []Signal) {
	for _, b := range beeps {
		s := Signal{Name: b.Reader}
		for _, one := range []struct {
			name    string
			command []byte
		}{{"good", b.Good}, {"bad", b.Bad}} {
			if len(one.command) > 0 {
				s.Sounds = append(s.Sounds, Sound{one.name, func() error {
					_, err := b.To.Write(one.command)
					return err
				}})
			}
		}
		out = append(out, s)
	}
	return out
}

// problemOf is what is wrong with an option, without the driver's name for it.
func problemOf(err error) string {
	var o *port.OptionError
	if errors.As(err, &o) {
		return o.Problem
	}
	return err.Error()
}

// beeps are a lane's readers that are told to beep. readers are in the order of
// the configuration.
func beeps(c *config.Lane, readers []lane.Reader, at string) (out []indicator.Beep, found config.Errors) {
	for i := range c.Readers {
		r := &c.Readers[i]
		if r.Beep == nil {
			continue
		}
		path := fmt.Sprintf("%s.reader[%d].beep", at, i)
		b := indicator.Beep{Reader: r.Name}
		for _, one := range []struct {
			name, text string
			to         *[]byte
		}{{"good", r.Beep.Good, &b.Good}, {"bad", r.Beep.Bad, &b.Bad}} {
			if one.text == "" {
				continue
			}
			command, err := barrier.ParsePattern(one.text)
			if err != nil {
				found = append(found, config.Error{Path: path + "." + one.name, Problem: err.Error()})
			}
			*one.to = command
		}
		if len(readers) != len(c.Readers) {
			continue // another mistake is told
		}
		to, ok := readers[i].(io.Writer)
		if !ok {
			found = append(found, config.Error{Path: path, Problem: "means nothing for a reader of type " + r.Type})
			continue
		}
		b.To = to
		out = append(out, b)
	}
	return out, found
}
