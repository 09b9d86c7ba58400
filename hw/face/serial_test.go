package face_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/face"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// stand is a reader that runs until the test ends.
type stand struct {
	readings chan gate.Reading
	states   chan gate.DeviceState
	stop     func()
}

func run(t *testing.T, r interface {
	Run(ctx context.Context, deliver func(gate.Reading)) error
}, s *stand,
) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, func(r gate.Reading) { s.readings <- r }) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(s.stop)
}

func newStand() *stand {
	return &stand{readings: make(chan gate.Reading, 100), states: make(chan gate.DeviceState, 1000)}
}

func (s *stand) want(t *testing.T, f gate.Face) {
	t.Helper()
	r := hwtest.Receive(t, s.readings)
	if r.Face == nil || *r.Face != f || r.Reader != "face" || r.Document != nil || r.Text != "" || r.At.IsZero() {
		t.Fatalf("got %+v %+v, want %+v", r, r.Face, f)
	}
}

func (s *stand) wantState(t *testing.T, up bool) gate.DeviceState {
	t.Helper()
	st := hwtest.Receive(t, s.states)
	if st.Up != up || st.Device != "face" {
		t.Fatalf("state %+v, want up=%v", st, up)
	}
	return st
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSerialTerminal(t *testing.T) {
	s := newStand()
	line, err := hwtest.NewLine(filepath.Join(t.TempDir(), "face"), nil)
	must(t, err)
	r, err := face.NewSerial(face.SerialOptions{Name: "face", Repeat: -1, Port: port.Options{
		Path: line.Path(), BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
		OnState: func(st gate.DeviceState) { s.states <- st },
	}})
	must(t, err)
	run(t, r, s)
	s.wantState(t, true)
	dev := hwtest.NewFaceTerminal(line)
	matched := gate.Face{Matched: true, Score: 0.9, Ticket: 7}

	must(t, dev.Look(true, 0.9, "7"))
	s.want(t, matched)
	must(t, dev.Look(false, 0.1, ""))
	s.want(t, gate.Face{Score: 0.1})

	// Each fault costs its own look at most; the next good one is read.
	for _, fault := range []hwtest.Fault{hwtest.FaultSilence, hwtest.FaultChecksum} {
		dev.Fail(fault)
		must(t, dev.Look(true, 0.9, "666"))
		must(t, dev.Look(true, 0.9, "7"))
		s.want(t, matched)
	}
	for _, fault := range []hwtest.Fault{hwtest.FaultNoise, hwtest.FaultSplit} {
		dev.Fail(fault)
		must(t, dev.Look(true, 0.9, "7"))
		s.want(t, matched)
	}
	dev.Picture = 100_000
	must(t, dev.Look(true, 0.9, "7"))
	s.want(t, matched)
	dev.Picture = 0

	// Unplugged in the middle of a message: the next is whole.
	dev.Fail(hwtest.FaultHalf)
	must(t, dev.Look(true, 0.9, "666"))
	must(t, line.Unplug())
	if st := s.wantState(t, false); !errors.Is(st.Err, port.ErrUnplugged) {
		t.Errorf("down because %v", st.Err)
	}
	must(t, line.Plug())
	s.wantState(t, true)
	must(t, dev.Look(true, 0.9, "7"))
	s.want(t, matched)
	s.stop()
	if st := r.Stats(); st.Bad != 1 || st.Drops.Noise == 0 || st.Readings != 8 {
		t.Errorf("stats %+v", st)
	}
	must(t, line.Close())
}

func TestOneLookIsOneReading(t *testing.T) {
	s := newStand()
	line, err := hwtest.NewLine(filepath.Join(t.TempDir(), "face"), nil)
	must(t, err)
	r, err := face.NewSerial(face.SerialOptions{Name: "face", Port: port.Options{Path: line.Path()}, Repeat: time.Hour})
	must(t, err)
	run(t, r, s)
	dev := hwtest.NewFaceTerminal(line)
	for range 5 { // as terminals do, twice a second
		must(t, dev.Look(true, 0.9, "7"))
	}
	for range 5 {
		must(t, dev.Look(false, 0.2, ""))
	}
	must(t, dev.Look(true, 0.8, tagText))
	s.want(t, gate.Face{Matched: true, Score: 0.9, Ticket: 7})
	s.want(t, gate.Face{Score: 0.2})
	s.want(t, gate.Face{Matched: true, Score: 0.8, Document: tag()})
	s.stop()
	if st := r.Stats(); st.Repeats != 8 || st.Readings != 3 {
		t.Errorf("stats %+v", st)
	}
	must(t, line.Close())
}
