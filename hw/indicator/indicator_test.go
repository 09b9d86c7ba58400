package indicator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/indicator"
	"github.com/venuegate/venuegate/hw/port"
	"pgregory.net/rapid"
)

// panel is four outputs that note when they change, in milliseconds.
type panel struct {
	start time.Time
	log   []string
	lit   map[string]bool
	err   error
	gone  atomic.Bool // every output fails with err
}

func newPanel() *panel { return &panel{start: time.Now(), lit: map[string]bool{}} }

type lamp struct {
	p    *panel
	name string
}

func (l lamp) Set(on bool) error {
	if l.p.gone.Load() {
		return l.p.err
	}
	if l.p.lit[l.name] == on {
		return nil
	}
	l.p.lit[l.name] = on
	sign := "-"
	if on {
		sign = "+"
	}
	l.p.log = append(l.p.log, fmt.Sprintf("%d%s%s", time.Since(l.p.start).Milliseconds(), sign, l.name))
	return nil
}

func (p *panel) options() indicator.Options {
	return indicator.Options{Green: lamp{p, "g"}, Red: lamp{p, "r"}, Yellow: lamp{p, "y"}, Buzzer: lamp{p, "b"}}
}

// run runs the indicator inside a bubble while do shows things.
func run(t *testing.T, o indicator.Options, do func(i *indicator.Indicator)) *indicator.Indicator {
	t.Helper()
	i := indicator.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := i.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	do(i)
	cancel()
	wg.Wait()
	return i
}

func TestPatterns(t *testing.T) {
	type at struct {
		ms int
		o  gate.Outcome
		w  gate.Want
	}
	tests := []struct {
		name   string
		show   []at
		length time.Duration
		want   string
	}{
		{"admit", []at{{0, gate.Admit, 0}}, time.Minute, "0+g 0+b 120-b 1000-g"},
		{"exit", []at{{0, gate.Exit, 0}}, time.Minute, "0+g 0+b 120-b 1000-g"},
		{"refuse", []at{{0, gate.Refuse, 0}}, time.Minute, "0+r 0+b 700-b 1000-r"},
		{"refer", []at{{0, gate.Refer, 0}}, time.Minute, "0+y 0+b 120-b 240+b 360-b 1000-y"},
		{"wait", []at{{0, gate.Refuse, gate.WantDocument}}, 1500 * time.Millisecond, "0+y 400-y 800+y 1200-y"},
		{"wait is not for ever", []at{{0, gate.Refuse, gate.WantDocument}}, time.Minute, strings.TrimSpace(blinks(12))},
		{"wait, then admit", []at{{0, gate.Refuse, gate.WantDocument}, {500, gate.Admit, 0}}, time.Minute, "0+y 400-y 500+g 500+b 620-b 1500-g"},
		{"the newest interrupts", []at{{0, gate.Admit, 0}, {50, gate.Refuse, 0}}, time.Minute, "0+g 0+b 50-g 50+r 750-b 1050-r"},
		{"stopped in the middle", []at{{0, gate.Admit, 0}}, 50 * time.Millisecond, "0+g 0+b 50-g 50-b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPanel()
				run(t, p.options(), func(i *indicator.Indicator) {
					for _, a := range tt.show {
						time.Sleep(time.Until(p.start.Add(time.Duration(a.ms) * time.Millisecond)))
						i.Show(a.o, a.w)
					}
					time.Sleep(tt.length)
				})
				if got := strings.Join(p.log, " "); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}

// counted is a lamp that counts how often it is told to be lit.
type counted struct {
	lamp
	told *atomic.Int32
}

func (c counted) Set(on bool) error {
	if on {
		c.told.Add(1)
	}
	return c.lamp.Set(on)
}

// While the way stands open the lamp is green, and no verdict changes that.
func TestFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		o := p.options()
		var told atomic.Int32
		o.Green = counted{lamp{p, "g"}, &told}
		run(t, o, func(i *indicator.Indicator) {
			i.Show(gate.Refuse, 0)
			time.Sleep(300 * time.Millisecond)
			i.Free(true)
			time.Sleep(300 * time.Millisecond)
			i.Show(gate.Refuse, 0)
			time.Sleep(5 * time.Second)
			before := told.Load()
			time.Sleep(2 * time.Second)
			if told.Load() == before {
				t.Error("a board that was away would stay dark")
			}
			i.Free(false)
			i.Free(false)
			time.Sleep(time.Second)
			i.Show(gate.Admit, 0)
			time.Sleep(time.Minute)
		})
		want := "0+r 0+b 300-r 300-b 300+g 7600-g 8600+g 8600+b 8720-b 9600-g"
		if got := strings.Join(p.log, " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func blinks(n int) (s string) {
	for i := range n {
		s += fmt.Sprintf("%d+y %d-y ", 800*i, 800*i+400)
	}
	return s
}

// Of verdicts that come faster than anybody can look, the newest is shown.
func TestTheNewestWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		i := indicator.New(p.options())
		for _, o := range []gate.Outcome{gate.Admit, gate.Refer, gate.Refuse} {
			i.Show(o, 0)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- i.Run(ctx) }()
		time.Sleep(time.Minute)
		if err := i.Run(ctx); !errors.Is(err, indicator.ErrRunning) {
			t.Errorf("a second Run: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got, want := strings.Join(p.log, " "), "0+r 0+b 700-b 1000-r"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if s := i.Stats(); s.Shown != 1 || s.Skipped != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Whatever is shown and when, it ends dark and silent, green and red are never
// on together, and nothing is lost from the count.
func TestIndicatorLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		waits := rapid.SliceOfN(rapid.IntRange(0, 2000), 0, 20).Draw(rt, "ms")
		outcomes := rapid.SliceOfN(rapid.IntRange(0, 3), len(waits), len(waits)).Draw(rt, "outcomes")
		synctest.Test(t, func(t *testing.T) {
			p := newPanel()
			i := run(t, p.options(), func(i *indicator.Indicator) {
				for n, ms := range waits {
					time.Sleep(time.Duration(ms) * time.Millisecond)
					i.Show(gate.Outcome(outcomes[n]), 0)
				}
				time.Sleep(time.Minute)
			})
			lit := map[byte]bool{}
			for _, l := range p.log {
				lit[l[len(l)-1]] = l[len(l)-2] == '+'
				if lit['g'] && lit['r'] || lit['g'] && lit['y'] || lit['r'] && lit['y'] {
					t.Fatalf("two lamps at once: %v", p.log)
				}
			}
			for name, on := range lit {
				if on {
					t.Fatalf("%c stays on: %v", name, p.log)
				}
			}
			if s := i.Stats(); s.Shown+s.Skipped != uint64(len(waits)) {
				t.Fatalf("%+v of %d", s, len(waits))
			}
		})
	})
}

func TestReaderBeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		o := indicator.Options{Beeps: []indicator.Beep{{Reader: "in", To: &said, Good: []byte("G"), Bad: []byte("B")}}}
		run(t, o, func(i *indicator.Indicator) {
			for _, v := range []struct {
				o gate.Outcome
				w gate.Want
			}{{gate.Admit, 0}, {gate.Refuse, 0}, {gate.Exit, 0}, {gate.Refer, 0}, {gate.Refuse, gate.WantCode}} {
				i.Show(v.o, v.w)
				time.Sleep(time.Minute)
			}
		})
		if said.String() != "GBGB" {
			t.Errorf("the reader was told %q", said.String())
		}
	})
}

