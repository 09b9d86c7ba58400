package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// fake is a device whose reads a test scripts. Time in it is the test's.
type fake struct {
	read    func() (int, error)
	flush   func() error
	write   func(b []byte) (int, error)
	mu      sync.Mutex
	reads   int
	flushes int
	closed  time.Time
}

func (f *fake) Read(b []byte) (int, error) {
	f.mu.Lock()
	f.reads++
	f.mu.Unlock()
	return f.read()
}

func (f *fake) Write(b []byte) (int, error) { return f.write(b) }

func (f *fake) Flush() error {
	f.mu.Lock()
	f.flushes++
	f.mu.Unlock()
	if f.flush == nil {
		return nil
	}
	return f.flush()
}

func (f *fake) Close() error {
	f.closed = time.Now()
	return nil
}

// quiet is a device that is there and says nothing.
func quiet() (int, error) {
	time.Sleep(DefaultReadTimeout)
	return 0, io.EOF
}

// atOnce is what reading a device that is gone looks like.
func atOnce() (int, error) { return 0, io.EOF }

func faked(t *testing.T, o Options, open func() (device, error)) *Port {
	t.Helper()
	o.Path = "/dev/serial/by-id/x"
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	p.open = func(Options) (device, string, error) {
		d, err := open()
		return d, "/dev/ttyUSB0", err
	}
	return p
}

// readAll serves a connection by reading to its end.
func readAll(ctx context.Context, c *Conn) error {
	buf := make([]byte, 16)
	for {
		if _, err := c.Read(ctx, buf); err != nil && !errors.Is(err, ErrTimeout) {
			return err
		}
	}
}

func TestReadsOfAQuietPortAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := faked(t, Options{}, func() (device, error) { return &fake{read: quiet}, nil })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := p.Run(ctx, readAll); err != nil {
			t.Fatal(err)
		}
		if s := p.Stats(); s.Opens != 1 || s.Losses != 0 || s.Reads < 99 || s.Reads > 101 {
			t.Errorf("10 s of silence: %+v, want 100 reads of one connection", s)
		}
	})
}

func TestADeadPortDoesNotSpin(t *testing.T) {
	tests := []struct {
		name  string
		flush error
		reads uint64 // a connection
	}{
		{"gone", syscall.EIO, 1},
		{"broken, and yet it takes a flush", nil, earlyLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := faked(t, Options{}, func() (device, error) {
					return &fake{read: atOnce, flush: func() error { return tt.flush }}, nil
				})
				ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
				defer cancel()
				if err := p.Run(ctx, readAll); err != nil {
					t.Fatal(err)
				}
				s := p.Stats()
				if s.Opens > 65 || s.Opens < 40 || s.Reads > s.Opens*tt.reads {
					t.Errorf("a minute: %+v, want about one open a second and %d reads each", s, tt.reads)
				}
			})
		})
	}
}

func TestPausesGrowAndStartAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opens []time.Duration
		start := time.Now()
		gone := start.Add(time.Hour)
		p := faked(t, Options{}, func() (device, error) {
			now := time.Since(start)
			opens = append(opens, now)
			if now < 4*time.Second {
				return nil, syscall.ENOENT
			}
			if now < 10*time.Second {
				gone = start.Add(20 * time.Second)
				return &fake{
					flush: func() error { return syscall.EIO },
					read: func() (int, error) {
						if time.Now().Before(gone) {
							return quiet()
						}
						return atOnce()
					},
				}, nil
			}
			return nil, syscall.ENOENT
		})
		ctx, cancel := context.WithTimeout(t.Context(), 22*time.Second)
		defer cancel()
		if err := p.Run(ctx, readAll); err != nil {
			t.Fatal(err)
		}
		ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
		want := []time.Duration{
			0, ms(100), ms(300), ms(700), ms(1500), ms(2500), ms(3500), ms(4500), // until it was there
			ms(20100), ms(20300), ms(20700), ms(21500), // after 15 good seconds
		}
		if fmt.Sprint(opens) != fmt.Sprint(want) {
			t.Errorf("opened at\n%v, want\n%v", opens, want)
		}
	})
}

// Something is plugged in while the pause is at its longest: the device is tried
// at once, then at the short pauses again. A plug a millisecond does not make
// the attempts more frequent than the shortest pause.
func TestAPlugEndsThePause(t *testing.T) {
	tests := []struct {
		name  string
		plugs []time.Duration // since the start
		until time.Duration
		want  []time.Duration
	}{
		{
			"one",
			[]time.Duration{5700 * time.Millisecond},
			7 * time.Second,
			[]time.Duration{0, 100, 300, 700, 1500, 2500, 3500, 4500, 5500, 5700, 5800, 6000, 6400},
		},
		{
			"in the shortest pause",
			[]time.Duration{50 * time.Millisecond},
			400 * time.Millisecond,
			[]time.Duration{0, 100, 300},
		},
		{
			"without end", every(time.Millisecond, time.Second), time.Second,
			[]time.Duration{0, 100, 200, 300, 400, 500, 600, 700, 800, 900},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var mu sync.Mutex
				next := make(chan struct{})
				o := Options{Changed: func() <-chan struct{} {
					mu.Lock()
					defer mu.Unlock()
					return next
				}}
				var opens []time.Duration
				p := faked(t, o, func() (device, error) {
					opens = append(opens, time.Since(start)/time.Millisecond)
					return nil, syscall.ENOENT
				})
				ctx, cancel := context.WithTimeout(t.Context(), tt.until-time.Microsecond)
				defer cancel()
				done := make(chan struct{})
				go func() {
					defer close(done)
					for _, at := range tt.plugs {
						sleep(ctx, time.Until(start.Add(at)))
						mu.Lock()
						close(next)
						next = make(chan struct{})
						mu.Unlock()
					}
				}()
				if err := p.Run(ctx, readAll); err != nil {
					t.Fatal(err)
				}
				<-done
				if fmt.Sprint(opens) != fmt.Sprint(tt.want) {
					t.Errorf("opened at\n%v ms, want\n%v", opens, tt.want)
				}
			})
		})
	}
}

