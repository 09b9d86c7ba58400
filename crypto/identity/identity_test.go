package identity_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/crypto/identity"
)

var key = []byte("a document key of an event, made up")

// plainTag is a tag made by hand, from what the protocol says is tagged.
func plainTag(message string) (tag [16]byte) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	copy(tag[:], mac.Sum(nil))
	return tag
}

func TestTag(t *testing.T) {
	for _, c := range []struct {
		name            string
		typ             identity.Type
		country, number string
		tagged          string
	}{
		{"resident", identity.Resident, "CHN", "11010519491231002X", "\x01CHN11010519491231002X"},
		{"resident, lower case", identity.Resident, "CHN", "11010519491231002x", "\x01CHN11010519491231002X"},
		{"resident, in groups", identity.Resident, "CHN", " 110105 19491231-002X\t", "\x01CHN11010519491231002X"},
		{"resident, full width", identity.Resident, "CHN", "１１０１０５１９４９１２３１００２Ｘ", "\x01CHN11010519491231002X"},
		{"resident, 15 digits", identity.Resident, "CHN", "110105491231002", "\x01CHN11010519491231002X"},
		{"resident, no country given", identity.Resident, "", "11010519491231002X", "\x01CHN11010519491231002X"},
		{"passport", identity.Passport, "GBR", "925665416", "\x02GBR925665416"},
		{"passport, lower case country", identity.Passport, "gbr", "925665416", "\x02GBR925665416"},
		{"passport, German, from the machine-readable zone", identity.Passport, "D<<", "C01X00T47", "\x02DEUC01X00T47"},
		{"passport, German, as a word", identity.Passport, "DEU", "c01x00t47", "\x02DEUC01X00T47"},
		{"passport, German, without filler", identity.Passport, "D", "C01X00T47", "\x02DEUC01X00T47"},
		{"passport with filler", identity.Passport, "UTO", "L898902C<", "\x02UTOL898902C"},
		{"passport with all that is dropped", identity.Passport, "UTO", "L-8.9/8‹9·0<2C　", "\x02UTOL898902C"},
		{"permit of 18 characters", identity.Permit, "CHN", "810000199408230021", "\x03CHN810000199408230021"},
		{"permit, holder's region given", identity.Permit, "HKG", "810000199408230021", "\x03CHN810000199408230021"},
		{"foreigner's card of 2017", identity.Foreigner, "USA", "USA110081070114", "\x04CHNUSA110081070114"},
		{"foreigner's card of 2023", identity.Foreigner, "CHN", "911124198108030024", "\x04CHN911124198108030024"},
		{"travel permit", identity.Travel, "CHN", "H12345678", "\x05CHNH12345678"},
		{"travel permit with its re-issue count", identity.Travel, "CHN", "H1234567801", "\x05CHNH12345678"},
		{"travel permit of Taiwan", identity.Travel, "CHN", "12345678", "\x05CHN12345678"},
		{"Hong Kong identity card", identity.HKMacao, "HKG", "A1234567", "\x06HKGA1234567"},
		{"other", identity.Other, "CHN", "j0123456", "\x07CHNJ0123456"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := identity.Tag(key, c.typ, c.country, c.number)
			if err != nil {
				t.Fatal(err)
			}
			if got != plainTag(c.tagged) {
				t.Errorf("not the tag of %q", c.tagged)
			}
		})
	}
}

