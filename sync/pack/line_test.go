package pack_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store/storetest/drawn"
	"github.com/venuegate/venuegate/sync/pack"
)

const (
	hex16 = "00112233445566778899aabbccddeeff"
	hex20 = hex16 + "00112233"
	hex32 = hex16 + hex16
)

// fullLine has every field.
const fullLine = `{"id":"18446744073709551615","gen":3,"status":"refunded","class":2,"zones":4,"entrance":1,"sessions":[1,2],` +
	`"re_entry":true,"real_name":true,"party":2,"from":1795165200,"until":1795251600,"admit":1795168800,"per_day":1,"in_all":3,` +
	`"order":"500000","pass":"7","channel":2,"code":{"key":1,"t0":1795165200,"steps":8640,"period":10,"proof":"chain","anchor":"` + hex20 + `"},` +
	`"docs":[{"type":1,"tag":"` + hex16 + `"},{"type":2,"tag":"` + hex16 + `"}],"name":"` + hex16 + `","birth":"` + hex16 + `","phone":"` + hex16 + `",` +
	`"masked":"张*","seat":["A","12","7"],"lang":"zh-CN","foreign":["` + hex16 + `"]}`

func fullTicket() gate.Ticket {
	tag := gate.Tag{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	t := gate.Ticket{
		Event: 7, ID: 1<<64 - 1, Generation: 3, Status: gate.StatusRefunded, Class: 2, ZoneGroup: 4, Entrance: 1,
		Sessions: []gate.SessionID{1, 2}, ReEntry: true, RealName: true, Party: 2,
		ValidFrom: time.Unix(1795165200, 0).UTC(), ValidUntil: time.Unix(1795251600, 0).UTC(), AdmitFrom: time.Unix(1795168800, 0).UTC(),
		EntriesPerDay: 1, EntriesInAll: 3, Order: 500000, Pass: 7, Channel: 2,
		Code:      gate.CodeParams{KeyID: 1, T0: 1795165200, Steps: 8640, Period: 10, Proof: gate.ProofChain},
		Documents: []gate.DocumentTag{{Type: gate.DocumentResident, Tag: tag}, {Type: gate.DocumentPassport, Tag: tag}},
		Name:      tag, Birth: tag, Phone: tag, Masked: "张*", Seat: gate.Seat{Area: "A", Row: "12", Seat: "7"},
		Language: "zh-CN", Foreign: []gate.Tag{tag},
	}
	copy(t.Code.Anchor[:], append(tag[:], 0x00, 0x11, 0x22, 0x33))
	return t
}

func TestTicketLine(t *testing.T) {
	got, err := pack.ParseTicket([]byte(fullLine), 7)
	if err != nil {
		t.Fatal(err)
	}
	want := fullTicket()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("\n got %+v\nwant %+v", got, want)
	}
	line, err := pack.AppendTicket(nil, &want)
	if err != nil || string(line) != fullLine {
		t.Fatalf("\n got %s, %v\nwant %s", line, err, fullLine)
	}
	// Order and white space are the writer's own affair.
	const loose = "\t{ \"zones\" : 3 ,\"masked\":\"\\u5f20*\\ud83d\\ude00\\n\", \"gen\":1,\"class\":1, \"id\":\"5\"} \r"
	got, err = pack.ParseTicket([]byte(loose), 7)
	if err != nil || got.ID != 5 || got.Party != 1 || got.Masked != "张*😀\n" {
		t.Fatalf("%+v, %v", got, err)
	}
}

// minimal puts more fields into the smallest ticket line.
func minimal(more string) string { return `{"id":"1","gen":1,"class":1,"zones":1` + more + `}` }

