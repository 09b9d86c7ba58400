package barrier_test

import (
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
