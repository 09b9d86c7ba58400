package document_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/document"
)

// aDay is how long the line is noisy, in a time that runs as fast as it can be
// computed; an hour with -short.
func aDay() time.Duration {
	if testing.Short() {
		return time.Hour
	}
	return 24 * time.Hour
}

const readEvery = 100 * time.Millisecond // and what a line carries in it:
const (
	bytesAt9600   = 96
	bytesAt115200 = 1152
)

func anyBytes(r *rand.Rand, b []byte) {
	for len(b) >= 8 {
		v := r.Uint64()
		for i := range 8 {
			b[i] = byte(v >> (8 * i))
		}
		b = b[8:]
	}
}

// A day of noise on a passport reader's line is no document.
//
// What this does not say: check digits are a few digits. Text with the right
// lines, letters and dates in the right places passes all of them once in some
// thousands of times. Noise does not get as far as that, as the counts show; a
// document that did would still have to be that of a ticket.
func TestADayOfNoiseIsNoPassport(t *testing.T) {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<<<<<<<<<<"
	tests := []struct {
		name  string
		noise func(r *rand.Rand, b []byte)
	}{
		{"any bytes, a wrong baud rate", anyBytes},
		{"the characters of zones", func(r *rand.Rand, b []byte) {
			for i := range b {
				b[i] = alphabet[r.IntN(len(alphabet))]
			}
			if r.IntN(2) == 0 {
				b[r.IntN(len(b))] = '\r'
			}
		}},
		{"lines of the right length, digits and fillers", func(r *rand.Rand, b []byte) {
			for i := range b {
				b[i] = "0123456789<"[r.IntN(11)]
			}
			copy(b, "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\r")
			b[45+44] = '\r'
		}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(20261122, uint64(i)))
			f := document.NewZoneFramer(0)
			zones, checks, b := 0, 0, make([]byte, bytesAt9600)
			emit := func(z document.Zone) {
				zones++
				_, err := document.ParseMRZ(z.Text.Reveal(), z.At)
				var me *document.MRZError
				if !errors.As(err, &me) {
					t.Errorf("noise is a document at %v", z.At.Sub(november))
				} else if me.Problem == document.MRZCheck {
					checks++
				}
			}
			now := november
			for end := now.Add(aDay()); now.Before(end); now = now.Add(readEvery) {
				if r.IntN(100) == 0 {
					now = now.Add(document.DefaultZoneGap) // a moment of silence
					f.Tick(now, emit)
				}
				tt.noise(r, b)
				f.Push(now, b, emit)
			}
			found := ""
			f.Push(now.Add(time.Hour), []byte(specimenTD3), func(z document.Zone) { found = z.Text.Reveal() })
			if found != strings.ReplaceAll(specimenTD3, "\n", "") {
				t.Error("a good zone is not found behind the noise")
			}
			t.Logf("%d texts like zones, %d of them refused by a check digit alone; drops %+v", zones, checks, f.Drops())
		})
	}
}

// sold are the numbers of the documents of 80 000 tickets, in the form of one.
func sold(r *rand.Rand, form string) map[string]bool {
	numbers := map[string]bool{}
	for len(numbers) < 80_000 {
		b := []byte(form)
		for i, c := range b {
			if c >= '0' && c <= '9' {
				b[i] = byte('0' + r.IntN(10))
			}
		}
		numbers[string(b)] = true
	}
	delete(numbers, form)
	return numbers
}

// A day of passports on a line that turns one bit in a thousand, far worse than
// any that works: nobody comes in as somebody else.
//
// What this does not say: that every document is read as it is. Two misread
// characters of a number pass its check digit once in ten times, and the check
// digit of all, which begins with the number and has the same weights, does not
// see them either. Names and the issuing state have no check digit. Such a
// document is of nobody who has a ticket, and is refused.
func TestADayOfBitErrorsInPassports(t *testing.T) {
	const every, most = 5 * time.Second, 3
	want, err := document.ParseMRZ(specimenTD3, november)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(20261122, 99))
	others := sold(r, want.Number.Reveal())
	f := document.NewZoneFramer(0)
	good, name, misread, refused, b := 0, 0, 0, 0, make([]byte, len(specimenTD3))
	for now, end := november, november.Add(aDay()); now.Before(end); now = now.Add(every) {
		copy(b, specimenTD3)
		turnBits(r, b)
		f.Push(now, b, func(z document.Zone) {
			d, err := document.ParseMRZ(z.Text.Reveal(), november)
			switch {
			case err != nil:
				refused++
			case others[d.Number.Reveal()]:
				t.Errorf("read as somebody else at %v", now.Sub(november))
			case d.Number != want.Number || d.Birth != want.Birth || d.ValidTo != want.ValidTo:
				misread++
			case d.NameLatin != want.NameLatin || d.Country != want.Country:
				name++
			default:
				good++
			}
		})
	}
	if good == 0 || refused == 0 || misread > most {
		t.Errorf("%d good, %d misread, %d refused", good, misread, refused)
	}
	t.Logf("%d good, %d misread, %d more in name or state, %d refused", good, misread, name, refused)
}

