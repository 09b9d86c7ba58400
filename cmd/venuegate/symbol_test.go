package main

import (
	"bytes"
	"errors"
	"image/png"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/hw/camera"
)

// The sizes of ticket.md hold for every published text that is well formed.
func TestSymbolSizes(t *testing.T) {
	want := map[string][3]int{ // characters, version, modules
		"short chain":  {54, 3, 29},
		"static paper": {156, 7, 45},
		"long chain":   {219, 8, 49},
		"long holder":  {303, 10, 57},
	}
	drawn := map[string]bool{}
	for _, c := range readVectors(t).Cases {
		code, err := ticket.Parse(c.Text)
		if err != nil {
			continue
		}
		kind := code.Form.String() + " " + strings.Replace(code.Proof.String(), "static", "paper", 1)
		q, err := draw(upperASCII(c.Text))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		drawn[kind] = true
		if got := [3]int{len(c.Text), q.version, q.side}; got != want[kind] {
			t.Errorf("%s, %s: %v, want %v", c.Name, kind, got, want[kind])
		}
	}
	if len(drawn) != len(want) {
		t.Errorf("drawn only %v", drawn)
	}
}

// What is drawn can be read again, at any size and with what is left over as
// margin.
func TestDrawnCodesAreRead(t *testing.T) {
	texts := []string{"VG1:X62TK404DGWLV9U000:VC FWR5N+-6.*H6ZD.%1KT7/EVC00D2", "https://example.org/?a=1", "0", "车票 42"}
	for _, text := range texts {
		q, err := draw(text)
		if err != nil {
			t.Fatal(err)
		}
		full := q.side + 2*quiet
		for _, size := range []int{0, 3 * full, 3*full + 1, 5*full + 17} {
			var b bytes.Buffer
			if err := q.png(&b, size); err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if size > 0 && img.Bounds().Dx() != size {
				t.Errorf("%d pixels wide, want %d", img.Bounds().Dx(), size)
			}
			if got, err := camera.Decode(img); err != nil || got != text {
				t.Errorf("%d modules at %d pixels: %v", q.side, size, err)
			}
		}
	}
}

// The half blocks in a terminal are the same code.
func TestTerminalIsTheSameCode(t *testing.T) {
	q, err := draw("VG1:TEST")
	if err != nil {
		t.Fatal(err)
	}
	var plain, inverted, coloured bytes.Buffer
	for _, c := range []struct {
		to             *bytes.Buffer
		colour, invert bool
	}{{&plain, false, false}, {&inverted, false, true}, {&coloured, true, false}} {
		if err := q.terminal(c.to, c.colour, c.invert); err != nil {
			t.Fatal(err)
		}
	}
	light := map[rune][2]bool{' ': {false, false}, '▄': {false, true}, '▀': {true, false}, '█': {true, true}}
	full := q.side + 2*quiet
	lines := strings.Split(strings.TrimSuffix(plain.String(), "\n"), "\n")
	if len(lines) != (full+1)/2 {
		t.Fatalf("%d lines, want %d", len(lines), (full+1)/2)
	}
	for y, line := range lines {
		cells := []rune(line)
		if len(cells) != full {
			t.Fatalf("line %d: %d columns, want %d", y, len(cells), full)
		}
		for x, c := range cells {
			for half := range 2 {
				if light[c][half] == q.dark(x-quiet, 2*y+half-quiet) {
					t.Fatalf("column %d, row %d is wrong", x, 2*y+half)
				}
			}
		}
	}
	swap := strings.NewReplacer(" ", "█", "█", " ", "▀", "▄", "▄", "▀")
	if inverted.String() != swap.Replace(plain.String()) {
		t.Error("--invert is not the negative")
	}
	bare := strings.NewReplacer("\x1b[97;40m", "", "\x1b[0m", "")
	if bare.Replace(coloured.String()) != plain.String() || coloured.Len() == plain.Len() {
		t.Error("colours change more than colours")
	}
}

func TestSymbolRefusals(t *testing.T) {
	secret := strings.Repeat("SECRET", 1000)
	if _, err := draw(secret); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("a text that fits no code: %v", err)
	}
	var usage *usageError
	if _, err := draw(""); !errors.As(err, &usage) {
		t.Errorf("an empty text: %v", err)
	}
	q, err := draw("VG1:TEST")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{-1, 1, q.side + 2*quiet - 1, maxPicture + 1} {
		if err := q.png(&bytes.Buffer{}, size); !errors.As(err, &usage) {
			t.Errorf("%d pixels: %v", size, err)
		}
	}
}
