package barrier

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// A visitor is let in at the very moment the board is back: the "off" that every
// board begins with waits for the end of the pulse, and cuts it not short.
func TestBeginningWaitsForAPulse(t *testing.T) {
	heard := make(chan byte, 100)
	line, err := hwtest.NewLine(filepath.Join(t.TempDir(), "relay"), func(b []byte) {
		for _, c := range b {
			heard <- c
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	states := make(chan gate.DeviceState, 10)
	b, err := NewLCUSBoard(port.Options{Path: line.Path(), OnState: func(s gate.DeviceState) { states <- s }})
	if err != nil {
		t.Fatal(err)
	}
	b.own(1)
	b.pulsing.Lock() // a pulse begins as the port opens
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	hwtest.Receive(t, states)
	if _, err := b.port.Write(lcus(1, true)); err != nil {
		t.Fatal(err)
	}
	first := [4]byte{}
	for i := range first {
		first[i] = hwtest.Receive(t, heard)
	}
	if _, err := b.port.Write(lcus(1, false)); err != nil {
		t.Fatal(err)
	}
	b.pulsing.Unlock()
	if want := [4]byte(lcus(1, true)); first != want {
		t.Errorf("the board heard % x first, want % x", first, want)
	}
	for range 2 { // the pulse's own off, and that of the beginning
		var frame [4]byte
		for i := range frame {
			frame[i] = hwtest.Receive(t, heard)
		}
		if want := [4]byte(lcus(1, false)); frame != want {
			t.Errorf("then % x, want % x", frame, want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := line.Close(); err != nil {
		t.Fatal(err)
	}
}
