package hwtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrGPIO is a GPIO chip that is gone.
var ErrGPIO = errors.New("no such device")

// GPIO is a GPIO chip: lines that a turnstile and its contacts are wired to. Its
// methods Output, Input and Close are what a driver asks of a chip.
type GPIO struct {
	mu       sync.Mutex
	gone     bool
	levels   map[int]bool // inputs, electrically
	taken    map[int]*gpioLine
	switches []Switch // outputs, logically; Channel is the offset
	opens    int
	changed  chan struct{} // closed at the next switch or request
}

type gpioLine struct {
	output, activeLow bool
	on                bool
	told              func(on bool)
	telling           sync.Mutex
}

// NewGPIO returns a chip whose inputs are high: pulled up, and every contact to
// ground open.
func NewGPIO() *GPIO {
	return &GPIO{levels: map[int]bool{}, taken: map[int]*gpioLine{}, changed: make(chan struct{})}
}

// Opened counts how often a driver opened the chip; it fails while the chip is
// unplugged.
func (g *GPIO) Opened() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gone {
		return ErrGPIO
	}
	g.opens++
	return nil
}

// Unplug makes every operation fail until Plug.
func (g *GPIO) Unplug() { g.plug(false) }

// Plug brings the chip back.
func (g *GPIO) Plug() { g.plug(true) }

func (g *GPIO) plug(in bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = !in
}

// Close is the driver giving the chip back.
func (g *GPIO) Close() error { return nil }

// Output takes a line and drives it on or off.
func (g *GPIO) Output(offset int, activeLow, on bool) (set func(bool) error, release func() error, err error) {
	l, release, err := g.request(offset, &gpioLine{output: true, activeLow: activeLow})
	if err != nil {
		return nil, nil, err
	}
	set = func(on bool) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.gone {
			return ErrGPIO
		}
		l.on = on
		g.switches = append(g.switches, Switch{Channel: offset, On: on, At: time.Now()})
		g.news()
		return nil
	}
	return set, release, set(on)
}

// Input takes a line and tells of its changes.
func (g *GPIO) Input(offset int, activeLow bool, _ string, _ time.Duration, changed func(on bool)) (get func() (bool, error), release func() error, err error) {
	l, giveBack, err := g.request(offset, &gpioLine{activeLow: activeLow, told: changed})
	if err != nil {
		return nil, nil, err
	}
	get = func() (bool, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.gone {
			return false, ErrGPIO
		}
		return g.level(offset) != l.activeLow, nil
	}
	return get, func() error {
		err := giveBack()
		l.telling.Lock() // waits for the last call
		defer l.telling.Unlock()
		return err
	}, nil
}

func (g *GPIO) request(offset int, l *gpioLine) (*gpioLine, func() error, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.gone:
		return nil, nil, ErrGPIO
	case g.taken[offset] != nil:
		return nil, nil, errors.New("the line is taken")
	}
	g.taken[offset] = l
	g.news()
	return l, func() error {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.taken, offset)
		g.news()
		return nil
	}, nil
}

func (g *GPIO) level(offset int) bool {
	high, set := g.levels[offset]
	return high || !set
}

func (g *GPIO) news() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// Contact closes or opens a contact to ground, and tells the driver.
func (g *GPIO) Contact(offset int, closed bool) {
	g.mu.Lock()
	before := g.level(offset)
	g.levels[offset] = !closed
	l := g.taken[offset]
	if g.gone || l == nil || l.output || before == !closed {
		g.mu.Unlock()
		return
	}
	on := !closed != l.activeLow
	l.telling.Lock()
	defer l.telling.Unlock()
	g.mu.Unlock()
	l.told(on)
}

// Taken returns the offsets that a driver holds, in rising order.
func (g *GPIO) Taken() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []int
	for offset := range g.taken {
		all = append(all, offset)
	}
	slices.Sort(all)
	return all
}

// Switches returns what the outputs were told so far.
func (g *GPIO) Switches() []Switch {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.switches)
}

// Await waits until ok holds, which is asked after every switch and request.
func (g *GPIO) Await(ctx context.Context, ok func() bool) error {
	for {
		g.mu.Lock()
		changed := g.changed
		g.mu.Unlock()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
