package barrier

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"pgregory.net/rapid"
)

// script plays words to a machine, at seconds after its start:
//
//	in, out, pass      somebody went through, pass without a direction
//	ready, busy        said of the turnstile
//	up, down           heard or not
//	fire, safe, reset  the fire signal, and a person
//	open N, exit N     an opening for N people; close ends it
func script(m *machine, words string) (told string) {
	start := time.Date(2026, 11, 1, 19, 0, 0, 0, time.UTC)
	for line := range strings.SplitSeq(strings.TrimSpace(words), ";") {
		var seconds float64
		var word string
		n := 1
		_, _ = fmt.Sscan(line, &seconds, &word, &n) // n is there for some words only
		now := start.Add(time.Duration(seconds * float64(time.Second)))
		switch word {
		case "in":
			m.pass(now, gate.DirectionEntry)
		case "out":
			m.pass(now, gate.DirectionExit)
		case "pass":
			m.pass(now, gate.DirectionUnknown)
		case "ready", "busy":
			m.setReady(now, word == "ready")
		case "up", "down":
			m.hear(now, word == "up")
		case "fire", "safe":
			m.setFire(now, word == "fire")
		case "reset":
			switch err := m.resetFire(now); {
			case errors.Is(err, ErrFire):
				told += "burning/"
			case errors.Is(err, ErrFireUnheard):
				told += "unheard/"
			}
		case "open":
			m.begin(now, gate.DirectionEntry, n)
		case "exit":
			m.begin(now, gate.DirectionExit, n)
		case "close":
			p := m.end(now)
			told += fmt.Sprintf("%v:%d/", p.Result, p.Passed)
		case "tick":
			m.tick(now)
		default:
			panic("no such word: " + line)
		}
		for _, e := range m.events {
			told += e.Kind.String() + "/"
		}
		m.events = nil
	}
	return strings.TrimSuffix(told, "/")
}

func TestMachine(t *testing.T) {
	plain := rules{hasReady: true}
	settles := rules{hasReady: true, settle: 200 * time.Millisecond}
	const up = "0 up; 0 ready; "
	tests := []struct {
		name string
		r    rules
		in   string
		want string
	}{
		{"in time", plain, up + "1 open; 3 in; 3 close", "passed:1"},
		{"nobody", plain, up + "1 open; 6 close", "timed_out:0"},
		{"out on an exit", plain, up + "1 exit; 3 out; 3 close", "passed:1"},
		{"wrong way", plain, up + "1 open; 3 out; 6 close", "wrong_way/timed_out:0"},
		{"wrong way, then right", plain, up + "1 open; 3 out; 4 in; 4 close", "wrong_way/passed:1"},
		{"without a grant", plain, up + "1 in; 2 out; 3 pass", "forced/forced/forced"},
		{"two on one grant", plain, up + "1 open; 3 in; 3.1 in; 6 close", "tailgate/passed:2"},
		{"two on a grant for two", plain, up + "1 open 2; 3 in; 4 in; 4 close", "passed:2"},
		{"on the heels", plain, up + "1 open; 3 in; 3 close; 4 in", "passed:1/tailgate"},
		{"on the heels, the other way", plain, up + "1 open; 3 in; 3 close; 4 out", "passed:1/forced"},
		{"after the heels", plain, up + "1 open; 3 in; 3 close; 6 in", "passed:1/forced"},
		{"too late for a void", plain, up + "1 open; 6 close; 6.5 in", "timed_out:0/forced"},
		{"free exit", rules{hasReady: true, free: gate.DirectionExit}, up + "1 out; 2 open; 3 out; 7 close; 8 in", "timed_out:0/forced"},
		{"free exit, granted", rules{hasReady: true, free: gate.DirectionExit}, up + "1 exit; 2 out; 2 close", "passed:1"},
		{"no direction", plain, up + "1 exit; 3 pass; 3 close", "passed:1"},
		{"not ready", plain, up + "1 open; 2 busy; 3 in; 4 ready; 6 close", "unknown:0"},
		{"not heard", plain, up + "1 open; 2 down; 3 up; 3 ready; 6 close", "unknown:0"},
		{"blind", rules{blind: true}, "1 open; 6 close", "unknown:0"},
		{"counted, whatever else", rules{hasReady: true, counted: true}, up + "1 open; 2 busy; 3 in; 3 close", "passed:1"},

		{"settles", settles, up + "1 open; 3 in; 3.2 close", "passed:1"},
		{"a power cut opens PASS first", settles, up + "1 open; 3 in; 3.01 busy; 6 close", "unknown:0"},
		{"a power cut opens READY first", settles, up + "1 open; 3 busy; 3.01 in; 6 close", "unknown:0"},
		{"not ready while somebody walks", settles, up + "1 open; 3 in; 3.01 busy; 3.15 ready; 3.2 close", "passed:1"},
		{"ended before it settled", settles, up + "1 open; 3 in; 3.1 close; 4 tick", "unknown:0"},
		{"a power cut is nobody's passage", settles, up + "1 in; 1.01 busy; 3 tick", ""},
		{"forced, for certain", settles, up + "1 in; 1.3 tick", "forced"},

		{"fire latches", plain, up + "1 fire; 2 safe; 3 fire; 4 safe", "fire/fire_quiet/fire_quiet"},
		{"fire ends by a person", plain, up + "1 fire; 2 safe; 3 reset; 4 reset", "fire/fire_quiet/fire_ended"},
		{"not while it burns", plain, up + "1 fire; 2 reset", "fire/burning"},
		{"not unheard", plain, up + "1 fire; 2 safe; 3 down; 4 reset", "fire/fire_quiet/unheard"},
		{"who goes during a fire", plain, up + "1 fire; 2 in; 3 out; 4 pass", "fire/fire_passage/fire_passage/fire_passage"},
		{"fire in an opening", plain, up + "1 open; 2 fire; 3 safe; 4 reset; 6 close", "fire/fire_quiet/fire_ended/unknown:0"},
		{"fire after the passage", plain, up + "1 open; 2 in; 3 fire; 3 close", "fire/passed:1"},
		{"fire, and somebody goes", plain, up + "1 open; 2 fire; 3 in; 3 close", "fire/fire_passage/passed:1"},
		{"as the last fire left it", rules{hasReady: true, latched: true}, up + "1 in; 2 reset; 3 in", "fire_passage/fire_ended/forced"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := script(newMachine(tt.r), tt.in); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Laws of the machine, whatever is heard and when.
func TestMachineLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rules{
			hasReady: rapid.Bool().Draw(t, "has ready"), counted: rapid.Bool().Draw(t, "counted"),
			settle:    time.Duration(rapid.IntRange(0, 2).Draw(t, "settle")) * 100 * time.Millisecond,
			heartbeat: time.Duration(rapid.IntRange(0, 2).Draw(t, "heartbeat")) * time.Second,
		}
		m := newMachine(r)
		now := time.Date(2026, 11, 1, 19, 0, 0, 0, time.UTC)
		people := 0
		var doubt, safe bool // of the current opening
		burnt := false
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond)
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 0, 1:
				m.pass(now, gate.Direction(rapid.IntRange(0, 2).Draw(t, "way")))
				people++
			case 2, 3:
				m.setReady(now, true)
			case 4:
				m.setReady(now, false)
				doubt = true
			case 5:
				m.hear(now, rapid.Bool().Draw(t, "up"))
				doubt = true
			case 6:
				m.setFire(now, rapid.Bool().Draw(t, "fire"))
				burnt = burnt || m.latched
			case 7:
				if err := m.resetFire(now); err == nil && (m.burning && m.latched) {
					t.Fatal("a fire ended while it burns")
				} else if err != nil && !errors.Is(err, ErrFire) && !errors.Is(err, ErrFireUnheard) {
					t.Fatal(err)
				}
			case 8:
				if m.opening == nil {
					safe = m.readyNow(now)
					doubt, burnt = false, m.latched
					m.begin(now, gate.DirectionEntry, 1+people%3)
					break
				}
				p := m.end(now)
				switch {
				case p.Result == gate.PassageTimedOut && (doubt || !safe || burnt || p.Passed > 0):
					t.Fatalf("%+v is claimed in doubt", p)
				case p.Result == gate.PassagePassed && p.Passed == 0, p.Result == gate.PassageNotOpened:
					t.Fatalf("%+v makes no sense", p)
				case p.Passed > people:
					t.Fatalf("%d of %d people", p.Passed, people)
				case m.latched && !p.Fire:
					t.Fatal("the opening says nothing of the fire")
				}
			}
			told := uint64(0)
			for _, k := range []gate.BarrierEventKind{gate.BarrierForced, gate.BarrierWrongWay, gate.BarrierTailgate, gate.BarrierFirePassage} {
				told += m.counts[k]
			}
			if told > uint64(people) {
				t.Fatalf("%d events about %d people", told, people)
			}
			if m.burning && !m.latched {
				t.Fatal("a fire did not latch")
			}
			if len(m.pending) > maxPending {
				t.Fatalf("%d passages are kept", len(m.pending))
			}
		}
	})
}