func every(d, until time.Duration) []time.Duration {
	var all []time.Duration
	for at := d; at < until; at += d {
		all = append(all, at)
	}
	return all
}

func TestStatesAreReportedOncePerChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var got []string
		o := Options{Name: "scanner 1", OnState: func(s gate.DeviceState) {
			if s.Device != "scanner 1" {
				t.Errorf("device %q", s.Device)
			}
			got = append(got, fmt.Sprintf("%v up=%v path=%s err=%v", s.At.Sub(start).Round(time.Second), s.Up, s.Path, s.Err))
		}}
		p := faked(t, o, func() (device, error) {
			switch now := time.Since(start); {
			case now < 10*time.Second:
				return nil, &fs.PathError{Op: "open", Path: "/dev/ttyUSB0", Err: syscall.ENOENT}
			case now < 20*time.Second:
				return nil, &fs.PathError{Op: "open", Path: "/dev/ttyUSB0", Err: syscall.EACCES}
			case now > 30*time.Second:
				return nil, syscall.ENOENT
			}
			return &fake{
				flush: func() error { return syscall.EIO },
				read: func() (int, error) {
					if time.Since(start) < 30*time.Second {
						return quiet()
					}
					return atOnce()
				},
			}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		if err := p.Run(ctx, readAll); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"0s up=false path= err=open /dev/serial/by-id/x: no such file or directory",
			"11s up=false path= err=open /dev/serial/by-id/x: permission denied",
			"21s up=true path=/dev/ttyUSB0 err=<nil>",
			"30s up=false path= err=read /dev/ttyUSB0: the device is gone",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("states\n%q, want\n%q", got, want)
		}
	})
}

func TestConfirmedStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []bool
		o := Options{Confirm: true, OnState: func(s gate.DeviceState) { got = append(got, s.Up) }}
		p := faked(t, o, func() (device, error) { return &fake{read: quiet}, nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Run(ctx, func(ctx context.Context, c *Conn) error {
			c.Doubt(errors.New("no answer"))
			c.Doubt(errors.New("no answer"))
			c.Up()
			c.Up()
			return readAll(ctx, c)
		})
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != "[false true]" {
			t.Errorf("states %v", got)
		}
	})
}

func TestWriteToAStuckDeviceGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		freed := make(chan struct{})
		dev := &fake{
			read:  quiet,
			flush: sync.OnceValue(func() error { close(freed); return nil }),
			write: func(b []byte) (int, error) { <-freed; return len(b), nil },
		}
		p := faked(t, Options{}, func() (device, error) { return dev, nil })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx, readAll) }()
		synctest.Wait()
		start := time.Now()
		n, err := p.Write([]byte{1, 2, 3, 4})
		if !errors.Is(err, ErrWriteTimeout) || n == 0 || time.Since(start) != DefaultWriteTimeout {
			t.Errorf("n %d, err %v after %v; want a timeout that does not claim that nothing was sent", n, err, time.Since(start))
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n, err := p.Write([]byte{1}); n != 0 || !errors.Is(err, ErrDown) {
			t.Errorf("write after Run: %d, %v", n, err)
		}
	})
}

func TestClosingLetsLastBytesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &fake{read: quiet, write: func(b []byte) (int, error) { return len(b), nil }}
		p := faked(t, Options{Baud: 300}, func() (device, error) { return dev, nil })
		ctx, cancel := context.WithCancel(t.Context())
		var wrote time.Time
		err := p.Run(ctx, func(ctx context.Context, c *Conn) error {
			_, err := c.Write([]byte("0123456789"))
			wrote = time.Now()
			cancel()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		// 10 bytes of 10 bits and a start bit at 300 baud.
		if took := dev.closed.Sub(wrote); took < 333*time.Millisecond || took > time.Second {
			t.Errorf("closed %v after the last write", took)
		}
	})
}

func TestOnlyOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := faked(t, Options{}, func() (device, error) { return &fake{read: quiet}, nil })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx, readAll) }()
		synctest.Wait()
		if err := p.Run(ctx, readAll); !errors.Is(err, ErrRunning) {
			t.Errorf("second Run: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestOptionsName(t *testing.T) {
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"nothing", Options{}, "Path: is empty"},
		{"looked for", Options{Locate: func() (string, error) { return "", nil }}, ""},
		{"speed", Options{Path: "x", Baud: 256000}, "Baud: 256000 is not a speed that can be set"},
		{"parity", Options{Path: "x", Parity: "mark"}, `Parity: "mark" is not none, even or odd`},
		{"timeout", Options{Path: "x", ReadTimeout: 150 * time.Millisecond}, "ReadTimeout: 150ms is not a multiple of 100ms up to 25.5s"},
		{"pauses", Options{Path: "x", BackoffMin: 2, BackoffMax: 1}, "BackoffMax: is less than BackoffMin"},
		{"good", Options{Path: "x", Baud: 115200, Parity: ParityEven, ReadTimeout: time.Second}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.o)
			var oe *OptionError
			switch {
			case tt.want == "" && err != nil, tt.want != "" && !errors.As(err, &oe):
				t.Fatalf("error %v", err)
			case tt.want != "" && err.Error() != tt.want:
				t.Errorf("error %q, want %q", err, tt.want)
			}
		})
	}
}