// turnBits turns one bit in a thousand.
func turnBits(r *rand.Rand, b []byte) {
	for i := range b {
		for bit := range 8 {
			if r.IntN(1000) == 0 {
				b[i] ^= 1 << bit
			}
		}
	}
}

// A day of noise on a card reader's line is no card.
//
// What this does not say: the frame has one byte of checksum. A torn answer that
// is made up for by noise of the right length passes it once in 256 times, and is
// then held to the layout of the text and, where the number has one, its check
// character. A number of the foreigners' cards has none.
func TestADayOfNoiseIsNoCard(t *testing.T) {
	preamble := []byte{0xAA, 0xAA, 0xAA, 0x96, 0x69}
	tests := []struct {
		name  string
		noise func(r *rand.Rand, b []byte)
	}{
		{"any bytes, a wrong baud rate", anyBytes},
		{"good preambles and lengths, and noise behind", func(r *rand.Rand, b []byte) {
			anyBytes(r, b)
			at := r.IntN(len(b) - 16)
			at += copy(b[at:], preamble)
			if r.IntN(2) == 0 {
				copy(b[at:], []byte{0x00, 0x04, 0x00, 0x00, 0x90}) // an answer without data
				return
			}
			copy(b[at:], []byte{0x05, 0x08, 0x00, 0x00, 0x90, 0x01, 0x00, 0x04, 0x00})
		}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(20261122, uint64(i)))
			dec := document.NewDecoder()
			answers, b := 0, make([]byte, bytesAt115200)
			take := func(a document.Answer) bool {
				block, err := document.ParseReadAnswer(a.Data)
				if err != nil {
					return false
				}
				_, err = document.ParseText(block)
				return err == nil
			}
			for range int(aDay() / readEvery) {
				if r.IntN(100) == 0 {
					dec.Wipe() // as the driver does before a request
				}
				tt.noise(r, b)
				feed(dec, b, func(a document.Answer) {
					answers++
					if take(a) {
						t.Error("noise is a card")
					}
				})
			}
			text := textOf(t, resident())
			data := append(append([]byte{0x90, 1, 0, 4, 0}, text...), make([]byte, 1024)...)
			found := false
			dec.Wipe()
			feed(dec, document.AppendRequest(nil, document.Command{0, 0}, data...), func(a document.Answer) { found = take(a) })
			if !found {
				t.Error("a good card is not found behind the noise")
			}
			t.Logf("%d answers with a right checksum", answers)
		})
	}
}

// feed gives bytes to a decoder and takes the answers out.
func feed(dec *document.Decoder, b []byte, take func(document.Answer)) {
	for len(b) > 0 {
		n := copy(dec.Space(), b)
		dec.Filled(n)
		b = b[n:]
		for {
			a, err := dec.Next()
			var fe *document.FrameError
			if errors.As(err, &fe) && fe.Problem == document.FrameShort {
				break
			}
			if err == nil {
				a.Data = bytes.Clone(a.Data)
				take(a)
			}
		}
	}
}

// A day of cards on a line that turns one bit in a thousand: nobody comes in as
// somebody else. As with passports, two wrong digits can get past the checksum
// and the check character; they make a number of nobody who has a ticket.
func TestADayOfBitErrorsInCards(t *testing.T) {
	const every, most = 5 * time.Second, 3
	card := resident()
	text, err := card.Text()
	if err != nil {
		t.Fatal(err)
	}
	// Without the photo, most of which would only hide the errors in the text.
	data := append([]byte{0x90, 1, 0, 0, 0}, text...)
	frame := document.AppendRequest(nil, document.Command{0, 0}, data...)
	r := rand.New(rand.NewPCG(20261122, 99))
	others := sold(r, card.Number)
	dec := document.NewDecoder()
	good, misread, refused, b := 0, 0, 0, make([]byte, len(frame))
	for range int(aDay() / every) {
		copy(b, frame)
		turnBits(r, b)
		dec.Wipe()
		feed(dec, b, func(a document.Answer) {
			var number string
			block, err := document.ParseReadAnswer(a.Data)
			if err == nil {
				if d, parseErr := document.ParseText(block); parseErr == nil {
					number = d.Number.Reveal()
				}
			}
			switch {
			case number == "":
				refused++
			case others[number]:
				t.Error("read as somebody else")
			case number != card.Number:
				misread++
			default:
				good++
			}
		})
	}
	if good == 0 || refused == 0 || misread > most {
		t.Errorf("%d good, %d misread, %d refused", good, misread, refused)
	}
	t.Logf("%d good, %d misread, %d refused", good, misread, refused)
}
