package scanner

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/port"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 11, 1, 19, 0, 0, 0, time.UTC)

// show writes a frame as symbology:text.
func show(f Frame) string {
	if f.Symbology == 0 {
		return f.Text.Reveal()
	}
	return string(rune(f.Symbology)) + ":" + f.Text.Reveal()
}

func TestFramer(t *testing.T) {
	long := strings.Repeat("A", 100_000)
	tests := []struct {
		name  string
		f     Framing
		in    string
		want  []string
		drops Drops
	}{
		{name: "lines", in: "one\rtwo\nthree\r\n\r\n", want: []string{"one", "two", "three"}},
		{name: "CR alone", f: Framing{Terminator: TerminatorCR}, in: "o\nne\rtwo\r", want: []string{"one", "two"}, drops: Drops{Control: 1}},
		{name: "LF alone", f: Framing{Terminator: TerminatorLF}, in: "o\rne\ntwo\n", want: []string{"one", "two"}, drops: Drops{Control: 1}},
		{name: "CR LF", f: Framing{Terminator: TerminatorCRLF}, in: "o\rn\ne\r\ntwo\r\r\n", want: []string{"one", "two"}, drops: Drops{Control: 3}},
		{name: "STX ETX", f: Framing{Terminator: TerminatorETX, STX: true}, in: "xx\x02one\x03yy\x02two\x03", want: []string{"one", "two"}, drops: Drops{Noise: 4}},
		{name: "STX and lines", f: Framing{STX: true}, in: "\x02one\r\n\x02two\r\n", want: []string{"one", "two"}},
		{name: "an end is lost", f: Framing{Terminator: TerminatorETX, STX: true}, in: "\x02on\x02two\x03", want: []string{"two"}, drops: Drops{Unfinished: 1}},
		{name: "identifier", in: "]Q1one\r]d2two\r]C0three\r", want: []string{"Q:one", "d:two", "C:three"}},
		{name: "a bracket is no identifier", in: "]\r]Q\r]1Qx\r]Q-x\r", want: []string{"]", "]Q", "]1Qx", "]Q-x"}},
		{name: "identifier off", f: Framing{AIM: AIMOff}, in: "]Q1one\r", want: []string{"]Q1one"}},
		{name: "identifier required", f: Framing{AIM: AIMRequire}, in: "one\r]Q1two\r", want: []string{"Q:two"}, drops: Drops{Unframed: 1}},
		{name: "nothing but an identifier", in: "]Q1\rone\r", want: []string{"one"}, drops: Drops{Empty: 1}},
		{name: "ECI mark", f: Framing{ECI: true}, in: "]Q2\\000026one\r\\000026\\000003two\r\\00002six\r", want: []string{"Q:one", "two", "\\00002six"}},
		{name: "ECI mark left alone", in: "\\000026one\r", want: []string{"\\000026one"}},
		{name: "prefix and suffix", f: Framing{Prefix: "<", Suffix: ">"}, in: "<one>\rtwo>\r<three\r<]Q1four>\r", want: []string{"one", "Q:four"}, drops: Drops{Unframed: 2}},
		{name: "one character is not prefix and suffix at once", f: Framing{Prefix: "|", Suffix: "|"}, in: "|\r||\r|x|\r", want: []string{"x"}, drops: Drops{Unframed: 1, Empty: 1}},
		{name: "control bytes", in: "o\x00n\x1de\x7f\t\r", want: []string{"one"}, drops: Drops{Control: 4}},
		{name: "bytes above ASCII stay", in: "一\xff\r", want: []string{"一\xff"}},
		{name: "too long, then good", in: long + "\rone\r", want: []string{"one"}, drops: Drops{TooLong: 1}},
		{name: "just long enough", f: Framing{Max: 3}, in: "123\r1234\r12\r", want: []string{"123", "12"}, drops: Drops{TooLong: 1}},
		{name: "too long is over at the next start", f: Framing{Max: 3, Terminator: TerminatorETX, STX: true}, in: "\x0212345\x02one\x03", want: []string{"one"}, drops: Drops{TooLong: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewFramer(tt.f)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			r.Push(epoch, []byte(tt.in), func(f Frame) { got = append(got, show(f)) })
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if r.Drops() != tt.drops {
				t.Errorf("drops %+v, want %+v", r.Drops(), tt.drops)
			}
		})
	}
}

