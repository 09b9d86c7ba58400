package scanner

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/input"
	"github.com/venuegate/venuegate/hw/port"
)

// report makes one report by hand.
func report(aim, data string, more bool) []byte {
	r := hwtest.HIDReports(aim, data)[0]
	r[reportFlags] &^= flagMore
	if more {
		r[reportFlags] |= flagMore
	}
	return r
}

func TestReports(t *testing.T) {
	full := strings.Repeat("0123456789", 6)[:reportMax]
	long := report("]Q1", "x", false)
	long[reportLen] = reportMax + 1
	number := report("]Q1", "x", false)
	number[0] = 3
	tests := []struct {
		name    string
		f       Framing
		reports [][]byte
		want    []string
		drops   ReportDrops
	}{
		{name: "one report", reports: hwtest.HIDReports("]Q1", "VG1:ABC"), want: []string{"Q:VG1:ABC"}},
		{name: "as much as fits", reports: hwtest.HIDReports("]d2", full), want: []string{"d:" + full}},
		{name: "three reports", reports: hwtest.HIDReports("]L0", full+full+"end"), want: []string{"L:" + full + full + "end"}},
		{name: "no identifier", reports: [][]byte{report("\x00\x00\x00", "one", false)}, want: []string{"one"}},
		{name: "identifier left out of what follows", reports: [][]byte{report("]Q1", "on", true), report("\x00\x00\x00", "e", false)}, want: []string{"Q:one"}},
		{name: "line end", reports: hwtest.HIDReports("]Q1", "one\r\n"), want: []string{"Q:one"}},
		{name: "control bytes inside", reports: hwtest.HIDReports("]C1", "o\x1dne"), want: []string{"C:one"}, drops: ReportDrops{Control: 1}},
		{name: "an end is lost", reports: [][]byte{report("]Q1", "on", true), report("]C0", "two", false)}, want: []string{"C:two"}, drops: ReportDrops{Unfinished: 1}},
		{name: "empty", reports: [][]byte{report("]Q1", "", false), report("]Q1", "\r", false)}, drops: ReportDrops{Empty: 2}},
		{name: "impossible length", reports: [][]byte{long, report("]Q1", "ok", false)}, want: []string{"Q:ok"}, drops: ReportDrops{Malformed: 1}},
		{name: "half a report", reports: [][]byte{report("]Q1", "on", true), report("]Q1", "e", false)[:40], report("]Q1", "ok", false)}, want: []string{"Q:ok"}, drops: ReportDrops{Malformed: 1, Unfinished: 1}},
		{name: "another report number", reports: [][]byte{number, make([]byte, 65), nil}, drops: ReportDrops{Malformed: 3}},
		{name: "prefix and ECI", f: Framing{Prefix: "<", ECI: true}, reports: [][]byte{report("]Q2", `<\000026one`, false), report("]Q1", "two", false)}, want: []string{"Q:one"}, drops: ReportDrops{Unframed: 1}},
		{name: "identifier required", f: Framing{AIM: AIMRequire}, reports: [][]byte{report("???", "one", false), report("]z3", "two", false)}, want: []string{"z:two"}, drops: ReportDrops{Unframed: 1}},
		{name: "identifier off", f: Framing{AIM: AIMOff}, reports: [][]byte{report("]z3", "]Q1x", false)}, want: []string{"]Q1x"}},
		{name: "text that looks like an identifier", reports: [][]byte{report("]Q1", "]d2x", false)}, want: []string{"Q:]d2x"}},
		{name: "too long, then good", f: Framing{Max: 100}, reports: append(hwtest.HIDReports("]Q1", strings.Repeat("x", 100_000)), report("]Q1", "ok", false)), want: []string{"Q:ok"}, drops: ReportDrops{TooLong: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewReports(tt.f)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range tt.reports {
				r.Push(epoch, b, func(f Frame) { got = append(got, show(f)) })
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if r.Drops() != tt.drops {
				t.Errorf("drops %+v, want %+v", r.Drops(), tt.drops)
			}
		})
	}
}

func TestReportsMustFollowInTime(t *testing.T) {
	r, err := NewReports(Framing{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	emit := func(f Frame) { got = append(got, show(f)) }
	r.Push(epoch, report("]Q1", "on", true), emit)
	r.Tick(epoch.Add(DefaultStale - 1))
	r.Push(epoch.Add(DefaultStale-1), report("]Q1", "e", false), emit)
	r.Push(epoch.Add(time.Minute), report("]Q1", "late", true), emit)
	r.Push(epoch.Add(time.Minute+DefaultStale), report("]Q1", "two", false), emit)
	if fmt.Sprint(got) != "[Q:one Q:two]" || r.Drops() != (ReportDrops{Unfinished: 1}) {
		t.Errorf("got %q, drops %+v", got, r.Drops())
	}
}

// What a reader cuts into reports comes out whole.
func TestReportsLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~]{1,400}`).Draw(t, "text")
		r, err := NewReports(Framing{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range hwtest.HIDReports("]Q1", text) {
			r.Push(epoch, b, func(f Frame) { got = append(got, show(f)) })
		}
		if len(got) != 1 || got[0] != "Q:"+text {
			t.Fatalf("got %q, want %q", got, text)
		}
	})
}

// FuzzReports feeds anything cut into reports of 64 bytes and a rest: no frame
// is empty or longer than allowed, and a good code behind it is read.
func FuzzReports(f *testing.F) {
	f.Add(report("]Q1", "one", false), false)
	f.Add(bytes.Join(hwtest.HIDReports("]d2", strings.Repeat("x", 200)), nil), true)
	f.Add([]byte{2, 60, ']', 'Q', '1'}, false)
	f.Fuzz(func(t *testing.T, in []byte, eci bool) {
		r, err := NewReports(Framing{Max: 128, ECI: eci})
		if err != nil {
			t.Fatal(err)
		}
		var last string
		emit := func(f Frame) {
			if last = f.Text.Reveal(); last == "" || len(last) > 128 {
				t.Fatalf("a frame of %d bytes", len(last))
			}
		}
		for len(in) > 0 {
			n := min(reportSize, len(in))
			r.Push(epoch, in[:n], emit)
			in = in[n:]
		}
		r.Push(epoch.Add(time.Hour), report("]Q1", "good", false), emit)
		if last != "good" {
			t.Fatal("a good code was not read")
		}
	})
}

func TestHIDPOSDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		dev, err := input.NewOpener(d.options(), d.open)
		if err != nil {
			t.Fatal(err)
		}
		h, err := newHIDPOS(HIDPOSOptions{Name: "reader"}, dev)
		if err != nil {
			t.Fatal(err)
		}
		d.run(h)
		send := func(reports [][]byte) {
			for _, r := range reports {
				d.send(r)
			}
		}
		text := strings.Repeat("VG1:", 40)
		send(hwtest.HIDReports("]Q1", text))
		send(hwtest.HIDReports("]Q1", text))
		d.want("Q:" + text)
		send(hwtest.HIDReports("]Q1", "half"+text)[:1])
		d.unplug()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		send(hwtest.HIDReports("]C0", "4006381333931"))
		d.send(make([]byte, 70)) // more than a report
		send(hwtest.HIDReports("]Q1", "half"+text)[:1])
		time.Sleep(DefaultStale)
		synctest.Wait()
		d.want("Q:"+text, "C:4006381333931")
		d.stop()
		want := HIDPOSStats{Readings: 2, Repeats: 1, Drops: ReportDrops{Unfinished: 2, Malformed: 2}}
		got := h.Stats()
		if got.Device.Opens != 2 || got.Device.Losses != 1 {
			t.Errorf("device %+v", got.Device)
		}
		if got.Device = (input.Stats{}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
	})
}

func TestHIDPOSOptionsName(t *testing.T) {
	dev := input.Options{Path: "x"}
	tests := []struct {
		name, want string
		o          HIDPOSOptions
	}{
		{"name", "Name: is empty", HIDPOSOptions{Device: dev}},
		{"path", "Device.Path: is empty", HIDPOSOptions{Name: "x"}},
		{"terminator", "Framing.Terminator: means nothing for a HID-POS reader", HIDPOSOptions{Name: "x", Device: dev, Framing: Framing{Terminator: TerminatorCR}}},
		{"STX", "Framing.STX: means nothing for a HID-POS reader", HIDPOSOptions{Name: "x", Device: dev, Framing: Framing{STX: true}}},
		{"gap", "Framing.Gap: means nothing for a HID-POS reader", HIDPOSOptions{Name: "x", Device: dev, Framing: Framing{Gap: 1}}},
		{"max", "Framing.Max: 65537 is not between 1 and 65536", HIDPOSOptions{Name: "x", Device: dev, Framing: Framing{Max: 65537}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewHIDPOS(tt.o)
			var oe *port.OptionError
			if !errors.As(err, &oe) || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
