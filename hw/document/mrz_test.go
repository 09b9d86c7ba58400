package document_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/document"
	"github.com/venuegate/venuegate/hw/hwtest"
)

var november = time.Date(2026, 11, 22, 19, 30, 0, 0, time.UTC)

// The specimens of ICAO Doc 9303, parts 4, 6 and 5.
const (
	specimenTD3  = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10\n"
	specimenTD2  = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6\n"
	specimenTD1  = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<\n"
	specimenLong = "I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<JOHN<<<<<<<<<\n"
)

func lines(t interface{ Fatal(...any) }, d hwtest.TravelDocument) string {
	l, err := d.Lines()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(l, "\n")
}

func TestParseMRZ(t *testing.T) {
	passport := hwtest.TravelDocument{
		Format: "TD3", Code: "P", State: "D", Number: "C01X00T47", Nationality: "D", Birth: "640812", Sex: "F",
		Expiry: "270226", Name: "MUSTERMANN<<ERIKA",
	}
	with := func(change func(*hwtest.TravelDocument)) string {
		d := passport
		change(&d)
		return lines(t, d)
	}
	tests := []struct {
		name, in, want string
	}{
		{"passport", specimenTD3, "2 UTO number=L898902C3 name= latin=ERIKSSON ANNA MARIA sex=2 born=19740812 -20120415"},
		{"TD2", specimenTD2, "7 UTO number=D23145890 name= latin=ERIKSSON ANNA MARIA sex=2 born=19740812 -20120415"},
		{"TD1", specimenTD1, "7 UTO number=D23145890 name= latin=ERIKSSON ANNA MARIA sex=2 born=19740812 -20120415"},
		{"a number of twelve characters", specimenLong, "7 UTO number=D23145890734 name= latin=STEVENSON PETER JOHN sex=1 born=19340712 -19950712"},
		{"lines run together", strings.ReplaceAll(specimenTD1, "\n", ""), "7 UTO number=D23145890 name= latin=ERIKSSON ANNA MARIA sex=2 born=19740812 -20120415"},
		{"CR, blanks and odd cuts", strings.ReplaceAll(specimenTD3[:20]+" \r\n "+specimenTD3[20:], "\n", "\r\n"), "2 UTO number=L898902C3 name= latin=ERIKSSON ANNA MARIA sex=2 born=19740812 -20120415"},
		{"Germany is one letter", lines(t, passport), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19640812 -20270226"},
		{"optional data with check digit 0 as a filler", "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159<<<<<<<<<<<<<<<8", "2 UTO number=L898902C3 name= latin=ERIKSSON ANNA MARIA sex=2 born=19740812 -20120415"},
		{"diplomats", with(func(d *hwtest.TravelDocument) { d.Code = "PD" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19640812 -20270226"},
		{"one name, sex not stated", with(func(d *hwtest.TravelDocument) { d.Name, d.Sex = "ARKFREITH", "<" }), "2 D<< number=C01X00T47 name= latin=ARKFREITH sex= born=19640812 -20270226"},
		{"day of birth not known", with(func(d *hwtest.TravelDocument) { d.Birth = "6408<<" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19640800 -20270226"},
		{"month not known", with(func(d *hwtest.TravelDocument) { d.Birth = "64" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19640000 -20270226"},
		{"birth not known", with(func(d *hwtest.TravelDocument) { d.Birth = "" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born= -20270226"},
		{"born today", with(func(d *hwtest.TravelDocument) { d.Birth = "261122" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=20261122 -20270226"},
		{"not born tomorrow", with(func(d *hwtest.TravelDocument) { d.Birth = "261123" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19261123 -20270226"},
		{"valid for very long", with(func(d *hwtest.TravelDocument) { d.Expiry = "760101" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19640812 -20760101"},
		{"expired for very long", with(func(d *hwtest.TravelDocument) { d.Expiry = "770101" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19640812 -19770101"},
		{"does not expire", with(func(d *hwtest.TravelDocument) { d.Expiry = "" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19640812 -"},
		{"passport card", with(func(d *hwtest.TravelDocument) { d.Format, d.Code = "TD1", "IP" }), "2 D<< number=C01X00T47 name= latin=MUSTERMANN ERIKA sex=2 born=19640812 -20270226"},
		{"Hong Kong resident's travel permit", lines(t, hwtest.TravelDocument{
			Format: "TD1", Code: "CR", State: "CHN", Number: "H01234567", Nationality: "CHN", Birth: "900203", Sex: "M", Expiry: "290101", Name: "CHAN<<TAI<MAN",
		}), "5 CHN number=H01234567 name= latin=CHAN TAI MAN sex=1 born=19900203 -20290101"},
		{"Macao identity card", lines(t, hwtest.TravelDocument{
			Format: "TD1", Code: "ID", State: "MAC", Number: "12345678", Nationality: "CHN", Birth: "900203", Sex: "M", Expiry: "290101", Name: "CHAN<<TAI<MAN",
		}), "6 MAC number=12345678 name= latin=CHAN TAI MAN sex=1 born=19900203 -20290101"},
		{"exit permit for Hong Kong and Macao", "CSC000000060<2405207<8602145<4\nNGKELMPENBPJ" + "ZHENGJIAN<<YANGBEN\nF<<<<<<<<<<<<<<<<<<<<<<<<<<<<<", "5 CHN number=C00000006 name= latin=ZHENGJIAN YANGBEN sex=2 born=19860214 -20240520"},
		{"exit permit, number of 2018", lines(t, hwtest.TravelDocument{
			Format: "permit", Code: "CS", Number: "CA0000001", Birth: "900203", Sex: "M", Expiry: "290101", Optional: "NGKELMPENBPJ", Name: "ZHENGJIAN<<YANGBEN",
		}), "5 CHN number=CA0000001 name= latin=ZHENGJIAN YANGBEN sex=1 born=19900203 -20290101"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := document.ParseMRZ(tt.in, november)
			if err != nil {
				t.Fatal(err)
			}
			if show(d) != tt.want {
				t.Errorf("got  %s\nwant %s", show(d), tt.want)
			}
		})
	}
}

func TestParseMRZNamesTheField(t *testing.T) {
	poke := func(specimen string, line, column int, s string) string {
		l := strings.Split(specimen, "\n")
		l[line-1] = l[line-1][:column-1] + s + l[line-1][column-1+len(s):]
		return strings.Join(l, "\n")
	}
	tests := []struct {
		name, in, want string
	}{
		{"nothing", "", "machine-readable zone: has 0 characters, not 72, 88 or 90"},
		{"one line", specimenTD3[:44], "machine-readable zone: has 44 characters, not 72, 88 or 90"},
		{"100 KB", strings.Repeat("<", 100_000), "machine-readable zone: has 100000 characters, not 72, 88 or 90"},
		{"small letters", poke(specimenTD3, 1, 10, "i"), "machine-readable zone: text at line 1, column 10: has a character that cannot stand there"},
		{"a byte above ASCII", poke(specimenTD1, 3, 2, "\xd6"), "machine-readable zone: text at line 3, column 2: has a character that cannot stand there"},
		{"a visa", poke(specimenTD3, 1, 1, "V"), "machine-readable zone: document code at line 1, column 1: is of a kind that is not read here"},
		{"a passport of card size", poke(specimenTD1, 1, 1, "P"), "machine-readable zone: document code at line 1, column 1: is of a kind that is not read here"},
		{"a driving licence", poke(specimenTD1, 1, 1, "D"), "machine-readable zone: document code at line 1, column 1: is of a kind that is not read here"},
		{"no state", poke(specimenTD3, 1, 3, "<<<"), "machine-readable zone: issuing state at line 1, column 3: is empty"},
		{"digits in the state", poke(specimenTD3, 1, 3, "U70"), "machine-readable zone: issuing state at line 1, column 3: has a character that cannot stand there"},
		{"no name", poke(specimenTD1, 3, 1, strings.Repeat("<", 30)), "machine-readable zone: name at line 3, column 1: is empty"},
		{"0 for O in the name", poke(specimenTD3, 1, 12, "0"), "machine-readable zone: name at line 1, column 12: has a character that cannot stand there"},
		{"no number", poke(specimenTD3, 2, 1, "<<<<<<<<<0"), "machine-readable zone: document number at line 2, column 1: is empty"},
		{"birth in letters", poke(specimenTD3, 2, 14, "74O812"), "machine-readable zone: date of birth at line 2, column 14: is not a date"},
		{"a month known and no year", poke(specimenTD3, 2, 14, "<<0812"), "machine-readable zone: date of birth at line 2, column 14: is not a date"},
		{"a day known and no month", poke(specimenTD3, 2, 14, "74<<12"), "machine-readable zone: date of birth at line 2, column 14: is not a date"},
		{"30 February", poke(specimenTD3, 2, 14, "740230"), "machine-readable zone: date of birth at line 2, column 14: is not a date"},
		{"sex", poke(specimenTD1, 2, 8, "1"), "machine-readable zone: sex at line 2, column 8: has a character that cannot stand there"},
		{"validity", poke(specimenTD1, 2, 9, "121315"), "machine-readable zone: end of validity at line 2, column 9: is not a date"},
		{"validity without a day", poke(specimenTD1, 2, 9, "1212<<"), "machine-readable zone: end of validity at line 2, column 9: is not a date"},
		{"check of the number", poke(specimenTD3, 2, 3, "0"), "machine-readable zone: document number at line 2, column 10: has a wrong check digit"},
		{"check of a long number", poke(specimenLong, 1, 18, "5"), "machine-readable zone: document number at line 1, column 16: has a wrong check digit"},
		{"no check digit and no more number", poke(specimenTD1, 1, 15, "<"), "machine-readable zone: document number at line 1, column 15: has a wrong check digit"},
		{"check of birth", poke(specimenTD2, 2, 20, "3"), "machine-readable zone: date of birth at line 2, column 20: has a wrong check digit"},
		{"check of validity", poke(specimenTD1, 2, 12, "5"), "machine-readable zone: end of validity at line 2, column 15: has a wrong check digit"},
		{"check of optional data", poke(specimenTD3, 2, 30, "F"), "machine-readable zone: optional data at line 2, column 43: has a wrong check digit"},
		{"a filler for a check digit that is not 0", poke(specimenTD3, 2, 43, "<"), "machine-readable zone: optional data at line 2, column 43: has a wrong check digit"},
		{"check of all", poke(specimenTD1, 2, 19, "1"), "machine-readable zone: whole zone at line 2, column 30: has a wrong check digit"},
		// Its second line has another order, so that this is told by a check.
		{"a French identity card of 1995", "IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<\n8806923102858CORINNE<<<<<<<6512068F6", "machine-readable zone: date of birth at line 2, column 14: is not a date"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := document.ParseMRZ(tt.in, november)
			var me *document.MRZError
			if !errors.As(err, &me) || err.Error() != tt.want {
				t.Fatalf("error %v\n want %s", err, tt.want)
			}
			if (d != nil) != (me.Problem == document.MRZCheck) {
				t.Errorf("a document: %v", d != nil)
			}
		})
	}
}

// drawn is any document that can be printed.
func drawn(t *rapid.T) (d hwtest.TravelDocument, born, until time.Time) {
	date := func(name string, from, to int) time.Time {
		days := rapid.IntRange(from, to).Draw(t, name)
		return november.AddDate(0, 0, days)
	}
	born, until = date("born", -99*365, -1), date("until", -49*365, 49*365)
	d = hwtest.TravelDocument{
		Format:      rapid.SampledFrom([]string{"TD1", "TD2", "TD3", "permit"}).Draw(t, "format"),
		State:       rapid.SampledFrom([]string{"UTO", "D", "CHN", "GBR", "XXA"}).Draw(t, "state"),
		Nationality: rapid.StringMatching(`[A-Z]{3}`).Draw(t, "nationality"),
		Birth:       born.Format("060102"), Expiry: until.Format("060102"),
		Sex:    rapid.SampledFrom([]string{"M", "F", "<"}).Draw(t, "sex"),
		Name:   rapid.StringMatching(`[A-Z]{1,8}(<<[A-Z]{1,4}(<[A-Z]{1,2})?)?`).Draw(t, "name"),
		Number: rapid.StringMatching(`[A-Z0-9]{1,9}`).Draw(t, "number"),
	}
	switch d.Format {
	case "TD3":
		d.Code = rapid.StringMatching(`P[A-Z<]`).Draw(t, "code")
		d.Optional = rapid.StringMatching(`[A-Z0-9]{0,14}`).Draw(t, "optional")
	case "permit":
		d.Code, d.State = rapid.SampledFrom([]string{"CS", "CD"}).Draw(t, "code"), ""
		d.Number = rapid.StringMatching(`C[A-Z0-9][0-9]{7}`).Draw(t, "number")
		d.Optional = rapid.StringMatching(`[A-P]{0,12}`).Draw(t, "optional")
	case "TD2":
		d.Code = rapid.StringMatching(`[AI][A-OQ-Z<]`).Draw(t, "code")
		d.Number = rapid.StringMatching(`[A-Z0-9]{1,15}`).Draw(t, "number")
	case "TD1":
		d.Code = rapid.StringMatching(`[AI][A-OQ-Z<]`).Draw(t, "code")
		d.Number = rapid.StringMatching(`[A-Z0-9]{1,23}`).Draw(t, "number")
		d.Optional2 = rapid.StringMatching(`[A-Z0-9]{0,11}`).Draw(t, "more")
	}
	return d, born, until
}

// What is printed is what is read.
func TestMRZLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		printed, born, until := drawn(t)
		got, err := document.ParseMRZ(lines(t, printed), november)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.Join(strings.FieldsFunc(printed.Name, func(r rune) bool { return r == '<' }), " ")
		state := "CHN"
		if printed.Format != "permit" {
			state = (printed.State + "<<")[:3]
		}
		if got.Number.Reveal() != printed.Number || got.NameLatin.Reveal() != name || got.Country != state ||
			got.Birth.Reveal() != born.Format("20060102") || got.ValidTo != until.Format("20060102") ||
			got.Sex != map[string]string{"M": "1", "F": "2", "<": ""}[printed.Sex] || got.Name != "" || got.ValidFrom != "" {
			t.Fatalf("printed %+v\nread %s", printed, show(got))
		}
		wantType := map[string]gate.DocumentType{
			"TD3": gate.DocumentPassport, "permit": gate.DocumentTravel,
			"TD1": gate.DocumentOther, "TD2": gate.DocumentOther,
		}[printed.Format]
		if got.Type != wantType {
			t.Fatalf("type %d, want %d", got.Type, wantType)
		}
	})
}

// One digit misread among what the check digits cover, and the document is
// refused.
func TestMRZCatchesAMisreadDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		printed, _, _ := drawn(t)
		text := []byte(lines(t, printed))
		var digits []int
		covered := strings.IndexByte(string(text), '\n') + 1
		if printed.Format == "TD1" || printed.Format == "permit" {
			covered = 2 // the first line has the number
		}
		for i := covered; i < len(text); i++ {
			if text[i] >= '0' && text[i] <= '9' {
				digits = append(digits, i)
			}
		}
		i := rapid.SampledFrom(digits).Draw(t, "position")
		text[i] = '0' + (text[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if d, err := document.ParseMRZ(string(text), november); err == nil {
			t.Fatalf("read as %s", show(d))
		}
	})
}

// FuzzMRZ parses any text: a document that comes out has what identifies it,
// and every error names a field.
func FuzzMRZ(f *testing.F) {
	for _, s := range []string{specimenTD3, specimenTD2, specimenTD1, specimenLong, "", strings.Repeat("<", 90)} {
		f.Add(s)
	}
	f.Add("CSC000000060<2405207<8602145<4NGKELMPENBPJZHENGJIAN<<YANGBENF<<<<<<<<<<<<<<<<<<<<<<<<<<<<<")
	f.Fuzz(func(t *testing.T, in string) {
		d, err := document.ParseMRZ(in, november)
		var me *document.MRZError
		switch {
		case err != nil && !errors.As(err, &me):
			t.Fatalf("error %v", err)
		case err != nil && (d != nil) != (me.Problem == document.MRZCheck):
			t.Fatalf("document %v, error %v", d != nil, err)
		case d != nil && (d.Number == "" || d.NameLatin == "" || d.Type == 0 || len(d.Country) != 3):
			t.Fatal("a document without what identifies it")
		}
	})
}
