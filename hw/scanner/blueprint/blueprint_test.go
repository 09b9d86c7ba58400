package blueprint_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner/blueprint"
)

// frame makes what the reader would send. A real driver's fake is in hw/hwtest.
func frame(text string) string {
	sum := byte(len(text))
	for i := range len(text) {
		sum ^= text[i]
	}
	return "\x52" + string([]byte{byte(len(text))}) + text + string([]byte{sum})
}

func TestDecoder(t *testing.T) {
	tests := []struct {
		name, in string
		want     string
		drops    blueprint.Drops
	}{
		{"by the manual", "\x52\x02AB\x01", "[AB]", blueprint.Drops{}},
		{"two", frame("one") + frame("two"), "[one two]", blueprint.Drops{}},
		{"noise", "\x00\xff" + frame("one") + "x", "[one]", blueprint.Drops{Noise: 3}},
		{"wrong checksum", "\x52\x02AB\x00" + frame("one"), "[one]", blueprint.Drops{Checksum: 1, Noise: 4}},
		{"torn, and a good one inside", "\x52\x09" + frame("one") + "abcde", "[one]", blueprint.Drops{Checksum: 1, Noise: 6}},
		{"half", frame("one")[:3], "[]", blueprint.Drops{Unfinished: 1}},
		{"empty", frame(""), "[]", blueprint.Drops{Empty: 1}},
	}
	for _, tt := range tests {
		for _, piece := range []int{1, 100} {
			t.Run(fmt.Sprintf("%s, by %d", tt.name, piece), func(t *testing.T) {
				var d blueprint.Decoder
				got := []string{}
				for b := []byte(tt.in); len(b) > 0; {
					n := min(piece, len(b))
					d.Push(b[:n], func(text gate.Private) { got = append(got, text.Reveal()) })
					b = b[n:]
				}
				d.Quiet()
				if fmt.Sprint(got) != tt.want || d.Drops() != tt.drops {
					t.Errorf("got %q, drops %+v; want %s, %+v", got, d.Drops(), tt.want, tt.drops)
				}
			})
		}
	}
}

// FuzzDecoder feeds anything: the frames do not depend on how it is cut, and a
// good one behind a pause is found.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\x00"+frame("one")+"\x52"), uint8(0))
	f.Add([]byte("\x52\x52\x52\x52"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		run := func(size int) string {
			var d blueprint.Decoder
			var got []string
			emit := func(text gate.Private) { got = append(got, text.Reveal()) }
			for b := in; len(b) > 0; {
				n := min(size, len(b))
				d.Push(b[:n], emit)
				b = b[n:]
			}
			d.Quiet()
			d.Push([]byte(frame("good")), emit)
			if got[len(got)-1] != "good" {
				t.Fatal("a good frame was not found")
			}
			return fmt.Sprintf("%q %+v", got, d.Drops())
		}
		if whole, pieces := run(max(len(in), 1)), run(int(piece)+1); whole != pieces {
			t.Errorf("cutting changes the frames:\n%s\n%s", whole, pieces)
		}
	})
}

func TestReaderOutlivesUnplugs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reader")
	line, err := hwtest.NewLine(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	readings, states := make(chan gate.Reading, 10), make(chan gate.DeviceState, 100)
	r, err := blueprint.New(blueprint.Options{Name: "reader", Port: port.Options{
		Path: path, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
		OnState: func(s gate.DeviceState) { states <- s },
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, func(r gate.Reading) { readings <- r }) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	state := func(up bool) {
		t.Helper()
		if s := hwtest.Receive(t, states); s.Up != up {
			t.Fatalf("state %+v", s)
		}
	}
	state(true)
	for _, text := range []string{"one", "two", "three"} {
		for range 2 { // read twice
			if _, err := line.Write([]byte(frame(text))); err != nil {
				t.Fatal(err)
			}
		}
		if got := hwtest.Receive(t, readings); got.Text.Reveal() != text || got.Reader != "reader" {
			t.Fatalf("reading %+v", got)
		}
		if err := line.Unplug(); err != nil {
			t.Fatal(err)
		}
		state(false)
		if err := line.Plug(); err != nil {
			t.Fatal(err)
		}
		state(true)
	}
	if err := line.Close(); err != nil {
		t.Fatal(err)
	}
	state(false)
	if s := r.Stats(); s.Readings != 3 || s.Port.Losses != 4 {
		t.Errorf("stats %+v", s)
	}
}
