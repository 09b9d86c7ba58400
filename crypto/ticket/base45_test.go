package ticket_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/crypto/ticket"
)

// TestBase45 holds the examples of RFC 9285, section 4.
func TestBase45(t *testing.T) {
	for _, c := range []struct{ plain, text string }{
		{"", ""},
		{"AB", "BB8"},
		{"Hello!!", "%69 VD92EX0"},
		{"base-45", "UJCLQE7W581"},
		{"ietf!", "QED8WEX0"},
	} {
		if got := string(ticket.AppendBase45(nil, []byte(c.plain))); got != c.text {
			t.Errorf("%q → %q, want %q", c.plain, got, c.text)
		}
		got, err := ticket.AppendBase45Decoded(nil, c.text)
		if err != nil || string(got) != c.plain {
			t.Errorf("%q → %q, %v, want %q", c.text, got, err, c.plain)
		}
	}
	for _, v := range readVectors(t).Base45 {
		if got := string(ticket.AppendBase45(nil, unhex(t, v.Hex))); got != v.Text {
			t.Errorf("%s → %q, want %q", v.Hex, got, v.Text)
		}
	}
}

func TestBase45Strict(t *testing.T) {
	for _, c := range []struct {
		name, text string
		offset     int
	}{
		{"lone character", "0", 0},
		{"lone last character", "BB80", 3},
		{"lone character that is none either", "BB8_", 3},
		{"triple of 65536", "GGW", 0},
		{"largest triple", "BB8:::", 3},
		{"pair of 256", "V5", 0},
		{"largest pair", "BB8::", 3},
		{"first of a triple", "BB8_00", 3},
		{"last of a triple", "BB800_", 5},
		{"last of a pair", "BB80_", 4},
		{"zero byte", "BB\x00", 2},
		{"high byte", "BB\xc1", 2},
		{"long s, which folds to S", "BB8ſ00", 3},
		{"tab", "BB8\t00", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ticket.AppendBase45Decoded(nil, c.text)
			var m *ticket.MalformedError
			if !errors.As(err, &m) {
				t.Fatalf("error %v, want *MalformedError", err)
			}
			if m.Field != "base45" || m.Offset != c.offset {
				t.Errorf("%v, want base45 at %d", err, c.offset)
			}
		})
	}
	if got, err := ticket.AppendBase45Decoded(nil, "FGW"); err != nil || !bytes.Equal(got, []byte{0xff, 0xff}) {
		t.Errorf("65535 → %x, %v", got, err)
	}
}

func TestBase45Laws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		text := string(ticket.AppendBase45([]byte("x"), plain))[1:]
		for _, form := range []string{text, strings.ToLower(text)} {
			got, err := ticket.AppendBase45Decoded([]byte("kept"), form)
			if err != nil || !bytes.Equal(got, append([]byte("kept"), plain...)) {
				t.Fatalf("%x → %q → %x, %v", plain, form, got, err)
			}
		}
		if len(plain)%2 == 1 && strings.HasSuffix(text, " ") {
			t.Fatalf("text of an odd payload ends in a space")
		}
	})
}

// FuzzBase45: what decodes encodes to the same text, upper case.
func FuzzBase45(f *testing.F) {
	for _, s := range []string{"", "0", "BB8", "%69 VD92EX0", "ggw", ":::", "V5", "bb8_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain, err := ticket.AppendBase45Decoded(nil, text)
		if err != nil {
			var m *ticket.MalformedError
			if !errors.As(err, &m) || m.Offset < 0 || m.Offset >= len(text) {
				t.Fatalf("error %v for %d characters", err, len(text))
			}
			return
		}
		if got := string(ticket.AppendBase45(nil, plain)); got != strings.ToUpper(text) {
			t.Fatalf("%q decodes, and encodes to %q", text, got)
		}
	})
}
