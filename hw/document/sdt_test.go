package document_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/document"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// bench is a driver on a fake card reader, run until the test ends.
type bench struct {
	*document.SDT
	dev      *hwtest.CardReader
	readings chan gate.Reading
	states   chan gate.DeviceState
}

func newBench(t *testing.T, prepare func(*hwtest.CardReader)) *bench {
	t.Helper()
	path := filepath.Join(t.TempDir(), "reader")
	dev, err := hwtest.NewCardReader(path)
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(dev)
	}
	b := &bench{dev: dev, readings: make(chan gate.Reading, 100), states: make(chan gate.DeviceState, 1000)}
	b.SDT, err = document.NewSDT(document.Options{
		Name: "documents", Poll: time.Millisecond, ReadWithin: 300 * time.Millisecond, Repeat: -1,
		Port: port.Options{
			Path: path, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
			OnState: func(s gate.DeviceState) { b.states <- s },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, func(r gate.Reading) { b.readings <- r }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) state(t *testing.T, up bool) gate.DeviceState {
	t.Helper()
	s := hwtest.Receive(t, b.states)
	if s.Up != up {
		t.Fatalf("state %+v, want up=%v", s, up)
	}
	return s
}

func (b *bench) want(t *testing.T, number string) {
	t.Helper()
	r := hwtest.Receive(t, b.readings)
	if r.Reader != "documents" || r.Text != "" || r.Document == nil || r.Document.Number.Reveal() != number {
		t.Fatalf("reading %+v, want the card %s", r, number)
	}
}

// finds waits until the driver has looked for a card n times more.
func (b *bench) finds(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.dev.AwaitAsked(ctx, "find", b.dev.Asked("find")+n); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCardsAreReadOncePerVisit(t *testing.T) {
	for _, sticky := range []bool{false, true} {
		name := "a reader that finds a card once"
		if sticky {
			name = "a reader that finds a card as long as it lies there"
		}
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(r *hwtest.CardReader) {
				if sticky {
					r.Sticky()
				}
			})
			b.state(t, true)
			must(t, b.dev.Place(resident()))
			b.want(t, resident().Number)
			b.finds(t, 3) // it lies there, and is not read again
			if n := b.dev.Asked("read"); n != 1 {
				t.Errorf("read %d times", n)
			}
			b.dev.Remove()
			b.finds(t, 2)
			must(t, b.dev.Place(permit()))
			b.want(t, permit().Number)
			b.dev.Remove()
			b.finds(t, 2)
			must(t, b.dev.Place(permit())) // the same once more
			b.want(t, permit().Number)
			if s := b.Stats(); s.Readings != 3 || s.Repeats != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestFaultyAnswers(t *testing.T) {
	tests := []struct {
		name   string
		faults []hwtest.Fault
		count  func(document.Stats) uint64 // what must have been counted
	}{
		{"silence", []hwtest.Fault{hwtest.FaultSilence}, func(s document.Stats) uint64 { return s.Silent }},
		{"wrong checksum", []hwtest.Fault{hwtest.FaultChecksum}, func(s document.Stats) uint64 { return s.Frames }},
		{"half a frame", []hwtest.Fault{hwtest.FaultHalf}, func(s document.Stats) uint64 { return s.Silent }},
		{"noise", []hwtest.Fault{hwtest.FaultNoise}, func(s document.Stats) uint64 { return s.Readings }},
		{"read failed", []hwtest.Fault{hwtest.FaultReadFailed}, func(s document.Stats) uint64 { return s.Refused }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, func(r *hwtest.CardReader) {
				r.Fail(tt.faults...)
				must(t, r.Place(resident()))
			})
			b.want(t, resident().Number)
			if s := b.Stats(); s.Readings != 1 || tt.count(s) == 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestAnUnreadableCardIsGivenUp(t *testing.T) {
	b := newBench(t, func(r *hwtest.CardReader) {
		r.Sticky()
		c := resident()
		c.Number = "110105194912310021" // wrong check character
		must(t, r.Place(c))
	})
	b.state(t, true)
	b.finds(t, 8)
	if s := b.Stats(); s.Texts != 3 || b.dev.Asked("read") != 3 {
		t.Errorf("stats %+v after %d reads, want three attempts", s, b.dev.Asked("read"))
	}
	b.dev.Remove()
	b.finds(t, 2)
	must(t, b.dev.Place(resident()))
	b.want(t, resident().Number)
}

func TestASilentReaderIsDownUntilItAnswers(t *testing.T) {
	b := newBench(t, func(r *hwtest.CardReader) {
		r.Fail(hwtest.FaultSilence, hwtest.FaultSilence, hwtest.FaultSilence)
	})
	if s := b.state(t, false); !errors.Is(s.Err, document.ErrSilent) {
		t.Errorf("reason %v", s.Err)
	}
	b.state(t, true)
	if s := b.Stats(); s.Port.Opens != 1 {
		t.Errorf("opened %d times", s.Port.Opens)
	}
}

func TestUnplugInTheMiddleOfAnAnswer(t *testing.T) {
	b := newBench(t, nil)
	b.state(t, true)
	b.dev.Fail(hwtest.FaultHalf)
	b.finds(t, 1)
	must(t, b.dev.Unplug())
	if s := b.state(t, false); !errors.Is(s.Err, port.ErrUnplugged) {
		t.Errorf("reason %v", s.Err)
	}
	must(t, b.dev.Place(resident()))
	must(t, b.dev.Plug())
	b.state(t, true)
	b.want(t, resident().Number)
}

func TestOptionsName(t *testing.T) {
	tests := []struct {
		name, want string
		o          document.Options
	}{
		{"name", "Name: is empty", document.Options{}},
		{"speed", "Port.Baud: 1 is not a speed that can be set", document.Options{Name: "x", Port: port.Options{Path: "x", Baud: 1}}},
		{"poll", "Poll: is negative", document.Options{Name: "x", Poll: -1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := document.NewSDT(tt.o); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
