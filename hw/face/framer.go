package face

import "time"

// pause is how long the rest of a message may take to come.
const pause = time.Second

// Drops count what was thrown away.
type Drops struct {
	Noise      uint64 // bytes outside of messages, line ends aside
	Unfinished uint64 // messages whose rest did not come
	TooLong    uint64 // messages longer than MaxMessage
}

// framer cuts a stream into JSON objects, whatever stands between them: from an
// opening brace to the one that closes it. Line ends are welcome and not needed.
type framer struct {
	buf            []byte
	depth          int
	quoted, escape bool
	last           time.Time // when the last byte came
	drops          Drops
}

// push takes bytes and calls emit with each message, which is wiped afterwards.
func (f *framer) push(now time.Time, b []byte, emit func(message []byte)) {
	f.tick(now)
	f.last = now
	for _, c := range b {
		if f.depth == 0 {
			f.between(c)
			continue
		}
		f.buf = append(f.buf, c)
		switch {
		case c < ' ' && (f.quoted || c != '\t' && c != '\r' && c != '\n'):
			f.abandon(&f.drops.Unfinished) // no JSON has it: noise, or the rest was lost
		case f.escape:
			f.escape = false
		case f.quoted:
			f.escape, f.quoted = c == '\\', c != '"'
		case c == '"':
			f.quoted = true
		case c == '{':
			f.depth++
		case c == '}':
			if f.depth--; f.depth == 0 {
				emit(f.buf)
				f.wipe()
			}
		}
		if len(f.buf) > MaxMessage {
			f.abandon(&f.drops.TooLong)
		}
	}
}

// between takes a byte that is in no message.
func (f *framer) between(c byte) {
	switch c {
	case '{':
		f.buf, f.depth = append(f.buf, c), 1
	case ' ', '\t', '\r', '\n':
	default:
		f.drops.Noise++
	}
}

// tick gives up a message that does not go on.
func (f *framer) tick(now time.Time) {
	if f.depth > 0 && now.Sub(f.last) >= pause {
		f.abandon(&f.drops.Unfinished)
	}
}

// within reports whether a message has begun.
func (f *framer) within() bool { return f.depth > 0 }

// reset forgets what has begun: the line is gone.
func (f *framer) reset() {
	if f.depth > 0 {
		f.abandon(&f.drops.Unfinished)
	}
}

func (f *framer) abandon(count *uint64) {
	*count++
	f.wipe()
}

func (f *framer) wipe() {
	clear(f.buf)
	f.buf, f.depth, f.quoted, f.escape = f.buf[:0], 0, false, false
	const ordinary = 64 << 10
	if cap(f.buf) > ordinary {
		f.buf = nil // one message with a picture need not cost memory for ever
	}
}
