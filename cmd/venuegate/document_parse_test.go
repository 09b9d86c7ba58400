package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/document"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// runParse runs the command alone, on a day of 2026.
func runParse(t *testing.T, in string, args ...string) (out, problem string) {
	t.Helper()
	var b bytes.Buffer
	tl := &tool{
		in: strings.NewReader(in), out: &b, err: &b,
		now: func() time.Time { return time.Date(2026, 11, 22, 19, 30, 0, 0, time.UTC) },
	}
	cmd := tl.documentParseCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(context.Background()); err != nil {
		problem = err.Error()
	}
	return b.String(), problem
}

// readAnswer is a reader's answer to "read card", as hex digits.
func readAnswer(t *testing.T, c hwtest.Card) string {
	t.Helper()
	text, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	data := append([]byte{0x90, 1, 0, 4, 0}, text...)
	data = append(data, make([]byte, 1024)...)
	return hex.EncodeToString(document.AppendRequest(nil, document.Command{0, 0}, data...)) + "\n"
}

func TestDocumentParse(t *testing.T) {
	card := hwtest.Card{Name: "张三", Sex: "2", Birth: "19491231", Number: "11010519491231002X", From: "20200101", To: "长期"}
	misread := card
	misread.Number = "110105194912310021"
	const passport = "P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<\nC01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4\n"
	tests := []struct {
		name, in, args, out, problem string
	}{
		{
			"card", readAnswer(t, card), "--kind sdt --show",
			`{"kind":"resident","country":"CHN","number":"11010519491231002X","name":"张三","name_latin":"","sex":"2","birth":"19491231","valid_from":"20200101","valid_to":"","checks_ok":true}`, "",
		},
		{
			"card, masked", strings.ToUpper(readAnswer(t, card)), "--kind sdt",
			`{"kind":"resident","country":"CHN","number":"****002X","name":"张*","name_latin":"","sex":"2","birth":"19491231","valid_from":"20200101","valid_to":"","checks_ok":true}`, "",
		},
		{
			"misread card", readAnswer(t, misread), "--kind sdt --show",
			`{"kind":"resident","country":"CHN","number":"110105194912310021","name":"张三","name_latin":"","sex":"2","birth":"19491231","valid_from":"20200101","valid_to":"","checks_ok":false}`,
			"the number has a wrong check character",
		},
		{
			"passport", passport, "--kind mrz --show",
			`{"kind":"passport","country":"DEU","number":"C01X00T47","name":"","name_latin":"MUSTERMANN ERIKA","sex":"2","birth":"19640812","valid_from":"","valid_to":"20270228","checks_ok":true}`, "",
		},
		{
			"passport, masked, one line", strings.ReplaceAll(passport, "\n", ""), "--kind mrz",
			`{"kind":"passport","country":"DEU","number":"****47","name":"","name_latin":"M* E*","sex":"2","birth":"19640812","valid_from":"","valid_to":"20270228","checks_ok":true}`, "",
		},
		{
			"misread passport", strings.Replace(passport, "X00T", "X01T", 1), "--kind mrz",
			`{"kind":"passport","country":"DEU","number":"****47","name":"","name_latin":"M* E*","sex":"2","birth":"19640812","valid_from":"","valid_to":"20270228","checks_ok":false}`,
			"machine-readable zone: document number at line 2, column 10: has a wrong check digit",
		},
		{"half a passport", passport[:44], "--kind mrz", "", "machine-readable zone: has 44 characters, not 72, 88 or 90"},
		{"no card", "AAAAAA966900040000 80 84", "--kind sdt", "", "the reader read no card: no card"},
		{"answer cut off", readAnswer(t, card)[:2000], "--kind sdt", "", "card reader answer: frame is cut short at byte 1000"},
		{"wrong checksum", strings.TrimSpace(readAnswer(t, card))[:2588] + "00", "--kind sdt", "", "card reader answer: wrong checksum at byte 1294"},
		{"more than an answer", readAnswer(t, card) + "AA AA", "--kind sdt", "", "2 bytes too many behind the answer"},
		{"another answer", "AAAAAA96690004000090" + "94", "--kind sdt", "", `document field "lengths" at 0: are missing`},
		{"not hex", "what stands on it", "--kind sdt", "", "standard input is not hex digits, two for every byte"},
		{"too much", strings.Repeat("A", maxInput+1), "--kind mrz", "", "standard input is longer than 65536 bytes; want one document"},
		{"no kind", passport, "", "", "--kind: want sdt or mrz"},
		{"another kind", passport, "--kind passport", "", "--kind: want sdt or mrz"},
		{"an argument", passport, "--kind mrz L898902C3", "", "1 arguments given, want none: the document is read from standard input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, problem := runParse(t, tt.in, strings.Fields(tt.args)...)
			if strings.TrimSpace(out) != tt.out || problem != tt.problem {
				t.Errorf("printed %s\n   want %s\nproblem %q\n   want %q", out, tt.out, problem, tt.problem)
			}
		})
	}
}