func TestTagRefuses(t *testing.T) {
	for _, c := range []struct {
		name            string
		typ             identity.Type
		country, number string
		part            identity.Part
		problem         identity.Problem
	}{
		{"no type", 0, "CHN", "1", identity.PartType, identity.ProblemUnknown},
		{"unknown type", 8, "CHN", "1", identity.PartType, identity.ProblemUnknown},
		{"no country", identity.Passport, "", "1", identity.PartCountry, identity.ProblemEmpty},
		{"two letters", identity.Passport, "DE", "1", identity.PartCountry, identity.ProblemForm},
		{"country with a digit", identity.Passport, "D1E", "1", identity.PartCountry, identity.ProblemForm},
		{"country with another letter", identity.Passport, "Ö<<", "1", identity.PartCountry, identity.ProblemForm},
		{"long country", identity.Passport, strings.Repeat("A", 2000), "1", identity.PartCountry, identity.ProblemTooLong},
		{"no number", identity.Passport, "GBR", "", identity.PartNumber, identity.ProblemEmpty},
		{"nothing but fillers", identity.Passport, "GBR", " <<<< ", identity.PartNumber, identity.ProblemEmpty},
		{"number with brackets", identity.HKMacao, "HKG", "A123456(7)", identity.PartNumber, identity.ProblemCharacter},
		{"number with a letter that is not A–Z", identity.Passport, "GBR", "12Ä4", identity.PartNumber, identity.ProblemCharacter},
		{"dotless i, which some languages fold to I", identity.Passport, "GBR", "12ı4", identity.PartNumber, identity.ProblemCharacter},
		{"zero-width space", identity.Passport, "GBR", "12\u200b34", identity.PartNumber, identity.ProblemCharacter},
		{"bytes that are not UTF-8", identity.Passport, "GBR", "12\xff", identity.PartNumber, identity.ProblemEncoding},
		{"number of 65 characters", identity.Passport, "GBR", strings.Repeat("1", 65), identity.PartNumber, identity.ProblemTooLong},
		{"number that would take long", identity.Passport, "GBR", strings.Repeat(" ", 1<<20), identity.PartNumber, identity.ProblemTooLong},
		{"resident of 17", identity.Resident, "CHN", "11010519491231002", identity.PartNumber, identity.ProblemLength},
		{"resident of 19", identity.Resident, "CHN", "11010519491231002X1", identity.PartNumber, identity.ProblemLength},
		{"resident, check wrong", identity.Resident, "CHN", "110105194912310021", identity.PartNumber, identity.ProblemCheck},
		{"resident, two digits swapped", identity.Resident, "CHN", "11010519491213002X", identity.PartNumber, identity.ProblemCheck},
		{"resident, letter in front", identity.Resident, "CHN", "A1010519491231002X", identity.PartNumber, identity.ProblemCharacter},
		{"resident, another check letter", identity.Resident, "CHN", "11010519491231002Y", identity.PartNumber, identity.ProblemCharacter},
		{"resident of 15 with X", identity.Resident, "CHN", "11010549123100X", identity.PartNumber, identity.ProblemCharacter},
		{"permit, check wrong", identity.Permit, "CHN", "810000199408230022", identity.PartNumber, identity.ProblemCheck},
		{"foreigner's card, check wrong", identity.Foreigner, "CHN", "911124198108030023", identity.PartNumber, identity.ProblemCheck},
		{"foreigner's card of 18 with letters", identity.Foreigner, "CHN", "USA124198108030023", identity.PartNumber, identity.ProblemCharacter},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := identity.Tag(key, c.typ, c.country, c.number)
			checkError(t, err, c.part, c.problem)
			if len(c.number) > 3 && strings.Contains(err.Error(), c.number[:4]) {
				t.Error("the error holds some of the number")
			}
		})
	}
	_, err := identity.Tag(nil, identity.Passport, "GBR", "1")
	checkError(t, err, identity.PartKey, identity.ProblemEmpty)
}

func checkError(t *testing.T, err error, part identity.Part, problem identity.Problem) {
	t.Helper()
	var e *identity.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want *Error", err)
	}
	if e.Part != part || e.Problem != problem {
		t.Errorf("%v, want: the %s %s", err, part, problem)
	}
}

