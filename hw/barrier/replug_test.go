package barrier_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// Boards that are unplugged again and again cost nothing in the end, and are
// back every time.
func TestReplugging(t *testing.T) {
	const cycles = 50
	descriptors := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(all)
	}
	type board interface {
		Plug() error
		Unplug() error
		Close() error
	}
	tests := []struct {
		name string
		make func(t *testing.T, b *bench, path string) (driven, board)
	}{
		{"modbus", func(t *testing.T, b *bench, path string) (driven, board) {
			dev, err := hwtest.NewModbusBoard(path)
			must(t, err)
			d, err := barrier.NewModbus(barrier.ModbusOptions{
				Passing: barrier.Passing{Name: "arm"}, Contacts: contacts(),
				Board: barrier.ModbusBoardOptions{Port: b.port(path), Poll: time.Millisecond},
			})
			must(t, err)
			return d, dev
		}},
		{"gate board", func(t *testing.T, b *bench, path string) (driven, board) {
			dev, err := hwtest.NewGateBoard(path)
			must(t, err)
			d, err := barrier.NewGateBoard(barrier.GateBoardOptions{
				Passing: barrier.Passing{Name: "swing"}, Port: b.port(path), Poll: time.Millisecond,
			})
			must(t, err)
			return d, dev
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			d, dev := tt.make(t, b, filepath.Join(t.TempDir(), "board"))
			b.run(t, d, dev)
			goroutines, open := runtime.NumGoroutine(), descriptors()
			for range cycles {
				must(t, dev.Unplug())
				b.awaitUp(t, false)
				must(t, dev.Plug())
				b.awaitUp(t, true)
			}
			if now := runtime.NumGoroutine(); now > goroutines {
				t.Errorf("%d goroutines, and %d before", now, goroutines)
			}
			if now := descriptors(); now > open {
				t.Errorf("%d descriptors, and %d before", now, open)
			}
		})
	}
}

// A line that talks nonsense for 100 KB makes nobody pass, and is understood
// again after.
func TestNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100<<10)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for i := 0; i+3 < len(noise); i += 50 { // with beginnings that look right
		copy(noise[i:], "\x7f\x03\x01")
		copy(noise[i+20:], "\x01\x02\x01")
	}
	check := func(t *testing.T, b *bench, write func([]byte) (int, error), counts func() barrier.Counts) {
		t.Helper()
		if _, err := write(noise); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Open(t.Context(), oneIn); err != nil || got != went(1) {
			t.Errorf("got %+v, error %v", got, err)
		}
		if c := counts(); c.Forced+c.WrongWay+c.Tailgated > 0 || c.Passed != 1 {
			t.Errorf("counts %+v", c)
		}
	}
	t.Run("modbus", func(t *testing.T) {
		r := newModbusRig(t, nil)
		r.onPulse(func() { r.walk(inPass) })
		check(t, r.bench, r.dev.Write, func() barrier.Counts { return r.turnstile.Stats().Counts })
	})
	t.Run("gate board", func(t *testing.T) {
		r := newGateRig(t, nil)
		r.dev.OnOpen(func(side string) { r.dev.Pass(side, 1) })
		check(t, r.bench, r.dev.Write, func() barrier.Counts { return r.gate.Stats().Counts })
	})
}
