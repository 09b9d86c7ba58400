package document

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The requests as they stand in readers' manuals.
func TestRequests(t *testing.T) {
	tests := []struct {
		name string
		c    Command
		want string
	}{
		{"reset", Command{0x10, 0xFF}, "AA AA AA 96 69 00 03 10 FF EC"},
		{"status", Command{0x11, 0xFF}, "AA AA AA 96 69 00 03 11 FF ED"},
		{"SAM id", Command{0x12, 0xFF}, "AA AA AA 96 69 00 03 12 FF EE"},
		{"find", cmdFind(), "AA AA AA 96 69 00 03 20 01 22"},
		{"select", cmdSelect(), "AA AA AA 96 69 00 03 20 02 21"},
		{"read", cmdRead(), "AA AA AA 96 69 00 03 30 01 32"},
		{"appended address", Command{0x30, 0x03}, "AA AA AA 96 69 00 03 30 03 30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := AppendRequest(nil, tt.c); !bytes.Equal(got, unhex(t, tt.want)) {
				t.Errorf("got % X, want %s", got, tt.want)
			}
		})
	}
}

func TestDecodeAnswer(t *testing.T) {
	const head = "AA AA AA 96 69 "
	tests := []struct {
		name    string
		in      string
		code    StatusCode
		data    int
		problem FrameProblem
		offset  int
	}{
		{name: "status", in: head + "00 04 00 00 90 94", code: StatusOK},
		{name: "found", in: head + "00 08 00 00 9F 00 00 00 00 97", code: StatusFound, data: 4},
		{name: "selected", in: head + "00 0C 00 00 90 00 00 00 00 00 00 00 00 9C", code: StatusOK, data: 8},
		{name: "no card", in: head + "00 04 00 00 80 84", code: StatusNoCard},
		{name: "select failed", in: head + "00 04 00 00 81 85", code: StatusSelectFailed},
		{name: "read failed", in: head + "00 04 00 00 41 45", code: StatusReadFailed},
		{name: "more behind it", in: head + "00 04 00 00 90 94 AA AA", code: StatusOK},
		{name: "nothing", in: "", problem: FrameShort},
		{name: "half a preamble", in: "AA AA", problem: FrameShort, offset: 2},
		{name: "no length", in: head + "00", problem: FrameShort, offset: 6},
		{name: "cut short", in: head + "00 04 00 00", problem: FrameShort, offset: 9},
		{name: "no preamble", in: "AA AA 96 69 00 04 00 00 90 94", problem: FramePreamble, offset: 2},
		{name: "too short to be one", in: head + "00 03 00 00 03", problem: FrameLength, offset: 5},
		{name: "too long to be one", in: head + "FFFF 00 00 90", problem: FrameLength, offset: 5},
		{name: "checksum", in: head + "00 04 00 00 90 95", problem: FrameChecksum, offset: 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := unhex(t, tt.in)
			a, n, err := DecodeAnswer(in)
			if tt.problem != 0 {
				var fe *FrameError
				if !errors.As(err, &fe) || fe.Problem != tt.problem || fe.Offset != tt.offset {
					t.Fatalf("error %v, want problem %d at %d", err, tt.problem, tt.offset)
				}
				return
			}
			if err != nil || a.Status.Code() != tt.code || len(a.Data) != tt.data || n != headerLen+statusLen+tt.data+1 {
				t.Errorf("%+v, %d bytes, error %v", a, n, err)
			}
		})
	}
}

func TestDecoderFindsFramesInNoise(t *testing.T) {
	const ok = "AA AA AA 96 69 00 04 00 00 90 94"
	tests := []struct {
		name string
		in   string
		want string // what Next says until it asks for more
	}{
		{"noise before", "00 FF AA AA AA " + ok, "ok"},
		{"a frame cut off by another", "AA AA AA 96 69 05 03 00 00 90 01 00 " + ok, ""}, // waits for 0503 bytes
		{"a short frame cut off by another", "AA AA AA 96 69 00 08 00 00 9F " + ok, "checksum ok"},
		{"no card, then ok", "AA AA AA 96 69 00 04 00 00 80 84" + ok, "no card ok"},
		{"wrong checksum, then good", "AA AA AA 96 69 00 04 00 00 90 95" + ok, "checksum ok"},
		{"impossible length, then good", "AA AA AA 96 69 FFFF" + ok, "length ok"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := unhex(t, tt.in)
			for size := 1; size <= len(in); size++ {
				if got := strings.Join(decodeAll(NewDecoder(), in, size), " "); got != tt.want {
					t.Fatalf("in pieces of %d: %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

// decodeAll feeds in, at most size bytes at a time, and names what comes out.
func decodeAll(d *Decoder, in []byte, size int) (got []string) {
	for len(in) > 0 {
		n := copy(d.Space(), in[:min(size, len(in))])
		d.Filled(n)
		in = in[n:]
		for {
			a, err := d.Next()
			var fe *FrameError
			if errors.As(err, &fe) && fe.Problem == FrameShort {
				break
			}
			switch {
			case err == nil:
				got = append(got, a.Status.Code().String())
			case fe.Problem == FrameChecksum:
				got = append(got, "checksum")
			case fe.Problem == FrameLength:
				got = append(got, "length")
			default:
				got = append(got, err.Error())
			}
		}
	}
	return got
}

func TestWipeForgets(t *testing.T) {
	d := NewDecoder()
	d.Filled(copy(d.Space(), unhex(t, "AA AA AA 96 69 00 04 00 00 90 94")))
	if _, err := d.Next(); err != nil {
		t.Fatal(err)
	}
	d.Wipe()
	if all := d.buf[:cap(d.buf)]; !bytes.Equal(all, make([]byte, len(all))) {
		t.Error("bytes are left in the buffer")
	}
}

func TestEveryStatusHasAName(t *testing.T) {
	for c := range 256 {
		s := StatusCode(c).String()
		if s == "" {
			t.Errorf("%02X has none", c)
		}
	}
	e := &StatusError{cmdSelect(), Status{0, 0, 0x81}}
	if want := "select card: selecting the card failed (00 00 81)"; e.Error() != want {
		t.Errorf("got %q, want %q", e, want)
	}
}