// The reader that was used answers, and no other; one may have only one sound.
func TestTheReaderThatWasUsedBeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in, out bytes.Buffer
		o := indicator.Options{Beeps: []indicator.Beep{
			{Reader: "in", To: &in, Good: []byte("G"), Bad: []byte("B")},
			{Reader: "out", To: &out, Good: []byte("g")},
		}}
		run(t, o, func(i *indicator.Indicator) {
			for _, v := range []struct {
				reader string
				o      gate.Outcome
			}{{"in", gate.Admit}, {"out", gate.Exit}, {"out", gate.Refuse}, {"card", gate.Admit}, {"in", gate.Refuse}, {"", gate.Admit}} {
				i.Answer(v.reader, v.o, 0)
				time.Sleep(time.Minute)
			}
		})
		if in.String() != "GBG" || out.String() != "gg" {
			t.Errorf("in was told %q, out %q", in.String(), out.String())
		}
	})
}

// A lamp that is gone is told of once, and the rest goes on.
func TestBrokenOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		var told []error
		o := p.options()
		o.OnError = func(err error) { told = append(told, err) }
		gone := errors.New("gone")
		p.err = gone
		i := run(t, o, func(i *indicator.Indicator) {
			p.gone.Store(true)
			i.Show(gate.Admit, 0)
			time.Sleep(time.Minute)
			p.gone.Store(false)
			i.Show(gate.Refuse, 0)
			time.Sleep(time.Minute)
		})
		want := []error{gone, gone, gone, gone, nil} // each output once
		if !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
		if s := i.Stats(); s.Shown != 2 || s.Failures == 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Lamps on spare contacts of the board that unlocks the turnstile.
func TestLampsOnARelayBoard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay")
	dev, err := hwtest.NewTurnstile(hwtest.TurnstileOptions{Relay: path, PassAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	up := make(chan gate.DeviceState, 10)
	b, err := barrier.NewSerialRelay(barrier.RelayOptions{
		Name: "arm", Port: port.Options{Path: path, OnState: func(s gate.DeviceState) { up <- s }},
	})
	if err != nil {
		t.Fatal(err)
	}
	output := func(channel int) indicator.Output {
		o, err := b.Output(channel)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	if _, err := b.Output(1); err == nil {
		t.Error("the turnstile's own contact was given for a lamp")
	}
	i := indicator.New(indicator.Options{Green: output(2), Red: output(3)})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.Run(ctx) })
	hwtest.Receive(t, up)
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
		last := map[int]bool{}
		for _, s := range dev.Switches() {
			last[s.Channel] = s.On
		}
		if last[1] || last[2] || last[3] {
			t.Errorf("contacts are still closed: %v", last)
		}
	})
	wait, done := context.WithTimeout(ctx, 30*time.Second)
	defer done()
	// The board opens its three contacts first.
	if err := dev.Await(wait, func(s []hwtest.Switch) bool { return len(s) >= 3 }); err != nil {
		t.Fatal(err)
	}
	wg.Go(func() { _ = i.Run(ctx) })
	i.Show(gate.Refuse, 0)
	for _, want := range []bool{true, false} {
		err := dev.Await(wait, func(s []hwtest.Switch) bool {
			for k := len(s) - 1; k >= 0; k-- {
				if s[k].Channel == 3 {
					return s[k].On == want
				}
			}
			return false
		})
		if err != nil {
			t.Fatalf("red is not %v: %v", want, err)
		}
	}
}