func TestTicketLineRefused(t *testing.T) {
	chain := `"proof":"chain","steps":1,"period":1,"anchor":"` + hex20 + `"`
	for name, c := range map[string]struct{ line, field string }{
		"nothing":                    {"", ""},
		"not an object":              {`[]`, ""},
		"cut short":                  {`{"id":"1","gen":1`, "gen"},
		"a comma too many":           {minimal(`,`), "zones"},
		"no colon":                   {`{"id" "1"}`, ""},
		"more after it":              {minimal("") + "{}", ""},
		"a zero byte after it":       {minimal("") + "\x00", "zones"},
		"unknown field":              {minimal(`,"price":5`), ""},
		"field in capitals":          {minimal(`,"Gen":5`), ""},
		"field there twice":          {minimal(`,"gen":1`), "gen"},
		"id as a number":             {`{"id":1}`, "id"},
		"id with a leading zero":     {`{"id":"01"}`, "id"},
		"id with a sign":             {`{"id":"+1"}`, "id"},
		"id past 64 bits":            {`{"id":"18446744073709551616"}`, "id"},
		"id with an escape":          {`{"id":"\u0031"}`, "id"},
		"no id":                      {`{"gen":1,"class":1,"zones":1}`, "id"},
		"generation zero":            {`{"id":"1","gen":0,"class":1,"zones":1}`, "gen"},
		"generation past 8 bits":     {`{"id":"1","gen":256,"class":1,"zones":1}`, "gen"},
		"generation with a fraction": {`{"id":"1","gen":1.0,"class":1,"zones":1}`, "gen"},
		"generation with exponent":   {`{"id":"1","gen":1e0,"class":1,"zones":1}`, "gen"},
		"null":                       {minimal(`,"party":null`), "party"},
		"no class":                   {`{"id":"1","gen":1,"zones":1}`, "class"},
		"no zone group":              {`{"id":"1","gen":1,"class":1}`, "zones"},
		"unknown status":             {minimal(`,"status":"gone"`), "status"},
		"party of none":              {minimal(`,"party":0`), "party"},
		"no sessions at all":         {minimal(`,"sessions":[]`), "sessions"},
		"session zero":               {minimal(`,"sessions":[0]`), "sessions"},
		"65 sessions":                {minimal(`,"sessions":[1` + strings.Repeat(",1", 64) + `]`), "sessions"},
		"list without its end":       {minimal(`,"sessions":[1`), "sessions"},
		"flag as a number":           {minimal(`,"re_entry":1`), "re_entry"},
		"time as text":               {minimal(`,"from":"2026-11-20T08:00:00Z"`), "from"},
		"time past the year 9999":    {minimal(`,"from":253402300800`), "from"},
		"until before from":          {minimal(`,"from":5,"until":4`), "until"},
		"code without a proof":       {minimal(`,"code":{"key":1}`), "code"},
		"code with a field twice":    {minimal(`,"code":{"key":1,"key":1,"proof":"static"}`), "code"},
		"unknown field in a code":    {minimal(`,"code":{"seed":"00","proof":"static"}`), "code"},
		"static with steps":          {minimal(`,"code":{"proof":"static","steps":1}`), "code"},
		"chain without an anchor":    {minimal(`,"code":{"proof":"chain","steps":1,"period":1}`), "code"},
		"chain with a holder":        {minimal(`,"code":{` + chain + `,"holder":"` + hex32 + `"}`), "code"},
		"holder without a key":       {minimal(`,"code":{"proof":"holder","steps":1,"period":1}`), "code"},
		"anchor too short":           {minimal(`,"code":{"proof":"chain","anchor":"` + hex16 + `"}`), "code"},
		"document without a type":    {minimal(`,"docs":[{"tag":"` + hex16 + `"}]`), "docs"},
		"document of type 8":         {minimal(`,"docs":[{"type":8,"tag":"` + hex16 + `"}]`), "docs"},
		"document with a number":     {minimal(`,"docs":[{"type":1,"number":"11010519491231002X"}]`), "docs"},
		"tag too short":              {minimal(`,"name":"0011"`), "name"},
		"tag of other letters":       {minimal(`,"name":"` + strings.Repeat("g", 32) + `"`), "name"},
		"a name without a mask":      {minimal(`,"masked":"张三"`), "masked"},
		"a masked name too long":     {minimal(`,"masked":"` + strings.Repeat("*", 65) + `"`), "masked"},
		"half a surrogate":           {minimal(`,"masked":"*\ud83d"`), "masked"},
		"half a surrogate, escaped":  {minimal(`,"masked":"*\ud83d\u0041"`), "masked"},
		"an unknown escape":          {minimal(`,"masked":"*\x41"`), "masked"},
		"an escape cut short":        {`{"masked":"*\u00`, "masked"},
		"not UTF-8":                  {minimal(",\"masked\":\"*\xff\""), "masked"},
		"a control character":        {minimal(",\"masked\":\"*\x01张\""), "masked"},
		"a seat of two":              {minimal(`,"seat":["A","1"]`), "seat"},
		"a seat of four":             {minimal(`,"seat":["A","1","2","3"]`), "seat"},
		"no language":                {minimal(`,"lang":"z"`), "lang"},
		"foreign code of zeros":      {minimal(`,"foreign":["` + strings.Repeat("0", 32) + `"]`), "foreign"},
		"too long":                   {minimal(strings.Repeat(" ", 8<<10)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pack.ParseTicket([]byte(c.line), 7)
			var line *pack.LineError
			if !errors.As(err, &line) {
				t.Fatalf("error %v", err)
			}
			if line.Field != c.field || line.Why == "" {
				t.Fatalf("field %q (%s), want %q", line.Field, line.Why, c.field)
			}
			for _, private := range []string{"11010519491231002X", "张三"} {
				if strings.Contains(err.Error(), private) {
					t.Fatalf("%v quotes the line", err)
				}
			}
		})
	}
}

