package camera

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/camera/frametest"
	"github.com/venuegate/venuegate/hw/port"
)

// film is a camera that shows what a test wants, 30 frames a second. Time in it
// is the test's.
type film struct {
	mu     sync.Mutex
	mode   mode
	frame  []byte // nil: it hangs
	err    error
	closed int
}

func (f *film) Frame(use func([]byte)) error {
	f.mu.Lock()
	frame, err := f.frame, f.err
	f.mu.Unlock()
	switch {
	case err != nil:
		return err
	case frame == nil:
		time.Sleep(time.Second)
		return errNoFrame
	}
	time.Sleep(time.Second / 30)
	use(frame)
	return nil
}

func (f *film) Mode() mode {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mode
}

func (f *film) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	return nil
}

func (f *film) show(frame []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frame, f.err = frame, err
}

// set is a camera with a reader, in a synctest bubble.
type set struct {
	*Reader
	film     *film
	openErr  error
	mu       sync.Mutex
	readings []gate.Reading
	states   []gate.DeviceState
	stop     func()
}

func newSet(t *testing.T, o Options) *set {
	t.Helper()
	s := &set{film: &film{mode: mode{code4("GREY"), 640, 480}}}
	o.Name, o.Path = "entrance", "/dev/v4l/by-path/x"
	o.OnState = func(st gate.DeviceState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.states = append(s.states, st)
	}
	r, err := NewReader(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Reader = r
	r.open = func(Options) (source, string, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.openErr != nil {
			return nil, "", s.openErr
		}
		return s.film, "/dev/video0", nil
	}
	return s
}

func (s *set) run(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(r gate.Reading) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.readings = append(s.readings, r)
		})
	}()
	s.stop = func() {
		begin := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("Run went on for %v", took)
		}
	}
}

func (s *set) after(d time.Duration) (readings []gate.Reading, states []gate.DeviceState) {
	time.Sleep(d)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]gate.Reading(nil), s.readings...), append([]gate.DeviceState(nil), s.states...)
}

func (s *set) fail(err error) {
	s.mu.Lock()
	s.openErr = err
	s.mu.Unlock()
	s.film.show(nil, err)
}

func TestOneReadingAPresentation(t *testing.T) {
	one, two := frametest.Draw(frametest.Clean, 1), frametest.Draw(frametest.Tilted, 2)
	empty := frametest.Draw(frametest.Negative, 0).Image.Pix
	synctest.Test(t, func(t *testing.T) {
		s := newSet(t, Options{})
		s.film.show(one.Image.Pix, nil)
		s.run(t)
		defer s.stop()
		begin := time.Now()
		readings, states := s.after(20 * time.Second)
		if len(readings) != 1 {
			t.Fatalf("%d readings of a phone that is held still", len(readings))
		}
		r := readings[0]
		if r.Text.Reveal() != one.Text || r.Reader != "entrance" || r.Symbology != 'Q' || r.At.Sub(begin) > 100*time.Millisecond {
			t.Errorf("reading %+v after %v", r, r.At.Sub(begin))
		}
		if len(states) != 1 || !states[0].Up || states[0].Path != "/dev/video0" || states[0].Device != "entrance" {
			t.Errorf("states %+v", states)
		}
		s.film.show(two.Image.Pix, nil)
		if readings, _ = s.after(time.Second); len(readings) != 2 || readings[1].Text.Reveal() != two.Text {
			t.Fatalf("%d readings with the next visitor", len(readings))
		}
		s.film.show(empty, nil)
		s.after(3 * time.Second)
		s.film.show(two.Image.Pix, nil)
		if readings, _ = s.after(time.Second); len(readings) != 3 {
			t.Fatalf("%d readings when the same phone comes back", len(readings))
		}
	})
}

