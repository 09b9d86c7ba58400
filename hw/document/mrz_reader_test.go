package document_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/document"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// passportDesk is a driver on a fake reader, run until the test ends.
type passportDesk struct {
	*document.MRZ
	dev      *hwtest.MRZReader
	readings chan gate.Reading
	states   chan gate.DeviceState
}

func newPassportDesk(t *testing.T) *passportDesk {
	t.Helper()
	path := filepath.Join(t.TempDir(), "reader")
	dev, err := hwtest.NewMRZReader(path)
	must(t, err)
	d := &passportDesk{dev: dev, readings: make(chan gate.Reading, 100), states: make(chan gate.DeviceState, 1000)}
	d.MRZ, err = document.NewMRZ(document.MRZOptions{
		Name: "passports",
		Port: port.Options{
			Path: path, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
			OnState: func(s gate.DeviceState) { d.states <- s },
		},
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx, func(r gate.Reading) { d.readings <- r }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	if s := hwtest.Receive(t, d.states); !s.Up {
		t.Fatalf("first state %+v", s)
	}
	return d
}

func (d *passportDesk) want(t *testing.T, number string) {
	t.Helper()
	r := hwtest.Receive(t, d.readings)
	if r.Reader != "passports" || r.Text != "" || r.At.IsZero() || r.Document == nil || r.Document.Number.Reveal() != number {
		t.Fatalf("reading %+v, want the document %s", r, number)
	}
}

// paper is a made-up document with a number of its own.
func paper(format string, n int) hwtest.TravelDocument {
	d := hwtest.TravelDocument{
		Format: format, Code: "P", State: "UTO", Number: fmt.Sprintf("L%08d", n), Nationality: "UTO",
		Birth: "850607", Sex: "F", Expiry: "300101", Name: "ERIKSSON<<ANNA<MARIA",
	}
	switch format {
	case "TD1", "TD2":
		d.Code = "ID"
	case "permit":
		d.Code, d.State, d.Number, d.Name = "CS", "", fmt.Sprintf("C%08d", n), "ERIKSSON<<ANNA"
	}
	return d
}

func TestMRZReaderDelivers(t *testing.T) {
	framings := map[string][3]string{
		"CR":                       {"", "\r", "\r"},
		"CRLF":                     {"", "\r\n", "\r\n"},
		"STX, ETX":                 {"\x02", "\r", "\x03"},
		"STX, ETX around the line": {"\x02", "\x03\x02", "\x03"},
		"SOH":                      {"\x01", "\r", "\r\n"},
		"run together":             {"", "", ""},
	}
	for name, framing := range framings {
		t.Run(name, func(t *testing.T) {
			d := newPassportDesk(t)
			d.dev.Before, d.dev.Between, d.dev.After = framing[0], framing[1], framing[2]
			for i, format := range []string{"TD3", "TD1", "permit"} {
				p := paper(format, i)
				must(t, d.dev.Present(p))
				d.want(t, p.Number)
			}
		})
	}
}

func TestMRZReaderFaults(t *testing.T) {
	count := func(n uint64) string { return fmt.Sprintf("%d", n) }
	tests := []struct {
		name  string
		fault hwtest.Fault
		read  bool // and yet it is read
		count func(document.MRZStats) string
		want  string
	}{
		{"in pieces", hwtest.FaultSplit, true, func(s document.MRZStats) string { return count(s.Drops.Unfinished) }, "0"},
		{"noise", hwtest.FaultNoise, true, func(s document.MRZStats) string { return fmt.Sprint(s.Drops.Noise > 4, s.Drops.Unfinished) }, "true 1"},
		{"silence", hwtest.FaultSilence, false, func(s document.MRZStats) string { return count(s.Readings) }, "2"},
		{"half", hwtest.FaultHalf, false, func(s document.MRZStats) string { return count(s.Drops.Unfinished) }, "1"},
		{"wrong check digit", hwtest.FaultChecksum, false, func(s document.MRZStats) string { return count(s.Checks) }, "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newPassportDesk(t)
			d.dev.Fail(tt.fault)
			must(t, d.dev.Present(paper("TD3", 1)))
			if tt.read {
				d.want(t, "L00000001")
			}
			must(t, d.dev.Present(paper("TD1", 2)))
			d.want(t, "L00000002")
			must(t, d.dev.Present(paper("TD3", 3)))
			d.want(t, "L00000003")
			if s := d.Stats(); tt.count(s) != tt.want {
				t.Errorf("stats %+v, want %s", s, tt.want)
			}
		})
	}
}

func TestMRZReaderSaysADocumentOnce(t *testing.T) {
	d := newPassportDesk(t)
	for range 3 {
		must(t, d.dev.Present(paper("TD3", 1)))
	}
	must(t, d.dev.Present(paper("TD3", 2)))
	d.want(t, "L00000001")
	d.want(t, "L00000002")
	if s := d.Stats(); s.Readings != 2 || s.Repeats != 2 {
		t.Errorf("stats %+v", s)
	}
}

func TestMRZReaderCountsWhatItDoesNotUnderstand(t *testing.T) {
	d := newPassportDesk(t)
	visa := paper("TD3", 1)
	visa.Code = "V"
	must(t, d.dev.Present(visa))
	must(t, d.dev.Present(paper("TD3", 2)))
	d.want(t, "L00000002")
	if s := d.Stats(); s.Texts != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestMRZReaderOutlivesUnplugs(t *testing.T) {
	d := newPassportDesk(t)
	for i := range 5 {
		d.dev.Fail(hwtest.FaultHalf)
		must(t, d.dev.Present(paper("TD3", 100+i)))
		must(t, d.dev.Unplug())
		if s := hwtest.Receive(t, d.states); s.Up || !errors.Is(s.Err, port.ErrUnplugged) {
			t.Fatalf("unplugged: %+v", s)
		}
		must(t, d.dev.Plug())
		if s := hwtest.Receive(t, d.states); !s.Up {
			t.Fatalf("plugged in: %+v", s)
		}
		must(t, d.dev.Present(paper("TD1", i)))
		d.want(t, fmt.Sprintf("L%08d", i))
	}
}

func TestMRZOptionsName(t *testing.T) {
	tests := []struct {
		name, want string
		o          document.MRZOptions
	}{
		{"name", "Name: is empty", document.MRZOptions{}},
		{"gap", "Gap: is negative", document.MRZOptions{Name: "x", Gap: -1}},
		{"path", "Port.Path: is empty", document.MRZOptions{Name: "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := document.NewMRZ(tt.o); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
