package barrier

import (
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// What an opening may claim, by what the feedback line said and when.
func TestWhatAnOpeningMayClaim(t *testing.T) {
	const (
		passed    = gate.PassagePassed
		timedOut  = gate.PassageTimedOut
		unknown   = gate.PassageUnknown
		lineDown  = message(-1)
		lineUp    = message(-2)
		ready     = messageReady
		notReady  = messageNotReady
		pass      = messagePassed
		passExit  = messagePassedExit
		opening   = time.Second
		closing   = 7 * time.Second
		heartbeat = 3 * time.Second
	)
	type at struct {
		s float64 // seconds
		e message
	}
	// beats is READY at least every 3 s.
	beats := func(more ...at) []at {
		return append([]at{{0, lineUp}, {0.5, ready}, {3, ready}, {5.5, ready}}, more...)
	}
	plain := Feedback{Passed: "P", Ready: "R", NotReady: "N", Heartbeat: heartbeat}
	tests := []struct {
		name      string
		f         Feedback
		direction gate.Direction
		events    []at
		result    gate.PassageResult
		passed    int
		strays    uint64
	}{
		{name: "nobody, ready throughout", f: plain, events: beats(), result: timedOut},
		{name: "somebody", f: plain, events: beats(at{4, pass}), result: passed, passed: 1},
		{name: "two", f: plain, events: beats(at{4, pass}, at{5, pass}), result: passed, passed: 2},
		{name: "before it was opened", f: plain, events: beats(at{0.9, pass}), result: timedOut, strays: 1},
		{name: "nothing was ever heard", f: plain, result: unknown},
		{name: "not ready at first", f: plain, events: []at{{0, lineUp}, {1.5, ready}, {4, ready}, {6, ready}}, result: unknown},
		{name: "not ready for a moment", f: plain, events: beats(at{4, notReady}, at{4.1, ready}), result: unknown},
		{name: "a beat is missing", f: plain, events: []at{{0, lineUp}, {0.5, ready}, {3.6, ready}, {6, ready}}, result: unknown},
		{name: "the last beat is missing", f: plain, events: []at{{0, lineUp}, {0.5, ready}, {3, ready}}, result: unknown},
		{name: "unplugged for a moment", f: plain, events: beats(at{4, lineDown}, at{4.1, lineUp}, at{4.2, ready}), result: unknown},
		{name: "a power cut looks like a passage", f: plain, events: beats(at{4, notReady}, at{4.01, pass}), result: unknown},
		{name: "somebody, and unplugged after", f: plain, events: beats(at{2, pass}, at{4, lineDown}), result: passed, passed: 1},
		{
			name: "without beats the port is all there is", f: Feedback{Passed: "P", Ready: "R", NotReady: "N"},
			events: []at{{0, lineUp}, {0.1, ready}}, result: timedOut,
		},
		{name: "no word of being ready: nothing is claimed", f: Feedback{Passed: "P"}, events: []at{{0, lineUp}}, result: unknown},
		{name: "no word of being ready: a passage counts", f: Feedback{Passed: "P"}, events: []at{{0, lineUp}, {2, pass}}, result: passed, passed: 1},
		{
			name: "the other way", f: Feedback{Passed: "P", PassedExit: "E", Ready: "R", Heartbeat: heartbeat},
			direction: gate.DirectionEntry, events: beats(at{4, passExit}), result: timedOut, strays: 1,
		},
		{
			name: "out", f: Feedback{Passed: "P", PassedExit: "E", Ready: "R", Heartbeat: heartbeat},
			direction: gate.DirectionExit, events: beats(at{4, passExit}), result: passed, passed: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Date(2026, 11, 1, 19, 0, 0, 0, time.UTC)
			m := newMachine(rules{hasReady: tt.f.Ready != "", heartbeat: tt.f.Heartbeat})
			play := func(from, to time.Duration) {
				for s := from; s < to; s += 10 * time.Millisecond {
					for _, a := range tt.events {
						if time.Duration(a.s*float64(time.Second)).Round(10*time.Millisecond) != s {
							continue
						}
						switch a.e {
						case lineUp, lineDown:
							m.hear(start.Add(s), a.e == lineUp)
						default:
							a.e.tell(m, start.Add(s), tt.f.PassedExit == "")
						}
					}
				}
			}
			play(0, opening)
			m.begin(start.Add(opening), tt.direction, 2)
			play(opening, closing)
			got := m.end(start.Add(closing))
			strays := m.counts[gate.BarrierForced] + m.counts[gate.BarrierWrongWay]
			if got.Result != tt.result || got.Passed != tt.passed || strays != tt.strays {
				t.Errorf("got %+v and %d strays, want %v, %d passed, %d strays", got, strays, tt.result, tt.passed, tt.strays)
			}
		})
	}
}

