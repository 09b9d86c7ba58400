package barrier

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Golden frames of relay boards' manuals.
func TestModbusRequests(t *testing.T) {
	tests := []struct {
		name           string
		function       byte
		address, value uint16
		want           string
	}{
		{"on", modbusWriteCoil, 0, modbusOn, "01 05 00 00 FF 00 8C 3A"},
		{"off", modbusWriteCoil, 0, 0, "01 05 00 00 00 00 CD CA"},
		{"inputs", modbusReadInputs, 0, 8, "01 02 00 00 00 08 79 CC"},
		{"flash for 700 ms", modbusWriteCoil, modbusFlash, 7, "01 05 02 00 00 07 8D B0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := modbusRequest(1, tt.function, tt.address, tt.value); !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("% X, want %s", got, tt.want)
			}
		})
	}
}

func sealed(b []byte) []byte {
	crc := crc16(b)
	return append(bytes.Clone(b), byte(crc), byte(crc>>8))
}

func TestModbusAnswers(t *testing.T) {
	inputs := modbusRequest(1, modbusReadInputs, 0, 8)
	pulse := modbusRequest(1, modbusWriteCoil, modbusFlash, 3)
	good := sealed([]byte{1, 2, 1, 0x0D})
	tests := []struct {
		name    string
		request []byte
		in      []byte
		want    string // data, in hex
		rest    int
		dropped error
		refused byte
	}{
		{name: "inputs", request: inputs, in: good, want: "0d"},
		{name: "one byte is missing", request: inputs, in: good[:5], rest: 5},
		{name: "nothing", request: inputs},
		{name: "noise before", request: inputs, in: append([]byte{0, 1, 2, 9, 0xFF}, good...), want: "0d"},
		{name: "the start of a frame before", request: inputs, in: append([]byte{1, 2, 1}, good...), want: "0d", dropped: ErrChecksum},
		{name: "an echo before", request: inputs, in: append(bytes.Clone(inputs), good...), want: "0d"},
		{name: "another unit", request: inputs, in: sealed([]byte{2, 2, 1, 0x0D})},
		{name: "a bit is wrong", request: inputs, in: []byte{1, 2, 1, 0x0C, good[4], good[5]}, dropped: ErrChecksum},
		{name: "more follows", request: inputs, in: append(bytes.Clone(good), 1, 2), want: "0d", rest: 2},
		{name: "pulse", request: pulse, in: pulse, want: "02000003"},
		{name: "another pulse", request: pulse, in: modbusRequest(1, modbusWriteCoil, modbusFlash, 4)},
		{name: "refused", request: pulse, in: sealed([]byte{1, 0x85, 2}), refused: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frame, rest, dropped := modbusAnswer(tt.request)(tt.in)
			if !errors.Is(dropped, tt.dropped) || len(rest) != tt.rest {
				t.Errorf("dropped %v, %d bytes are left", dropped, len(rest))
			}
			if frame == nil {
				if tt.want != "" || tt.refused != 0 {
					t.Error("no answer was found")
				}
				return
			}
			data, err := modbusResult(frame)
			var e *ExceptionError
			if errors.As(err, &e) != (tt.refused != 0) || e != nil && (e.Code != tt.refused || !errors.Is(err, ErrRefused)) {
				t.Fatalf("error %v", err)
			}
			if hex.EncodeToString(data) != tt.want {
				t.Errorf("data %x, want %s", data, tt.want)
			}
		})
	}
}

// FuzzModbusAnswer finds an answer behind any noise, however it is cut, and
// takes nothing for one that has a wrong checksum.
func FuzzModbusAnswer(f *testing.F) {
	f.Add([]byte{}, uint8(1))
	f.Add([]byte{1, 2, 1}, uint8(3))
	f.Add([]byte{1, 0x82, 2, 1, 2, 1, 1, 2}, uint8(1))
	f.Add(modbusRequest(1, modbusReadInputs, 0, 8), uint8(7))
	f.Fuzz(func(t *testing.T, noise []byte, piece uint8) {
		parse := modbusAnswer(modbusRequest(1, modbusReadInputs, 0, 8))
		good := sealed([]byte{1, 2, 1, 0x0D})
		stream := append(bytes.Clone(noise), good...)
		var in []byte
		for len(stream) > 0 {
			n := min(int(piece)+1, len(stream))
			frame, rest, _ := parse(append(in, stream[:n]...))
			in, stream = rest, stream[n:]
			if frame == nil {
				continue
			}
			if _, err := modbusResult(frame); err == nil && (len(frame) != 4 || frame[0] != 1 || frame[1] != 2) {
				t.Fatalf("% X was taken for an answer", frame)
			}
			return
		}
		t.Fatal("the answer was not found")
	})
}

func template(t testing.TB, s string, answer bool) Template {
	t.Helper()
	p, err := ParseTemplate(s, answer)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTemplates(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"status", DefaultFrameStatus, "7E 00 01 10 00 00 00 70"},
		{"open to the left", DefaultFrameLeft, "7E 00 01 80 01 00 00 FF"},
		{"open to the right", DefaultFrameRight, "7E 00 01 82 01 00 00 FD"},
		{"forbid the left", FrameForbidLeft, "7E 00 01 88 00 00 00 F8"},
		{"forbid the right", FrameForbidRight, "7E 00 01 89 00 00 00 F7"},
		{"another vendor's, with xor", "EB {addr} 40 00 {xor}", "EB 01 40 00 AA"},
		{"sum", "01 02 {addr} {sum}", "01 02 01 04"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := template(t, tt.in, false).build(1); !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("% X, want %s", got, tt.want)
			}
		})
	}
}