// Frames are looked at 15 times a second while something moves, less often when
// nothing does, and at once when something comes into view.
func TestPace(t *testing.T) {
	code, empty := frametest.Draw(frametest.Clean, 1), frametest.Draw(frametest.Negative, 0).Image.Pix
	synctest.Test(t, func(t *testing.T) {
		s := newSet(t, Options{})
		s.film.show(empty, nil)
		s.run(t)
		defer s.stop()
		s.after(4 * time.Second)
		if n := s.Stats().Decoded; n < 55 || n > 61 {
			t.Errorf("%d of 120 frames were decoded in 4 s, want about 60", n)
		}
		s.after(4 * time.Second)
		before := s.Stats().Decoded
		s.after(10 * time.Second)
		if n := s.Stats().Decoded - before; n < 25 || n > 31 {
			t.Errorf("%d decoded in 10 idle seconds, want about 30", n)
		}
		shown := time.Now()
		s.film.show(code.Image.Pix, nil)
		if readings, _ := s.after(time.Second); len(readings) != 1 || readings[0].At.Sub(shown) > 350*time.Millisecond {
			t.Errorf("a code that came into view was read too late: %d readings", len(readings))
		}
		if st := s.Stats(); st.Damaged != 0 || st.Opens != 1 || st.Readings != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

// Slow decoding leaves three quarters of a core alone.
func TestPaceOfASlowBox(t *testing.T) {
	p := newPace(15, 3)
	at := time.Unix(0, 0)
	p.done(at, 100*time.Millisecond, true, false)
	if p.due(at.Add(399*time.Millisecond)) || !p.due(at.Add(400*time.Millisecond)) {
		t.Errorf("next frame at %v, want after 400ms", p.next.Sub(at))
	}
	p.done(at, time.Millisecond, true, false)
	if want := time.Second / 15; p.next.Sub(at).Round(time.Millisecond) != want.Round(time.Millisecond) {
		t.Errorf("next frame at %v, want after %v", p.next.Sub(at), want)
	}
}

func TestUnplugged(t *testing.T) {
	code := frametest.Draw(frametest.Clean, 1)
	synctest.Test(t, func(t *testing.T) {
		s := newSet(t, Options{})
		s.film.mode = mode{code4("GREY"), 64, 64}
		blank := make([]byte, 64*64)
		s.film.show(blank, nil)
		s.run(t)
		defer s.stop()
		s.after(time.Second)
		const cycles = 1000
		for range cycles {
			s.fail(syscall.ENODEV)
			time.Sleep(3 * time.Second)
			s.fail(nil)
			s.film.show(blank, nil)
			time.Sleep(1200 * time.Millisecond)
		}
		_, states := s.after(0)
		if len(states) != 2*cycles+1 {
			t.Errorf("%d states after %d unplugs, want one each way", len(states), cycles)
		}
		for i, st := range states {
			if st.Up != (i%2 == 0) || !st.Up && !errors.Is(st.Err, port.ErrUnplugged) {
				t.Fatalf("state %d: %+v", i, st)
			}
		}
		if st := s.Stats(); st.Losses != cycles || st.Opens != cycles+1 {
			t.Errorf("stats %+v", st)
		}
		s.film.mu.Lock()
		closed := s.film.closed
		s.film.mode, s.film.frame = mode{code4("GREY"), 640, 480}, code.Image.Pix
		s.film.mu.Unlock()
		if closed != cycles {
			t.Errorf("closed %d times", closed)
		}
		if readings, _ := s.after(time.Second); len(readings) != 1 {
			t.Errorf("%d readings at the end", len(readings))
		}
	})
}

func TestReasonsToBeDown(t *testing.T) {
	tests := []struct {
		name   string
		open   error
		frame  []byte
		crop   bool
		want   error
		within time.Duration
	}{
		{name: "no such file", open: &fs.PathError{Op: "lstat", Path: "/dev/video0", Err: fs.ErrNotExist}, want: fs.ErrNotExist},
		{name: "in use by another program", open: syscall.EBUSY, want: syscall.EBUSY},
		{name: "silent", want: errSilent, within: 7 * time.Second},
		{name: "half frames", frame: make([]byte, 640*240), want: errDamaged, within: 7 * time.Second},
		{name: "smaller than the crop", frame: make([]byte, 640*480), crop: true, want: errCrop, within: time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := Options{}
				if tt.crop {
					o.Crop.Max.X, o.Crop.Max.Y = 1280, 720
				}
				s := newSet(t, o)
				s.openErr = tt.open
				s.film.show(tt.frame, nil)
				s.run(t)
				defer s.stop()
				if _, states := s.after(tt.within); len(states) != 1 || states[0].Up || !errors.Is(states[0].Err, tt.want) {
					t.Fatalf("states %+v", states)
				}
				if _, states := s.after(time.Minute); len(states) != 1 {
					t.Errorf("the same trouble was reported %d times", len(states))
				}
				if st := s.Stats(); st.Opens > 62 || st.Readings > 0 {
					t.Errorf("stats %+v", st)
				}
			})
		})
	}
}

func TestRunTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSet(t, Options{})
		s.run(t)
		defer s.stop()
		s.after(time.Millisecond)
		if err := s.Run(context.Background(), nil); !errors.Is(err, port.ErrRunning) {
			t.Errorf("a second Run: %v", err)
		}
	})
}

// The real device part, as far as it goes without one.
func TestOpenWhatIsNoCamera(t *testing.T) {
	for path, want := range map[string]error{
		t.TempDir() + "/gone": fs.ErrNotExist,
		t.TempDir():           errNotCamera,
		"/dev/null":           syscall.ENOTTY,
	} {
		o := Options{Name: "x", Path: path}.withDefaults()
		if src, _, err := openDevice(o); !errors.Is(err, want) {
			t.Errorf("%s: source %v, error %v, want %v", path, src, err, want)
		}
	}
}
