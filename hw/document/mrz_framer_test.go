package document

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// The lines of the specimens of ICAO Doc 9303.
const (
	p1 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
	p2 = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
	d1 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<"
	d2 = "D231458907UTO7408122F1204159<<<<<<<6"
	c1 = "I<UTOD231458907<<<<<<<<<<<<<<<"
	c2 = "7408122F1204159UTO<<<<<<<<<<<6"
	c3 = "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"
)

func TestZoneFramer(t *testing.T) {
	const passport, sheet, card = p1 + p2, d1 + d2, c1 + c2 + c3
	tests := []struct {
		name  string
		in    string
		now   []string // found without waiting
		later []string // found once it is quiet
		drops ZoneDrops
	}{
		{name: "CR", in: p1 + "\r" + p2 + "\r", now: []string{passport}},
		{name: "LF", in: c1 + "\n" + c2 + "\n" + c3 + "\n", now: []string{card}},
		{name: "CRLF", in: d1 + "\r\n" + d2 + "\r\n", now: []string{sheet}},
		{name: "74 characters: a CR after each line", in: d1 + "\r" + d2 + "\r", now: []string{sheet}},
		{name: "no end of the last line", in: p1 + "\r" + p2, now: []string{passport}},
		{name: "no end of a card's last line", in: c1 + "\r" + c2 + "\r" + c3, now: []string{card}},
		{name: "88 run together", in: passport, now: []string{passport}},
		{name: "90 run together", in: card, now: []string{card}},
		{name: "72 run together may go on", in: sheet, later: []string{sheet}},
		{name: "72 run together and ended", in: sheet + "\r", now: []string{sheet}},
		{name: "STX and ETX around all", in: "\x02" + p1 + "\r" + p2 + "\x03", now: []string{passport}},
		{name: "STX and ETX around each line", in: "\x02" + p1 + "\x03\x02" + p2 + "\x03", now: []string{passport}},
		{name: "STX and ETX around 72", in: "\x02" + sheet + "\x03", now: []string{sheet}},
		{name: "SOH and EOT", in: "\x01" + c1 + "\r" + c2 + "\r" + c3 + "\r\x04", now: []string{card}},
		{name: "cut in odd places", in: p1[:30] + "\r" + p1[30:] + p2[:20] + "\r" + p2[20:], later: []string{passport}},
		{name: "two documents", in: p1 + "\r" + p2 + "\r" + c1 + "\r" + c2 + "\r" + c3 + "\r", now: []string{passport, card}},
		{name: "torn, then whole", in: p1 + "\r" + p1 + "\r" + p2 + "\r", now: []string{passport}, drops: ZoneDrops{Unfinished: 1}},
		{name: "half a line, then whole", in: p2[20:] + "\r" + c1 + "\r" + c2 + "\r" + c3 + "\r", now: []string{card}, drops: ZoneDrops{Unfinished: 1}},
		{name: "noise", in: "\x00\xff!" + p1[:9] + "\x80" + p1[9:] + "\r" + p2 + "\r", now: []string{passport}, drops: ZoneDrops{Noise: 4}},
		{name: "half a zone", in: p1 + "\r" + p2[:30], drops: ZoneDrops{Unfinished: 1}},
		{name: "an error message", in: "NOREAD\r", drops: ZoneDrops{Unfinished: 1}},
		{name: "many short lines, then whole", in: strings.Repeat("NOREAD\r", 7) + p1 + "\r" + p2, now: []string{passport}, drops: ZoneDrops{Unfinished: 6}},
		{name: "100 KB, then whole", in: strings.Repeat("A", 100_000) + "\r" + p1 + "\r" + p2, now: []string{passport}, drops: ZoneDrops{TooLong: 1}},
		{name: "nothing but ends", in: "\r\n\r\n\x02\x03"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := NewZoneFramer(0)
			var got []string
			emit := func(z Zone) { got = append(got, z.Text.Reveal()) }
			f.Push(noon, []byte(tt.in), emit)
			if fmt.Sprint(got) != fmt.Sprint(tt.now) {
				t.Errorf("got %q, want %q", got, tt.now)
			}
			f.Tick(noon.Add(DefaultZoneGap-1), emit)
			if fmt.Sprint(got) != fmt.Sprint(tt.now) {
				t.Errorf("too early: %q", got)
			}
			got = nil
			f.Tick(noon.Add(DefaultZoneGap), emit)
			if fmt.Sprint(got) != fmt.Sprint(tt.later) {
				t.Errorf("later %q, want %q", got, tt.later)
			}
			if f.Drops() != tt.drops {
				t.Errorf("drops %+v, want %+v", f.Drops(), tt.drops)
			}
		})
	}
}

func TestZoneLinesApart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pause time.Duration
		want  int
	}{
		{"a moment", DefaultZoneGap - 1, 1},
		{"too long", DefaultZoneGap, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := NewZoneFramer(0)
			var got []Zone
			emit := func(z Zone) { got = append(got, z) }
			f.Push(noon, []byte(p1+"\r"), emit)
			f.Push(noon.Add(tt.pause), []byte(p2+"\r"), emit)
			if len(got) != tt.want {
				t.Errorf("%d zones, want %d", len(got), tt.want)
			}
			if len(got) > 0 && !got[0].At.Equal(noon.Add(tt.pause)) {
				t.Errorf("at %v", got[0].At)
			}
		})
	}
}

// FuzzZoneFramer feeds a stream whole and in pieces: the same zones come out,
// each as long as a zone is, and one that follows after a pause is found.
func FuzzZoneFramer(f *testing.F) {
	f.Add([]byte("\x02"+p1+"\r"+p2+"\x03"), uint8(0))
	f.Add([]byte(c1+c2+c3+d1+d2), uint8(6))
	f.Add([]byte("\x01"+d1+"\r\n\x00\xff"+d2+"\r\n\x04"), uint8(1))
	f.Add([]byte(strings.Repeat("<", 200)), uint8(30))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		run := func(size int) (found []string, drops ZoneDrops) {
			z := NewZoneFramer(0)
			emit := func(z Zone) {
				if n := len(z.Text.Reveal()); n != 72 && n != 88 && n != 90 {
					t.Fatalf("a zone of %d characters", n)
				}
				found = append(found, z.Text.Reveal())
			}
			for b := in; len(b) > 0; {
				n := min(size, len(b))
				z.Push(noon, b[:n], emit)
				b = b[n:]
			}
			if z.chars() > maxZoneLine*maxZoneLines {
				t.Fatalf("%d characters kept", z.chars())
			}
			z.Tick(noon.Add(time.Hour), emit)
			z.Push(noon.Add(2*time.Hour), []byte(p1+"\r"+p2+"\r"), emit)
			return found, z.Drops()
		}
		whole, wholeDrops := run(max(len(in), 1))
		pieces, piecesDrops := run(int(piece) + 1)
		if fmt.Sprint(whole) != fmt.Sprint(pieces) || wholeDrops != piecesDrops {
			t.Errorf("cutting changes the zones:\n%q %+v\n%q %+v", whole, wholeDrops, pieces, piecesDrops)
		}
		if len(whole) == 0 || whole[len(whole)-1] != p1+p2 {
			t.Error("a good zone was not found")
		}
	})
}
