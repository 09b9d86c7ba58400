package barrier_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// withFire is the default answer on a board that has a fire input as well.
const withFire = "7F ?? {addr} {fault} ?? ?? {left:3} {right:3} ?? {done:55} ?? ?? {fire} {~sum}"

type gateRig struct {
	*bench
	gate *barrier.GateBoard
	dev  *hwtest.GateBoard
}

func newGateRig(t testing.TB, change func(*barrier.GateBoardOptions)) *gateRig {
	t.Helper()
	r := &gateRig{bench: newBench()}
	path := filepath.Join(t.TempDir(), "rs485")
	var err error
	if r.dev, err = hwtest.NewGateBoard(path); err != nil {
		t.Fatal(err)
	}
	o := barrier.GateBoardOptions{
		Passing: barrier.Passing{Name: "swing", Wait: time.Hour, OnEvent: r.onEvent},
		Port:    r.port(path), Poll: 5 * time.Millisecond, Answer: 5 * time.Second,
	}
	if change != nil {
		change(&o)
	}
	if r.gate, err = barrier.NewGateBoard(o); err != nil {
		t.Fatal(err)
	}
	r.run(t, r.gate, r.dev)
	return r
}

func TestGateBoard(t *testing.T) {
	const while = 300 * time.Millisecond
	in := gate.Opening{Direction: gate.DirectionEntry, Count: 1, Hold: while}
	tests := []struct {
		name    string
		change  func(*barrier.GateBoardOptions)
		onOpen  func(d *hwtest.GateBoard, side string)
		opening gate.Opening
		want    gate.Passage
		heard   string
		events  []string
	}{
		{
			name: "somebody goes in", onOpen: func(d *hwtest.GateBoard, side string) { d.Pass(side, 1) },
			opening: oneIn, want: went(1), heard: "\x80",
		},
		{
			name: "somebody goes out", onOpen: func(d *hwtest.GateBoard, side string) { d.Pass(side, 1) },
			opening: oneOut, want: went(1), heard: "\x82",
		},
		{
			name: "entry is to the right", change: func(o *barrier.GateBoardOptions) { o.EntryIs = barrier.Right },
			onOpen:  func(d *hwtest.GateBoard, side string) { d.Pass(side, 1) },
			opening: oneIn, want: went(1), heard: "\x82",
		},
		{
			name: "a party of three, past the counter's end", onOpen: func(d *hwtest.GateBoard, side string) { d.Pass(side, 1) },
			opening: gate.Opening{Direction: gate.DirectionEntry, Count: 3}, want: went(3), heard: "\x80\x80\x80",
		},
		{name: "nobody goes", opening: in, want: timeout, heard: "\x80"},
		{
			name: "somebody follows", onOpen: func(d *hwtest.GateBoard, side string) { d.Pass(side, 2) },
			opening: oneIn, want: went(2), heard: "\x80", events: []string{"tailgate"},
		},
		{
			name: "somebody comes the other way", onOpen: func(d *hwtest.GateBoard, _ string) { d.Pass("right", 1) },
			opening: in, want: timeout, heard: "\x80", events: []string{"wrong_way"},
		},
		{
			name: "the counters are reset", onOpen: func(d *hwtest.GateBoard, _ string) { d.Reset() },
			opening: in, want: unknown, heard: "\x80",
		},
		{
			name: "the board reports a fault", onOpen: func(d *hwtest.GateBoard, _ string) { d.SetFault(4) },
			opening: in, want: unknown, heard: "\x80",
		},
		{
			name:    "one side is forbidden from the start",
			change:  func(o *barrier.GateBoardOptions) { o.Frames.Start = []string{barrier.FrameForbidRight} },
			opening: in, want: timeout, heard: "\x89\x80",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newGateRig(t, func(o *barrier.GateBoardOptions) {
				if tt.opening.Hold > 0 {
					o.Wait = tt.opening.Hold
				}
				if tt.change != nil {
					tt.change(o)
				}
			})
			if tt.onOpen != nil {
				r.dev.OnOpen(func(side string) { tt.onOpen(r.dev, side) })
			}
			got, err := r.Open(t.Context(), tt.opening)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, error %v; want %+v", got, err, tt.want)
			}
			if heard := string(r.dev.Heard()); heard != tt.heard {
				t.Errorf("the board heard % X, want % X", heard, tt.heard)
			}
			r.awaitKinds(t, tt.events...)
		})
	}
}