func TestTemplateErrors(t *testing.T) {
	tests := []struct {
		name, in string
		answer   bool
		want     string
	}{
		{"empty", " ", false, "is empty"},
		{"not hex", "7E G0", false, `"G0" is not a byte of two hex digits`},
		{"half a byte", "7E 0", false, `"0" is not a byte of two hex digits`},
		{"unknown word", "7E {who}", false, `"{who}" is not a word of a frame`},
		{"open brace", "7E {addr", false, `"{addr" has no closing brace`},
		{"no width", "7F {left} {sum}", true, `"{left}" does not say how many bytes, 1 to 4`},
		{"too wide", "7F {left:5} {sum}", true, `"{left:5}" does not say how many bytes, 1 to 4`},
		{"answer's word", "7E {left:3}", false, `"{left:3}" is for answers only`},
		{"twice", "7F {left:3} {left:3} {sum}", true, `"{left:3}" stands there twice`},
		{"no start", "{addr} {left:3} {sum}", true, "does not begin with a byte by which it is found"},
		{"no checksum", "7F {left:3}", true, "has no checksum"},
		{"long", strings.Repeat("00 ", 65), false, "is longer than 64 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseTemplate(tt.in, tt.answer); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestBoardAnswer(t *testing.T) {
	answer := template(t, DefaultFrameAnswer, true)
	good := unhex(t, "7F 03 01 00 00 00 00 01 02 FF FE FD F0 55 F0 00 00")
	sum, _ := checksum(wordNotSum, good)
	good = append(good, sum)
	s, ok, short, err := answer.match(good, 1)
	if !ok || short || err != nil || s.left != 0x102 || s.right != 0xFFFEFD || s.fault != 0 || !s.done || s.leftBits != 24 {
		t.Errorf("got %+v, %v, %v, %v", s, ok, short, err)
	}
	if _, ok, short, _ := answer.match(good[:17], 1); !ok || !short {
		t.Error("half an answer is not waited for")
	}
	if _, ok, _, err := answer.match(good, 2); ok || err != nil {
		t.Error("another board's answer was taken")
	}
	good[8]++
	if _, ok, _, err := answer.match(good, 1); ok || !errors.Is(err, ErrChecksum) {
		t.Errorf("a wrong checksum: %v", err)
	}
}

// FuzzBoardAnswer finds an answer behind any noise, however it is cut. Noise may
// pass for one by chance: its checksum has eight bits.
func FuzzBoardAnswer(f *testing.F) {
	f.Add([]byte{}, uint8(1))
	f.Add([]byte{0x7F, 3, 1}, uint8(3))
	f.Add([]byte{0x7F, 0x7F, 3, 1, 0, 0x7F}, uint8(1))
	f.Fuzz(func(t *testing.T, noise []byte, piece uint8) {
		answer, err := ParseTemplate(DefaultFrameAnswer, true)
		if err != nil {
			t.Fatal(err)
		}
		good := []byte{0x7F, 3, 1, 0, 0, 0, 0, 0, 9, 0, 0, 7, 0xF0, 0x55, 0xF0, 0, 0}
		sum, _ := checksum(wordNotSum, good)
		stream := append(append(bytes.Clone(noise), good...), sum)
		var in []byte
		for len(stream) > 0 {
			n := min(int(piece)+1, len(stream))
			frame, rest, _ := answer.answers(1)(append(in, stream[:n]...))
			in, stream = rest, stream[n:]
			if len(in) >= maxTemplate && frame == nil {
				t.Fatalf("%d bytes are kept", len(in))
			}
			if frame == nil {
				continue
			}
			if sum, _ := checksum(wordNotSum, frame[:len(frame)-1]); frame[0] != 0x7F || frame[2] != 1 || frame[17] != sum {
				t.Fatalf("% X was taken for an answer", frame)
			}
			return
		}
		t.Fatal("the answer was not found")
	})
}

// FuzzTemplate takes any text, and what it accepts builds frames of its size.
func FuzzTemplate(f *testing.F) {
	f.Add(DefaultFrameStatus, false)
	f.Add(DefaultFrameAnswer, true)
	f.Add("{done:} {left:0}", true)
	f.Fuzz(func(t *testing.T, s string, answer bool) {
		p, err := ParseTemplate(s, answer)
		if err != nil {
			return
		}
		if b := p.build(1); len(b) != p.size && !answer || p.size > maxTemplate {
			t.Fatalf("%d bytes of %d", len(b), p.size)
		}
	})
}

// What a template builds for an answer it understands again.
func TestTemplateLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"00", "7E", "{addr}", "FF"}), 0, 20).Draw(t, "words")
		sum := rapid.SampledFrom([]string{"{sum}", "{~sum}", "{xor}"}).Draw(t, "sum")
		text := "7F " + strings.Join(words, " ") + " " + sum
		p, err := ParseTemplate(text, true)
		if err != nil {
			t.Fatal(err)
		}
		b := p.build(byte(rapid.IntRange(0, 255).Draw(t, "addr")))
		addr := byte(0)
		for i, w := range words {
			if w == "{addr}" {
				addr = b[i+1]
			}
		}
		if _, ok, short, err := p.match(b, addr); !ok || short || err != nil {
			t.Fatalf("% X: %v, %v, %v", b, ok, short, err)
		}
	})
}
