package document

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// DefaultZoneGap is the silence that ends what a reader of machine-readable
// zones sends. Some send each line on its own, a moment apart.
const DefaultZoneGap = 300 * time.Millisecond

// Zone is the text of a machine-readable zone as a reader sent it: 72, 88 or 90
// characters, line ends removed.
type Zone struct {
	Text gate.Private
	At   time.Time // when its last byte arrived
}

// ZoneDrops counts what a ZoneFramer threw away, by reason.
type ZoneDrops struct {
	Noise      uint64 // single bytes that no zone has
	Unfinished uint64 // texts that ended, or were followed by a zone, and were none
	TooLong    uint64 // lines longer than a whole zone
}

// ZoneFramer finds machine-readable zones in a stream of bytes. Readers frame
// them in many ways: STX or SOH before and ETX or EOT after each line or all of
// them, lines ended by CR, LF or both, or run together; all of these only
// separate. A zone is whole when its lines are, have their lengths, and have
// digits where dates stand; what came before it, such as a torn one, is dropped.
//
// How the stream is cut into calls of Push makes no difference. It is not safe
// for concurrent use.
type ZoneFramer struct {
	gap   time.Duration
	room  [maxZoneLines][]byte
	n     int  // lines in room, each as long as it is so far; the last is being collected
	skip  bool // the line is too long: ignore it to its end
	last  time.Time
	drops ZoneDrops
}

const (
	maxZoneLine  = 90 // characters: a whole TD1 in one line
	maxZoneLines = 4  // kept: those of a zone and one torn one before it
)

// NewZoneFramer returns a framer; gap is DefaultZoneGap when zero.
func NewZoneFramer(gap time.Duration) *ZoneFramer {
	if gap <= 0 {
		gap = DefaultZoneGap
	}
	f := &ZoneFramer{gap: gap, n: 1}
	for i := range f.room {
		f.room[i] = make([]byte, 0, maxZoneLine)
	}
	return f
}

// Drops returns the counters.
func (f *ZoneFramer) Drops() ZoneDrops { return f.drops }

// Push takes bytes that arrived at now and calls emit for every zone that they
// complete. Times must not run backwards.
func (f *ZoneFramer) Push(now time.Time, b []byte, emit func(Zone)) {
	if len(b) == 0 {
		return
	}
	f.Tick(now, emit)
	f.last = now
	for _, c := range b {
		f.take(c, now, emit)
	}
}

// Tick tells the framer that it is now and nothing more arrived.
func (f *ZoneFramer) Tick(now time.Time, emit func(Zone)) {
	if !f.pending() || now.Sub(f.last) < f.gap {
		return
	}
	f.skip = false
	f.look(true, f.last, emit)
	f.Reset()
}

// Reset forgets what is not whole, for instance because the reader was
// unplugged in the middle of it, and overwrites it.
func (f *ZoneFramer) Reset() {
	if f.chars() > 0 {
		f.drops.Unfinished++
	}
	f.clear()
}

func (f *ZoneFramer) pending() bool { return f.skip || f.chars() > 0 }

func (f *ZoneFramer) chars() int {
	n := 0
	for _, l := range f.room[:f.n] {
		n += len(l)
	}
	return n
}

func (f *ZoneFramer) clear() {
	for i := range f.room[:f.n] {
		clear(f.room[i])
		f.room[i] = f.room[i][:0]
	}
	f.n, f.skip = 1, false
}

func (f *ZoneFramer) take(c byte, now time.Time, emit func(Zone)) {
	const soh, stx, etx, eot, cr, lf = 0x01, 0x02, 0x03, 0x04, '\r', '\n'
	line := &f.room[f.n-1]
	switch {
	case c == soh, c == stx, c == etx, c == eot, c == cr, c == lf:
		f.separate(now, emit)
	case !isMRZ(c):
		f.drops.Noise++
	case f.skip:
	case len(*line) == maxZoneLine:
		f.drops.TooLong++
		f.clear()
		f.skip = true
	default:
		*line = append(*line, c)
		switch len(*line) {
		case 30, 36, 44, 88, 90:
			f.look(false, now, emit)
		}
	}
}

// separate ends a line. Two separators in a row are one.
func (f *ZoneFramer) separate(now time.Time, emit func(Zone)) {
	f.skip = false
	if len(f.room[f.n-1]) == 0 || f.look(true, now, emit) {
		return
	}
	if f.n < maxZoneLines {
		f.n++
		return
	}
	oldest := f.room[0]
	clear(oldest)
	copy(f.room[:], f.room[1:])
	f.room[maxZoneLines-1] = oldest[:0]
	f.drops.Unfinished++
}

// look emits a zone if there is a whole one, and forgets all else. ended says
// that the last line is whole too.
func (f *ZoneFramer) look(ended bool, at time.Time, emit func(Zone)) bool {
	text, junk := f.find(ended)
	if text == "" {
		return false
	}
	if junk {
		f.drops.Unfinished++
	}
	f.clear()
	emit(Zone{Text: gate.Private(text), At: at})
	return true
}

// find returns the zone that the last lines are, and whether something else
// stands before it.
func (f *ZoneFramer) find(ended bool) (text string, junk bool) {
	lines := f.room[:f.n]
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return "", false
	}
	for _, shape := range [...]struct{ lines, width int }{{2, 44}, {3, 30}, {2, 36}} {
		tail := lines[max(0, len(lines)-shape.lines):]
		if len(tail) == shape.lines && ofWidth(tail, shape.width) && plausible(joined(tail)) {
			return joined(tail), len(lines) > len(tail)
		}
	}
	// Run together. 72 characters may be the start of more.
	if n := len(lines[len(lines)-1]); n == 88 || n == 90 || ended && n == 72 {
		if last := joined(lines[len(lines)-1:]); plausible(last) {
			return last, len(lines) > 1
		}
	}
	// Cut in odd places.
	if n := f.chars(); ended && (n == 72 || n == 88 || n == 90) {
		if all := joined(lines); plausible(all) {
			return all, false
		}
	}
	return "", false
}

func ofWidth(lines [][]byte, width int) bool {
	for _, l := range lines {
		if len(l) != width {
			return false
		}
	}
	return true
}

func joined(lines [][]byte) string {
	var all []byte
	for _, l := range lines {
		all = append(all, l...)
	}
	defer clear(all)
	return string(all)
}

// plausible reports whether a text has the length of a zone, and digits or
// fillers where its dates stand.
func plausible(text string) bool {
	l := layoutOf(text)
	if l == nil {
		return false
	}
	for _, s := range []span{l.birth, l.birthCheck, l.expiry, l.expiryCheck} {
		for _, c := range []byte(s.of(text, l.width)) {
			if !isDigit(c) && c != filler {
				return false
			}
		}
	}
	return true
}