func TestGateBoardFaults(t *testing.T) {
	opening := gate.Opening{Direction: gate.DirectionEntry, Count: 1, Hold: 300 * time.Millisecond}
	tests := []struct {
		name  string
		fault hwtest.Fault
		want  gate.Passage
		err   error
	}{
		{"no answer", hwtest.FaultSilence, unknown, barrier.ErrSilent},
		{"wrong checksum", hwtest.FaultChecksum, unknown, barrier.ErrChecksum},
		{"half an answer", hwtest.FaultHalf, unknown, barrier.ErrHalf},
		{"noise before the answer", hwtest.FaultNoise, timeout, nil},
		{"the board did not do it", hwtest.FaultRefuse, unknown, barrier.ErrRefused},
		{"unplugged in the answer", hwtest.FaultUnplug, unknown, port.ErrUnplugged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The board is asked for nothing else meanwhile, so that the fault
			// meets the command.
			r := newGateRig(t, func(o *barrier.GateBoardOptions) {
				o.Poll, o.Answer, o.Wait = time.Second, 300*time.Millisecond, opening.Hold
			})
			r.dev.Fail(tt.fault)
			got, err := r.Open(t.Context(), opening)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %+v, error %v; want %+v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// An answer that was lost does not lose the passage: the counter tells of it.
func TestGateBoardCountsThroughLostAnswers(t *testing.T) {
	r := newGateRig(t, func(o *barrier.GateBoardOptions) { o.Answer = 100 * time.Millisecond })
	r.dev.OnOpen(func(side string) {
		r.dev.Fail(hwtest.FaultSilence, hwtest.FaultChecksum, hwtest.FaultHalf)
		r.dev.Pass(side, 1)
	})
	if got, err := r.Open(t.Context(), oneIn); err != nil || got != went(1) {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestGateBoardSaysWhatIsWrong(t *testing.T) {
	r := newGateRig(t, func(o *barrier.GateBoardOptions) { o.Answer = 100 * time.Millisecond })
	r.dev.Fail(slices.Repeat([]hwtest.Fault{hwtest.FaultChecksum}, 3)...)
	if err := r.awaitUp(t, false).Err; !errors.Is(err, barrier.ErrChecksum) {
		t.Errorf("the reason is %v", err)
	}
	r.awaitUp(t, true)
	r.dev.SetFault(1)
	if err := r.awaitUp(t, false).Err; !errors.Is(err, barrier.ErrFault) {
		t.Errorf("the reason is %v", err)
	}
	r.dev.SetFault(0)
	r.awaitUp(t, true)
	must(t, r.dev.Unplug())
	var gone *port.Error // of a read or of a write, whichever came first
	if err := r.awaitUp(t, false).Err; !errors.As(err, &gone) {
		t.Errorf("the reason is %v", err)
	}
	must(t, r.dev.Plug())
	r.awaitUp(t, true)
}

// Who went through while nobody listened is told of afterwards.
func TestGateBoardForced(t *testing.T) {
	r := newGateRig(t, nil)
	r.dev.Pass("left", 1)
	r.awaitKinds(t, "forced")
	must(t, r.dev.Unplug())
	r.awaitUp(t, false)
	r.dev.Pass("right", 2)
	must(t, r.dev.Plug())
	r.awaitKinds(t, "forced", "forced", "forced")
	if s := r.gate.Stats(); s.Forced != 3 || s.Openings != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestGateBoardFire(t *testing.T) {
	r := newGateRig(t, func(o *barrier.GateBoardOptions) {
		o.Frames.Answer, o.FireHold = withFire, true
		o.Frames.Release, o.Frames.Restore = "7E 00 {addr} 83 00 00 00 {~sum}", "7E 00 {addr} 84 00 00 00 {~sum}"
	})
	r.dev.SetFire(true)
	r.awaitKinds(t, "fire")
	must(t, r.dev.AwaitHeard(patient(t), func(b []byte) bool { return string(b) == "\x83" }))
	r.dev.Pass("right", 1)
	r.awaitKinds(t, "fire", "fire_passage")
	r.dev.SetFire(false)
	r.awaitKinds(t, "fire", "fire_passage", "fire_quiet")
	must(t, r.ResetFire())
	must(t, r.dev.AwaitHeard(patient(t), func(b []byte) bool { return string(b) == "\x83\x84" }))
}

func TestGateBoardOptions(t *testing.T) {
	tests := []struct {
		name, want string
		change     func(*barrier.GateBoardOptions)
	}{
		{"nothing wrong", "", func(*barrier.GateBoardOptions) {}},
		{"name", "Name: is empty", func(o *barrier.GateBoardOptions) { o.Name = "" }},
		{"address", "Address: 256 is not between 0 and 255", func(o *barrier.GateBoardOptions) { o.Address = 256 }},
		{"side", "EntryIs: is not left or right", func(o *barrier.GateBoardOptions) { o.EntryIs = "up" }},
		{"port", "Port.Path: is empty", func(o *barrier.GateBoardOptions) { o.Port.Path = "" }},
		{"frame", `Frames.Left: "7G" is not a byte of two hex digits`, func(o *barrier.GateBoardOptions) { o.Frames.Left = "7G" }},
		{"start", `Frames.Start: "??" is for answers only`, func(o *barrier.GateBoardOptions) { o.Frames.Start = []string{"7E ??"} }},
		{"answer", "Frames.Answer: has no checksum", func(o *barrier.GateBoardOptions) { o.Frames.Answer = "7F {left:1} {right:1}" }},
		{"counters", "Frames.Answer: has no {left:n} and {right:n}", func(o *barrier.GateBoardOptions) { o.Frames.Answer = "7F {left:1} {xor}" }},
		{"fire", "FireLatched: needs {fire} in Frames.Answer", func(o *barrier.GateBoardOptions) { o.FireLatched = true }},
		{"hold", "FireHold: needs {fire} in Frames.Answer, Frames.Release and Frames.Restore", func(o *barrier.GateBoardOptions) { o.FireHold = true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := barrier.GateBoardOptions{Passing: barrier.Passing{Name: "swing"}, Port: port.Options{Path: "x"}}
			tt.change(&o)
			_, err := barrier.NewGateBoard(o)
			optionErrors(t, err, tt.want)
		})
	}
}