// A contact is believed after it has kept its state, and never more often than
// it changed.
func TestDebounceLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const debounce = 50 * time.Millisecond
		var l level
		now := time.Date(2026, 11, 1, 19, 0, 0, 0, time.UTC)
		l.see(now, false, debounce, true)
		raw, since, changes, believed := false, now, 0, 0
		for range rapid.IntRange(0, 50).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "ms")) * time.Millisecond)
			if active := rapid.Bool().Draw(t, "active"); active != raw {
				raw, since = active, now
				changes++
			}
			if l.see(now, raw, debounce, false) {
				believed++
				if now.Sub(since) < debounce {
					t.Fatalf("believed after %v", now.Sub(since))
				}
			}
			if now.Sub(since) >= debounce && l.active != raw {
				t.Fatalf("not believed after %v", now.Sub(since))
			}
		}
		if believed > changes {
			t.Fatalf("%d changes of %d", believed, changes)
		}
	})
}

func TestCounters(t *testing.T) {
	at := func(left, right uint32) boardStatus {
		return boardStatus{left: left, right: right, leftBits: 24, rightBits: 24}
	}
	tests := []struct {
		name        string
		from, to    boardStatus
		left, right int
		reset       bool
	}{
		{"nobody", at(5, 9), at(5, 9), 0, 0, false},
		{"one each", at(5, 9), at(6, 10), 1, 1, false},
		{"past the end", at(0xFFFFFF, 0), at(1, 0), 2, 0, false},
		{"reset", at(500, 9), at(0, 0), 0, 0, true},
		{"nonsense", at(5, 9), at(5000, 9), 0, 0, true},
		{"the most at once", at(5, 9), at(5+maxJump, 9), maxJump, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c counters
			if l, r, reset := c.news(tt.from); l != 0 || r != 0 || reset {
				t.Errorf("the first status is news: %d, %d, %v", l, r, reset)
			}
			if l, r, reset := c.news(tt.to); l != tt.left || r != tt.right || reset != tt.reset {
				t.Errorf("got %d, %d, %v", l, r, reset)
			}
		})
	}
}
