package face

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// frames runs a framer over texts, each a step later than the one before.
func frames(step time.Duration, texts ...string) (got []string, drops Drops) {
	var f framer
	now := epoch
	for _, text := range texts {
		f.push(now, []byte(text), func(m []byte) { got = append(got, string(m)) })
		now = now.Add(step)
	}
	f.tick(now.Add(time.Hour))
	return got, f.drops
}

func TestFramer(t *testing.T) {
	for _, c := range []struct {
		name  string
		step  time.Duration
		in    []string
		want  []string
		drops Drops
	}{
		{"lines", 0, []string{"{\"a\":1}\r\n{\"b\":2}\n"}, []string{`{"a":1}`, `{"b":2}`}, Drops{}},
		{"nothing between them", 0, []string{`{"a":1}{"b":{}}`}, []string{`{"a":1}`, `{"b":{}}`}, Drops{}},
		{"braces and quotes in texts", 0, []string{`{"a":"}\"}{\\"}`}, []string{`{"a":"}\"}{\\"}`}, Drops{}},
		{"pretty", 0, []string{"{\r\n\t\"a\": 1\n}\n"}, []string{"{\r\n\t\"a\": 1\n}"}, Drops{}},
		{"in pieces, slowly", pause - 1, strings.Split(`{"a":1}`, ""), []string{`{"a":1}`}, Drops{}},
		{"too slowly", pause, []string{`{"a"`, `:1}`}, nil, Drops{Unfinished: 1, Noise: 3}},
		{"half a message, then a good one", pause, []string{`{"a":"x`, `{"b":2}`}, []string{`{"b":2}`}, Drops{Unfinished: 1}},
		{"noise before", 0, []string{"\x00\xff%]}{\"a\":1}"}, []string{`{"a":1}`}, Drops{Noise: 5}},
		{"noise within", 0, []string{"{\"a\x00\":1}{\"b\":2}"}, []string{`{"b":2}`}, Drops{Noise: 4, Unfinished: 1}},
		{"a line end in a text", 0, []string{"{\"a\n{\"b\":2}"}, []string{`{"b":2}`}, Drops{Unfinished: 1}},
		{"never an end", 0, []string{"{\"" + strings.Repeat("A", MaxMessage), "\n", `{"b":2}`}, []string{`{"b":2}`}, Drops{TooLong: 1, Noise: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, drops := frames(c.step, c.in...)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if drops != c.drops {
				t.Errorf("drops %+v, want %+v", drops, c.drops)
			}
		})
	}
}

// However a stream is cut, the same messages come out of it.
func TestCuttingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := []rune(`{}"\ :1,ab` + "\n\x00")
		text := rapid.StringOf(rapid.SampledFrom(alphabet)).Draw(t, "text")
		size := rapid.IntRange(1, 7).Draw(t, "size")
		whole, drops := frames(0, text)
		var pieces []string
		for p := range slices.Chunk([]byte(text), size) {
			pieces = append(pieces, string(p))
		}
		cut, cutDrops := frames(0, pieces...)
		if fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", cut) || drops != cutDrops {
			t.Fatalf("whole %q %+v, cut %q %+v", whole, drops, cut, cutDrops)
		}
	})
}

// A message with a picture does not cost its memory for ever, and is wiped.
func TestMessagesAreWiped(t *testing.T) {
	var f framer
	var seen []byte
	f.push(epoch, []byte(`{"a":"secret"}`), func(m []byte) { seen = m })
	if strings.Trim(string(seen), "\x00") != "" {
		t.Errorf("%q is left", seen)
	}
	f.push(epoch, []byte(`{"a":"`+strings.Repeat("x", 200_000)+`"}`), func([]byte) {})
	if cap(f.buf) > 64<<10 {
		t.Errorf("%d bytes are kept", cap(f.buf))
	}
}

// FuzzFramer: what comes out is an object by its braces, bounded, and the same
// however the stream was cut.
func FuzzFramer(f *testing.F) {
	f.Add([]byte("{\"a\":1}\r\n{\"b\":\"}\"}"), uint8(3))
	f.Add([]byte("noise{{{}\x00{\"a\\\"b\":1}"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		whole, drops := frames(0, string(in))
		for _, m := range whole {
			if len(m) < 2 || len(m) > MaxMessage || m[0] != '{' || m[len(m)-1] != '}' {
				t.Fatalf("a message of %d bytes", len(m))
			}
		}
		var pieces []string
		for p := range slices.Chunk(in, int(piece)+1) {
			pieces = append(pieces, string(p))
		}
		cut, cutDrops := frames(0, pieces...)
		if !slices.Equal(whole, cut) || drops != cutDrops {
			t.Errorf("cutting changes the messages: %q %+v, %q %+v", whole, drops, cut, cutDrops)
		}
	})
}
