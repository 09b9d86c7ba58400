package document_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/document"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// The number is the example of GB 11643; the other cards are made up.
func resident() hwtest.Card {
	return hwtest.Card{
		Name: "张三", Sex: "2", Birth: "19491231", Address: "北京市东城区某街1号",
		Number: "11010519491231002X", Issuer: "北京市公安局", From: "20200101", To: "长期",
	}
}

func permit() hwtest.Card {
	return hwtest.Card{
		Kind: 'J', Name: "陳大文", Sex: "1", Birth: "19900203", Number: "810000199002030011",
		From: "20190101", To: "20240101",
	}
}

func foreigner2023() hwtest.Card {
	return hwtest.Card{
		Kind: 'Y', Name: "安娜", NameLatin: "SMITH-JONES, ANNA MARIA THERESA ELIZABETH", Sex: "2", Birth: "19850607",
		Number: "911124198506070021", From: "20231201", To: "20331201",
	}
}

func foreigner2017() hwtest.Card {
	return hwtest.Card{
		Kind: 'I', Name: "安娜", NameLatin: "Smith, Anna", Sex: "2", Birth: "19850607",
		Number: "USA110085060700", From: "20170601", To: "20270601",
	}
}

func textOf(t testing.TB, c hwtest.Card) []byte {
	t.Helper()
	b, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func show(d *gate.Document) string {
	return fmt.Sprintf("%d %s number=%s name=%s latin=%s sex=%s born=%s %s-%s", d.Type, d.Country, d.Number.Reveal(),
		d.Name.Reveal(), d.NameLatin.Reveal(), d.Sex, d.Birth.Reveal(), d.ValidFrom, d.ValidTo)
}

func TestParseText(t *testing.T) {
	tests := []struct {
		name string
		card hwtest.Card
		want string
	}{
		{"resident ID card", resident(), "1 CHN number=11010519491231002X name=张三 latin= sex=2 born=19491231 20200101-"},
		{"residence permit", permit(), "3 CHN number=810000199002030011 name=陳大文 latin= sex=1 born=19900203 20190101-20240101"},
		{"foreigner's card of 2023, name in two parts", foreigner2023(), "4 CHN number=911124198506070021 name=安娜 latin=SMITH JONES ANNA MARIA THERESA ELIZABETH sex=2 born=19850607 20231201-20331201"},
		{"foreigner's card of 2017", foreigner2017(), "4 CHN number=USA110085060700 name=安娜 latin=SMITH ANNA sex=2 born=19850607 20170601-20270601"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := document.ParseText(textOf(t, tt.card))
			if err != nil {
				t.Fatal(err)
			}
			if show(d) != tt.want {
				t.Errorf("got  %s\nwant %s", show(d), tt.want)
			}
		})
	}
}

func TestParseTextNamesTheField(t *testing.T) {
	with := func(c hwtest.Card, change func(*hwtest.Card)) []byte {
		change(&c)
		return textOf(t, c)
	}
	poke := func(offset int, b ...byte) []byte {
		text := textOf(t, resident())
		copy(text[offset:], b)
		return text
	}
	tests := []struct {
		name   string
		in     []byte
		field  string
		offset int
	}{
		{"too short", make([]byte, 255), "text", 0},
		{"unknown kind", poke(248, 'Q', 0), "kind", 248},
		{"no name", with(resident(), func(c *hwtest.Card) { c.Name = "" }), "name", 0},
		{"half a surrogate pair", poke(0, 0x00, 0xD8), "name", 0},
		{"control character", poke(0, 0x07, 0x00), "name", 0},
		{"birth", with(resident(), func(c *hwtest.Card) { c.Birth = "19491331" }), "birth", 36},
		{"check character", with(resident(), func(c *hwtest.Card) { c.Number = "110105194912310021" }), "number", 122},
		{"validity", with(resident(), func(c *hwtest.Card) { c.To = "long" }), "valid to", 204},
		{"permit number", with(permit(), func(c *hwtest.Card) { c.Number = "81" }), "number", 122},
		{"foreigner 2023 number", with(foreigner2023(), func(c *hwtest.Card) { c.Number = "11010519491231002X" }), "number", 122},
		{"foreigner 2017 number", with(foreigner2017(), func(c *hwtest.Card) { c.Number = "US1110085060700" }), "number", 122},
		{"foreigner 2017 birth", with(foreigner2017(), func(c *hwtest.Card) { c.Birth = "" }), "birth", 220},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := document.ParseText(tt.in)
			var fe *document.FieldError
			if !errors.As(err, &fe) || fe.Field != tt.field || fe.Offset != tt.offset {
				t.Fatalf("error %v, want field %q at %d", err, tt.field, tt.offset)
			}
			for _, private := range []string{"1101", "张三", "1949", "8506"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("error %q tells what stands on the card", err)
				}
			}
		})
	}
}

func TestInspectText(t *testing.T) {
	wrong := resident()
	wrong.Number = "110105194912310021"
	for _, tt := range []struct {
		name   string
		card   hwtest.Card
		checks bool
	}{
		{"right check character", resident(), true},
		{"wrong check character", wrong, false},
		{"a number that has none", foreigner2017(), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, checks, err := document.InspectText(textOf(t, tt.card))
			if err != nil || checks != tt.checks || d.Number.Reveal() != tt.card.Number {
				t.Errorf("checks %v, error %v", checks, err)
			}
		})
	}
}

func TestParseReadAnswer(t *testing.T) {
	text := bytes.Repeat([]byte{1}, document.TextLen)
	answer := func(lengths ...byte) []byte {
		return append(append(lengths, text...), make([]byte, 1024)...)
	}
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"good", answer(1, 0, 4, 0), ""},
		{"empty", nil, `document field "lengths" at 0: are missing`},
		{"text length", answer(1, 1, 4, 0), `document field "text length" at 0: is 257, not 256`},
		{"photo length", answer(1, 0, 4, 1), `document field "photo length" at 2: is 1025 with 1284 bytes in all`},
		{"cut off", answer(1, 0, 4, 0)[:700], `document field "photo length" at 2: is 1024 with 700 bytes in all`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := document.ParseReadAnswer(tt.in)
			if tt.want != "" {
				if err == nil || err.Error() != tt.want {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes, error %v", len(got), err)
			}
		})
	}
}

func TestCheckResidentNumber(t *testing.T) {
	for number, want := range map[string]bool{
		"11010519491231002X":  true,
		"440524188001010014":  true, // the other example of GB 11643
		"11010519491231002x":  false,
		"110105194912310021":  false,
		"11010519491231002":   false,
		"11010519491231002XX": false,
		"1101051949123100X2":  false,
		"":                    false,
	} {
		if got := document.CheckResidentNumber(number); got != want {
			t.Errorf("%q: %v, want %v", number, got, want)
		}
	}
}

// FuzzText parses any text block: a document that comes out has what identifies
// it, and every error names a field.
func FuzzText(f *testing.F) {
	blank := bytes.Repeat([]byte{' ', 0}, document.TextLen/2)
	f.Add(blank)
	for _, c := range []hwtest.Card{resident(), permit(), foreigner2023(), foreigner2017()} {
		f.Add(textOf(f, c))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := document.ParseText(in)
		var fe *document.FieldError
		switch {
		case err != nil && (d != nil || !errors.As(err, &fe)):
			t.Fatalf("document %v, error %v", d != nil, err)
		case err == nil && (d.Number == "" || d.Birth == "" || !utf8.ValidString(d.Name.Reveal())):
			t.Fatal("a document without what identifies it")
		}
	})
}