func TestMatcher(t *testing.T) {
	tests := []struct {
		name     string
		patterns []string
		in       string
		want     string // indexes of patterns
	}{
		{"lines", []string{"PASS\r\n", "", "READY\r\n", "BUSY\r\n"}, "READY\r\nPASS\r\nBUSY\r\n", "203"},
		{"noise", []string{"PASS\r\n", "READY\r\n"}, "\x00PAPASS\r\n\xffREAD\r\nREADY\r\n", "01"},
		{"the longer one wins", []string{"READY", "NOTREADY"}, "NOTREADYREADY", "10"},
		{"binary", []string{"hex:7E 00 01", "hex:7e0002"}, "\x7e\x00\x7e\x00\x01\x7e\x00\x02", "01"},
		{"overlapping starts", []string{"aab"}, "aaab", "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var patterns [][]byte
			for _, p := range tt.patterns {
				b, _ := ParsePattern(p) // an empty one is nil
				patterns = append(patterns, b)
			}
			for size := 1; size <= len(tt.in); size++ {
				m := newMatcher(patterns...)
				got := ""
				for b := []byte(tt.in); len(b) > 0; b = b[min(size, len(b)):] {
					m.push(b[:min(size, len(b))], func(i int) { got += string(rune('0' + i)) })
				}
				if got != tt.want {
					t.Fatalf("in pieces of %d: %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

// FuzzMatcher finds the same patterns however noise is cut.
func FuzzMatcher(f *testing.F) {
	f.Add([]byte("READY\r\nPASS\r\nNOTREADY\r\n"), uint8(0))
	f.Add([]byte("PAPAPASS\r\n\x00\xff"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		run := func(size int) string {
			m := newMatcher([]byte("PASS\r\n"), []byte("PA"), []byte("READY\r\n"), []byte("NOTREADY\r\n"))
			got := ""
			for b := in; len(b) > 0; b = b[min(size, len(b)):] {
				m.push(b[:min(size, len(b))], func(i int) { got += string(rune('0' + i)) })
				if len(m.tail) > maxPattern {
					t.Fatalf("%d bytes are kept", len(m.tail))
				}
			}
			return got
		}
		if whole, pieces := run(len(in)+1), run(int(piece)+1); whole != pieces {
			t.Errorf("cutting changes what is found: %s, %s", whole, pieces)
		}
	})
}

func TestLCUS(t *testing.T) {
	tests := []struct {
		channel int
		on      bool
		want    string
	}{
		{1, true, "\xa0\x01\x01\xa2"},
		{1, false, "\xa0\x01\x00\xa1"},
		{2, true, "\xa0\x02\x01\xa3"},
		{16, false, "\xa0\x10\x00\xb0"},
	}
	for _, tt := range tests {
		if got := string(lcus(tt.channel, tt.on)); got != tt.want {
			t.Errorf("channel %d on=%v: % X, want % X", tt.channel, tt.on, got, tt.want)
		}
	}
}