// TestCheckCharacter takes every one of the eleven characters.
func TestCheckCharacter(t *testing.T) {
	seen := make(map[byte]bool)
	for serial := range 1000 {
		n, err := identity.Number(identity.Resident, fmt.Sprintf("110105800101%03d", serial))
		if err != nil {
			t.Fatal(err)
		}
		last := n[17]
		seen[last] = true
		fits := 0
		for _, c := range "0123456789X" {
			if _, err := identity.Number(identity.Resident, n[:17]+string(c)); err == nil {
				fits++
			}
		}
		if fits != 1 {
			t.Fatalf("%d check characters fit one number", fits)
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d check characters seen, want 11", len(seen))
	}
}

func TestTypes(t *testing.T) {
	for _, typ := range identity.Types() {
		if got, err := identity.ParseType(typ.String()); err != nil || got != typ {
			t.Errorf("%s: %v, %v", typ, got, err)
		}
	}
	_, err := identity.ParseType("driver's licence")
	checkError(t, err, identity.PartType, identity.ProblemUnknown)
	if got := identity.Type(9).String(); got != "type 9" {
		t.Errorf("an unknown type prints %q", got)
	}
}

func TestNameTag(t *testing.T) {
	for _, c := range []struct {
		name   string
		script identity.Script
		in     string
		tagged string
	}{
		{"Chinese", identity.Chinese, "张三", "\x80张三"},
		{"spaced to three", identity.Chinese, "张　三 ", "\x80张三"},
		{"compatibility ideograph", identity.Chinese, "\uf9dc", "\x80隆"},
		{"middle dot", identity.Chinese, "阿卜杜拉·买买提", "\x80阿卜杜拉·买买提"},
		{"full stop", identity.Chinese, "阿卜杜拉.买买提", "\x80阿卜杜拉·买买提"},
		{"full-width full stop", identity.Chinese, "阿卜杜拉．买买提", "\x80阿卜杜拉·买买提"},
		{"bullet", identity.Chinese, "阿卜杜拉•买买提", "\x80阿卜杜拉·买买提"},
		{"hyphenation point", identity.Chinese, "阿卜杜拉‧买买提", "\x80阿卜杜拉·买买提"},
		{"katakana dot", identity.Chinese, "阿卜杜拉・买买提", "\x80阿卜杜拉·买买提"},
		{"half-width katakana dot", identity.Chinese, "阿卜杜拉･买买提", "\x80阿卜杜拉·买买提"},
		{"Greek ano teleia", identity.Chinese, "阿卜杜拉\u0387买买提", "\x80阿卜杜拉·买买提"},
		{"Latin", identity.Latin, "Anna Maria Eriksson", "\x81ANNA MARIA ERIKSSON"},
		{"from the machine-readable zone", identity.Latin, "ERIKSSON<<ANNA<MARIA<<<<<<", "\x81ERIKSSON ANNA MARIA"},
		{"umlauts", identity.Latin, "Jürgen Größe-Möller", "\x81JUERGEN GROESSE MOELLER"},
		{"umlaut in two characters", identity.Latin, "Ju\u0308rgen", "\x81JUERGEN"},
		{"Scandinavian", identity.Latin, "Åse Bjørn Þór Ðóra", "\x81AASE BJOERN THOR DORA"},
		{"Polish", identity.Latin, "Łukasz Żółć", "\x81LUKASZ ZOLC"},
		{"Vietnamese", identity.Latin, "Nguyễn Thị Thương", "\x81NGUYEN THI THUONG"},
		{"Turkish", identity.Latin, "Işıl İnönü", "\x81ISIL INOENUE"},
		{"apostrophes", identity.Latin, "D'Arcy O’Neil N´Guessan", "\x81DARCY ONEIL NGUESSAN"},
		{"comma and full stop", identity.Latin, "Smith, John Jr.", "\x81SMITH JOHN JR"},
		{"full width", identity.Latin, "ＷＡＮＧ　ＷＥＩ", "\x81WANG WEI"},
		{"Catalan", identity.Latin, "Goŀlar", "\x81GOLLAR"},
		{"ligatures", identity.Latin, "Œuvre Æon ĳsvogel", "\x81OEUVRE AEON IJSVOGEL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := identity.NameTag(key, c.script, c.in)
			if err != nil {
				t.Fatal(err)
			}
			if got != plainTag(c.tagged) {
				n, _ := identity.Name(c.script, c.in)
				t.Errorf("tagged %q, want %q", n, c.tagged[1:])
			}
		})
	}
	for _, c := range []struct {
		name    string
		script  identity.Script
		in      string
		problem identity.Problem
	}{
		{"empty", identity.Chinese, "", identity.ProblemEmpty},
		{"spaces", identity.Chinese, "　 ", identity.ProblemEmpty},
		{"nothing but fillers", identity.Latin, "<<<", identity.ProblemEmpty},
		{"digits", identity.Latin, "R2D2", identity.ProblemCharacter},
		{"Chinese as Latin", identity.Latin, "张三", identity.ProblemCharacter},
		{"Cyrillic as Latin", identity.Latin, "Анна", identity.ProblemCharacter},
		{"not UTF-8", identity.Chinese, "\xd5\xc5", identity.ProblemEncoding},
		{"too long", identity.Latin, strings.Repeat("A", 1025), identity.ProblemTooLong},
		{"no script", 0, "A", identity.ProblemUnknown},
	} {
		_, err := identity.NameTag(key, c.script, c.in)
		t.Run(c.name, func(t *testing.T) { checkError(t, err, identity.PartName, c.problem) })
	}
}

func TestBirthTag(t *testing.T) {
	for _, birth := range []string{"19491231", "20000229", "19500000", "19500600"} {
		got, err := identity.BirthTag(key, birth)
		if err != nil || got != plainTag("\x82"+birth) {
			t.Errorf("%s: %v", birth, err)
		}
	}
	for _, birth := range []string{"", "1949-12-31", "491231", "19490230", "19491301", "19490012", "2000022９"} {
		_, err := identity.BirthTag(key, birth)
		checkError(t, err, identity.PartBirth, identity.ProblemDate)
	}
}

func TestForeignCodeTag(t *testing.T) {
	for in, form := range map[string]string{
		"ABC-123":             "ABC-123",
		"abc-123\r\n":         "ABC-123",
		"\x02 aBc-123 \x03":   "ABC-123",
		"https://T.example/ö": "HTTPS://T.EXAMPLE/ö",
		"a b":                 "A B",
		"\xb0\xa1a":           "\xb0\xa1A",
	} {
		got, err := identity.ForeignCodeTag(key, in)
		if err != nil || got != plainTag(form) {
			t.Errorf("%q is not tagged as %q: %v", in, form, err)
		}
	}
	_, err := identity.ForeignCodeTag(key, " \r\n")
	checkError(t, err, identity.PartCode, identity.ProblemEmpty)
	_, err = identity.ForeignCodeTag(key, strings.Repeat("1", 8193))
	checkError(t, err, identity.PartCode, identity.ProblemTooLong)
	_, err = identity.ForeignCodeTag(nil, "A")
	checkError(t, err, identity.PartKey, identity.ProblemEmpty)
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"张三": "张*", "张三丰": "张*", "欧阳 修": "欧*", "阿卜杜拉·买买提": "阿*", "张": "张*",
		"John Smith": "J* S*", "ERIKSSON  ANNA MARIA": "E* A* M*", "Łukasz": "Ł*", "": "", "  ": "",
		"A B C D E F": "A* B* C* D*",
	} {
		if got := identity.Mask(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"11010519491231002x": "****002X", "H12345678": "****78", "12345": "****", "": "****", "张三": "****",
	} {
		if got := identity.MaskNumber(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
