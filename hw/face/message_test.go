package face_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/face"
	"github.com/venuegate/venuegate/hw/port"
)

const tagText = "00112233445566778899aabbccddeeff"

func tag() (t gate.Tag) {
	if err := t.UnmarshalText([]byte(tagText)); err != nil {
		panic(err)
	}
	return t
}

func TestParse(t *testing.T) {
	plain := face.Decoding{}
	vendor := face.Decoding{Fields: face.Fields{
		Matched: "data.result", MatchedIs: "1", Score: "data.match.similarity", Reference: "data.person.id",
	}, MinScore: 80}
	scoreOnly := face.Decoding{MinScore: 0.8}
	for _, c := range []struct {
		name string
		d    face.Decoding
		text string
		want gate.Face
		err  string
	}{
		{"a match", plain, `{"matched":true,"score":0.93,"reference":"4711"}`, gate.Face{Matched: true, Score: 0.93, Ticket: 4711}, ""},
		{"the reference is a number", plain, `{"matched":true,"reference":18446744073709551615}`, gate.Face{Matched: true, Ticket: math.MaxUint64}, ""},
		{"the reference is a document's tag", plain, `{"matched":true,"reference":"` + tagText + `"}`, gate.Face{Matched: true, Document: tag()}, ""},
		{"no match", plain, `{"matched":false,"score":0.2,"reference":""}`, gate.Face{Score: 0.2}, ""},
		{"no match needs no reference", plain, `{"matched":false}`, gate.Face{}, ""},
		{"a picture is passed over", plain, `{"picture":"` + strings.Repeat("A", 100_000) + `","matched":true,"reference":"7"}`, gate.Face{Matched: true, Ticket: 7}, ""},
		{"pretty", plain, "{\r\n\t\"matched\": true,\n  \"reference\" : \"7\"\n}", gate.Face{Matched: true, Ticket: 7}, ""},

		{"nested fields", vendor, `{"data":{"result":1,"match":{"similarity":"91.5"},"person":{"id":"12"}}}`, gate.Face{Matched: true, Score: 91.5, Ticket: 12}, ""},
		{"another value", vendor, `{"data":{"result":2,"match":{"similarity":91.5},"person":{"id":"12"}}}`, gate.Face{Score: 91.5}, ""},
		{"not like enough", vendor, `{"data":{"result":1,"match":{"similarity":79.99},"person":{"id":"12"}}}`, gate.Face{Score: 79.99}, ""},
		{"a least score, and none told", vendor, `{"data":{"result":1,"person":{"id":"12"}}}`, gate.Face{}, "data.match.similarity is missing"},

		{"a score tells", scoreOnly, `{"score":0.8,"reference":"7"}`, gate.Face{Matched: true, Score: 0.8, Ticket: 7}, ""},
		{"a score that is too low tells", scoreOnly, `{"score":0.79,"reference":"7"}`, gate.Face{Score: 0.79}, ""},

		{"heartbeat", plain, `{"type":"heartbeat","score":1}`, gate.Face{}, face.ErrNoResult.Error()},
		{"null is nothing", plain, `{"matched":null}`, gate.Face{}, face.ErrNoResult.Error()},
		{"a field of something else", vendor, `{"data":[1,2]}`, gate.Face{}, face.ErrNoResult.Error()},

		{"no reference", plain, `{"matched":true}`, gate.Face{}, "reference is missing"},
		{"an empty one", plain, `{"matched":true,"reference":""}`, gate.Face{}, "reference is missing"},
		{"a name for one", plain, `{"matched":true,"reference":"Zhang San"}`, gate.Face{}, "reference is neither"},
		{"ticket 0", plain, `{"matched":true,"reference":"0"}`, gate.Face{}, "reference is neither"},
		{"a ticket below 0", plain, `{"matched":true,"reference":-1}`, gate.Face{}, "reference is neither"},
		{"a ticket with an exponent", plain, `{"matched":true,"reference":1e3}`, gate.Face{}, "reference is neither"},
		{"a ticket too large", plain, `{"matched":true,"reference":"18446744073709551616"}`, gate.Face{}, "reference is neither"},
		{"a tag of zeros", plain, `{"matched":true,"reference":"` + strings.Repeat("0", 32) + `"}`, gate.Face{}, "reference is neither"},
		{"no hex", plain, `{"matched":true,"reference":"` + strings.Repeat("x", 32) + `"}`, gate.Face{}, "reference is neither"},
		{"a list for one", plain, `{"matched":true,"reference":["7"]}`, gate.Face{}, "reference is not a single value"},
		{"a long one", plain, `{"matched":true,"reference":"` + strings.Repeat("7", 70) + `"}`, gate.Face{}, "reference is too long"},
		{"a score that is none", plain, `{"matched":true,"score":"high","reference":"7"}`, gate.Face{}, "score is not a number"},
		{"a score without end", plain, `{"matched":true,"score":"Inf","reference":"7"}`, gate.Face{}, "score is not a number"},
		{"a list", plain, `[]`, gate.Face{}, face.ErrNotJSON.Error()},
		{"null", plain, `null`, gate.Face{}, face.ErrNotJSON.Error()},
		{"half", plain, `{"matched":tr`, gate.Face{}, face.ErrNotJSON.Error()},
		{"two", plain, `{"matched":false}{"matched":false}`, gate.Face{}, face.ErrNotJSON.Error()},
		{"nothing", plain, ``, gate.Face{}, face.ErrNotJSON.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.d.Parse([]byte(c.text))
			if err == nil != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestDecodingThatCannotBe(t *testing.T) {
	for want, d := range map[string]face.Decoding{
		"Fields.Score":     {Fields: face.Fields{Score: "a..b"}},
		"Fields.Reference": {Fields: face.Fields{Reference: "a.b.c.d.e.f.g.h.i"}},
		"Fields.Matched":   {Fields: face.Fields{Matched: "."}},
		"MinScore":         {MinScore: -1},
	} {
		var wrong *port.OptionError
		if err := d.Validate(); !errors.As(err, &wrong) || wrong.Field != want {
			t.Errorf("%+v: %v, want one about %s", d, err, want)
		}
	}
	if err := (face.Decoding{MinScore: math.NaN()}).Validate(); err == nil {
		t.Error("a least score that is no number is taken")
	}
}

// FuzzParse: whatever a terminal sends, a match names somebody and nothing else
// does, and no error repeats what was sent.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"matched":true,"score":0.93,"reference":"4711"}`), 0.5, "matched")
	f.Add([]byte(`{"data":{"result":1,"id":"`+tagText+`"},"score":"91"}`), 80.0, "data.result")
	f.Add([]byte(`{"matched":false,"picture":"AAAA"}`), 0.0, "matched")
	f.Add([]byte(`{"score":1e308,"reference":7}`), 1.0, "x.y.z")
	f.Fuzz(func(t *testing.T, message []byte, least float64, matched string) {
		d := face.Decoding{Fields: face.Fields{Matched: matched, MatchedIs: "true", Reference: "reference"}, MinScore: least}
		if d.Validate() != nil {
			return
		}
		got, err := d.Parse(message)
		switch {
		case err != nil && got != gate.Face{}:
			t.Fatalf("an error and a result: %+v", got)
		case got.Matched && (got.Ticket == 0) == got.Document.IsZero():
			t.Fatalf("a match of nobody, or of two: %+v", got)
		case !got.Matched && (got.Ticket != 0 || !got.Document.IsZero()):
			t.Fatalf("no match, but somebody: %+v", got)
		case got.Matched && got.Score < least:
			t.Fatalf("a match below the least score: %+v", got)
		}
		var field *face.FieldError
		if err != nil && !errors.Is(err, face.ErrNoResult) && !errors.Is(err, face.ErrNotJSON) && !errors.As(err, &field) {
			t.Fatalf("an error of no kind: %v", err)
		}
	})
}