func TestSilence(t *testing.T) {
	type step struct {
		after time.Duration
		in    string // nothing: a tick
		want  string // frames so far, and when their last byte came
	}
	const ms = time.Millisecond
	tests := []struct {
		name  string
		f     Framing
		steps []step
		drops Drops
	}{
		{
			name: "ends a frame where the profile says so",
			f:    Framing{Terminator: TerminatorGap, Gap: 100 * ms},
			steps: []step{
				{0, "on", ""},
				{90 * ms, "e", ""},
				{60 * ms, "", ""},
				{40 * ms, "", "one@90ms"},
				{10 * ms, "two", "one@90ms"},
				{100 * ms, "three", "one@90ms two@200ms"},
				{time.Second, "", "one@90ms two@200ms three@300ms"},
			},
		},
		{
			name:  "beside a terminator",
			f:     Framing{Gap: 100 * ms},
			steps: []step{{0, "one\r\ntw", "one@0s"}, {100 * ms, "o\r\n", "one@0s tw@0s o@100ms"}},
		},
		{
			name:  "drops half a frame",
			steps: []step{{0, "on", ""}, {999 * ms, "", ""}, {ms, "", ""}, {0, "two\r", "two@1s"}},
			drops: Drops{Unfinished: 1},
		},
		{
			name:  "drops half a frame when the next one comes first",
			steps: []step{{0, "on", ""}, {time.Hour, "two\r", "two@1h0m0s"}},
			drops: Drops{Unfinished: 1},
		},
		{
			name:  "ends what was too long",
			f:     Framing{Max: 3},
			steps: []step{{0, "12345", ""}, {time.Second, "one\r", "one@1s"}},
			drops: Drops{TooLong: 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewFramer(tt.f)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			emit := func(f Frame) { got = append(got, f.Text.Reveal()+"@"+f.At.Sub(epoch).String()) }
			now := epoch
			for i, s := range tt.steps {
				now = now.Add(s.after)
				if s.in == "" {
					r.Tick(now, emit)
				} else {
					r.Push(now, []byte(s.in), emit)
				}
				if strings.Join(got, " ") != s.want {
					t.Fatalf("step %d: %q, want %q", i, got, s.want)
				}
			}
			if r.Drops() != tt.drops {
				t.Errorf("drops %+v, want %+v", r.Drops(), tt.drops)
			}
		})
	}
}

func TestUnpluggedInAFrame(t *testing.T) {
	r, err := NewFramer(Framing{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	emit := func(f Frame) { got = append(got, show(f)) }
	r.Push(epoch, []byte("on"), emit)
	r.Reset()
	r.Reset()
	r.Push(epoch, []byte("two\r"), emit)
	if fmt.Sprint(got) != "[two]" || r.Drops() != (Drops{Unfinished: 1}) {
		t.Errorf("got %q, drops %+v", got, r.Drops())
	}
}

// A frame's text, however it is wrapped, comes out as it went in.
func TestFramingLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[!-\[^-~][ -~]{0,200}`).Draw(t, "text") // no ] first: it may look like an identifier
		text = strings.TrimPrefix(text, `\`)
		if text == "" {
			t.Skip("nothing left")
		}
		wrap := []struct {
			f             Framing
			before, after string
		}{
			{Framing{}, "", "\r"},
			{Framing{}, "]Q1", "\r\n"},
			{Framing{Terminator: TerminatorETX, STX: true}, "\x02", "\x03"},
			{Framing{Terminator: TerminatorCRLF, ECI: true}, "]Q2\\000026", "\r\n"},
			{Framing{Terminator: TerminatorLF, Prefix: "~T", Suffix: "~E"}, "~T", "~E\n"},
		}
		w := wrap[rapid.IntRange(0, len(wrap)-1).Draw(t, "wrap")]
		r, err := NewFramer(w.f)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		r.Push(epoch, []byte(w.before+text+w.after), func(f Frame) { got = append(got, f.Text.Reveal()) })
		if len(got) != 1 || got[0] != text {
			t.Fatalf("got %q, want %q; drops %+v", got, text, r.Drops())
		}
	})
}

func TestFramingOptionsName(t *testing.T) {
	tests := []struct {
		name, want string
		f          Framing
	}{
		{"terminator", `Terminator: "tab" is not line, cr, lf, crlf, etx or gap`, Framing{Terminator: "tab"}},
		{"gap", "Gap: is needed when silence ends a frame", Framing{Terminator: TerminatorGap}},
		{"identifier", `AIM: "yes" is not auto, require or off`, Framing{AIM: "yes"}},
		{"length", "Max: 1000000 is not between 1 and 65536", Framing{Max: 1_000_000}},
		{"prefix", "Prefix: has control characters", Framing{Prefix: "\x02"}},
		{"room", "Max: leaves no room beside prefix and suffix", Framing{Max: 4, Prefix: "ab", Suffix: "cd"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewFramer(tt.f)
			var oe *port.OptionError
			if !errors.As(err, &oe) || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