func TestTicketUnwritable(t *testing.T) {
	for name, change := range map[string]func(*gate.Ticket){
		"a stand-in":            func(t *gate.Ticket) { t.Assumed = true },
		"a name without a mask": func(t *gate.Ticket) { t.Masked = "张三" },
		"a shortened tag":       func(t *gate.Ticket) { t.Documents[0].Short = true },
		"half a second":         func(t *gate.Ticket) { t.ValidFrom = t.ValidFrom.Add(time.Second / 2) },
		"an unknown status":     func(t *gate.Ticket) { t.Status = 9 },
		"an unknown proof":      func(t *gate.Ticket) { t.Code.Proof = 9 },
		"a seat too long":       func(t *gate.Ticket) { t.Seat.Row = strings.Repeat("1", 65) },
		"a seat of bytes":       func(t *gate.Ticket) { t.Seat.Row = "\xff" },
		"17 foreign codes":      func(t *gate.Ticket) { t.Foreign = append(make([]gate.Tag, 0), repeat(t.Foreign[0], 17)...) },
	} {
		t.Run(name, func(t *testing.T) {
			ticket := fullTicket()
			change(&ticket)
			var line *pack.LineError
			if _, err := pack.AppendTicket(nil, &ticket); !errors.As(err, &line) {
				t.Fatalf("error %v", err)
			}
		})
	}
}

func repeat(tag gate.Tag, n int) []gate.Tag {
	tags := make([]gate.Tag, n)
	for i := range tags {
		tags[i] = tag
	}
	return tags
}

// What is written is read back, for every ticket that can be written.
func TestTicketLineRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawn.Ticket().Draw(t, "ticket")
		line, err := pack.AppendTicket(nil, &want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pack.ParseTicket(line, want.Event)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
	})
}

// Whatever is read can be written and is read back the same; nothing panics.
func FuzzParseTicket(f *testing.F) {
	f.Add([]byte(fullLine))
	f.Add([]byte(minimal("")))
	f.Add([]byte(minimal(`,"code":{"proof":"holder","steps":1,"period":1,"holder":"` + hex32 + `"}`)))
	f.Add([]byte(minimal(`,"masked":"\ud83d\ude00*","seat":["\"","\\",""]`)))
	f.Fuzz(func(t *testing.T, line []byte) {
		first, err := pack.ParseTicket(line, 7)
		if err != nil {
			return
		}
		written, err := pack.AppendTicket(nil, &first)
		if err != nil {
			t.Fatalf("read %+v, cannot write it: %v", first, err)
		}
		second, err := pack.ParseTicket(written, 7)
		if err != nil || !reflect.DeepEqual(normal(first), normal(second)) {
			t.Fatalf("%v\n%+v\n%+v", err, first, second)
		}
	})
}

// normal drops the difference between a list that is empty and none.
func normal(t gate.Ticket) gate.Ticket {
	if len(t.Documents) == 0 {
		t.Documents = nil
	}
	if len(t.Foreign) == 0 {
		t.Foreign = nil
	}
	return t
}

func FuzzParseChange(f *testing.F) {
	f.Add([]byte(`{"change":{"id":"5","gen":2,"status":"void"}}`))
	f.Add([]byte(`{"ticket":` + minimal("") + `}`))
	f.Add([]byte(`{"change":{"id":"5","gen":2,"status":"void"},"ticket":` + minimal("") + `}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		first, err := pack.ParseChange(line, 7)
		if err != nil {
			return
		}
		written, err := pack.AppendChange(nil, &first)
		if err != nil {
			t.Fatalf("read %+v, cannot write it: %v", first, err)
		}
		if _, err := pack.ParseChange(written, 7); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
	})
}
