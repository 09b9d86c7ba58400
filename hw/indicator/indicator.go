package indicator

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// ErrRunning is a second call of Run.
var ErrRunning = errors.New("the indicator is already running")

// Output is something that is on or off. It may take a moment, and fail.
type Output interface {
	Set(on bool) error
}

// Options say what there is to show with. All of it is optional.
type Options struct {
	Green, Red, Yellow, Buzzer Output

	// Beeps are readers that make sounds when told to, as many barcode readers
	// do.
	Beeps []Beep

	// OnError is told of an output that fails, once until it works again, and of
	// nil when all of them do. It must not block.
	OnError func(error)
}

// Beep is a reader with commands for its own sounds. Either may be empty.
type Beep struct {
	Reader    string // its name in the configuration
	To        io.Writer
	Good, Bad []byte // sent when people may pass, and when they may not
}

// Stats count what was shown.
type Stats struct {
	Shown    uint64 // verdicts that were begun
	Skipped  uint64 // verdicts that were not: a newer one came first
	Failures uint64 // outputs that did not obey
}

// Indicator shows verdicts. Make it with New, run it with Run.
type Indicator struct {
	o       Options
	outputs [lightCount]Output
	newest  chan verdict  // has at most one element
	free    atomic.Bool   // the way stands open
	freed   chan struct{} // has one element after free has changed

	// Of Run's goroutine.
	on     lights
	broken []bool // outputs, then readers

	running                  atomic.Bool
	shown, skipped, failures atomic.Uint64
}

type verdict struct {
	outcome gate.Outcome
	wants   gate.Want
	reader  string // that it answers; empty: all
}

// New returns an indicator that is dark until it runs.
func New(o Options) *Indicator {
	return &Indicator{
		o: o, outputs: [...]Output{o.Green, o.Red, o.Yellow, o.Buzzer},
		newest: make(chan verdict, 1), freed: make(chan struct{}, 1), broken: make([]bool, lightCount+len(o.Beeps)),
	}
}

// Show shows a verdict, instead of what is being shown. It never waits: of
// several verdicts that Run has not begun the newest wins.
func (i *Indicator) Show(o gate.Outcome, wants gate.Want) { i.Answer("", o, wants) }

// Answer is Show of the verdict on what one reader read: the others are silent.
func (i *Indicator) Answer(reader string, o gate.Outcome, wants gate.Want) {
	for {
		select {
		case i.newest <- verdict{o, wants, reader}:
			return
		default:
		}
		select {
		case <-i.newest:
			i.skipped.Add(1)
		default:
		}
	}
}

// Free shows steadily that the way stands open, green and nothing else, instead
// of verdicts, or no longer. It never waits.
func (i *Indicator) Free(on bool) {
	if i.free.Swap(on) == on {
		return
	}
	select {
	case i.freed <- struct{}{}:
	default:
	}
}

// Stats returns the counters.
func (i *Indicator) Stats() Stats {
	return Stats{i.shown.Load(), i.skipped.Load(), i.failures.Load()}
}

// Run shows what it is given until ctx ends and then returns nil. Every output
// is off when it begins and when it ends, as far as they obey.
func (i *Indicator) Run(ctx context.Context) error {
	if !i.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer i.running.Store(false)
	i.set(0, true)
	defer i.set(0, true)
	for {
		if i.free.Load() {
			i.stayGreen(ctx)
		}
		select {
		case <-i.freed:
		case v := <-i.newest:
			for more := true; more; {
				v, more = i.play(ctx, v)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// freeAgain is how often a green lamp is told to be lit while the way stands
// open: its board may have been away.
const freeAgain = time.Second

// stayGreen shows that the way stands open for as long as it does.
func (i *Indicator) stayGreen(ctx context.Context) {
	again := time.NewTicker(freeAgain)
	defer again.Stop()
	for i.free.Load() {
		i.set(green, true)
		select {
		case <-again.C:
		case <-i.freed:
		case <-i.newest:
			i.skipped.Add(1)
		case <-ctx.Done():
			return
		}
	}
	i.set(0, true)
}

// play shows a verdict and returns the one that interrupted it.
func (i *Indicator) play(ctx context.Context, v verdict) (next verdict, interrupted bool) {
	i.shown.Add(1)
	begin := time.Now()
	for n, s := range pattern(v.outcome, v.wants) {
		i.set(s.on, n == 0)
		if n == 0 {
			i.beep(v)
		}
		// Steps follow the clock and not each other: a slow output shortens its
		// own step and not the ones after it.
		begin = begin.Add(s.last)
		t := time.NewTimer(time.Until(begin))
		select {
		case <-t.C:
		case next = <-i.newest:
			t.Stop()
			return next, true
		case <-i.freed:
			t.Stop()
			i.set(0, false)
			return verdict{}, false
		case <-ctx.Done():
			t.Stop()
			return verdict{}, false
		}
	}
	i.set(0, false)
	return verdict{}, false
}

// set switches what is not as it should be, or everything: an output that was
// away may not be as it was left. What ends, ends before something else begins.
func (i *Indicator) set(on lights, all bool) {
	for _, off := range []bool{true, false} {
		for n, out := range i.outputs {
			light := lights(1) << n
			if out == nil || (on&light == 0) != off || !all && on&light == i.on&light {
				continue
			}
			i.note(n, out.Set(!off))
		}
	}
	i.on = on
}

// beep lets the reader that the verdict answers make its sound.
func (i *Indicator) beep(v verdict) {
	good := v.outcome == gate.Admit || v.outcome == gate.Exit
	if v.wants != 0 && !good {
		return // nothing is wrong yet
	}
	for n, b := range i.o.Beeps {
		sound := b.Bad
		if good {
			sound = b.Good
		}
		if len(sound) == 0 || v.reader != "" && v.reader != b.Reader {
			continue
		}
		_, err := b.To.Write(sound)
		i.note(lightCount+n, err)
	}
}

// note counts a failure and tells of an output's first, and of the end of all.
func (i *Indicator) note(n int, err error) {
	if err != nil {
		i.failures.Add(1)
	}
	was := i.broken[n]
	i.broken[n] = err != nil
	if i.o.OnError == nil || was == i.broken[n] {
		return
	}
	if err != nil || !slices.Contains(i.broken, true) {
		i.o.OnError(err)
	}
}
