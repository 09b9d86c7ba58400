package pack

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/venuegate/venuegate/gate"
)

func line(id string) string { return `{"id":"` + id + `","gen":1,"class":1,"zones":1}` + "\n" }

// What is signed may still be wrong: the issuer's own mistakes are named by
// shard, line and field.
func TestShardRefused(t *testing.T) {
	c, err := newCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	rules := newEventRules(&Event{ID: 7, Classes: []Class{{ID: 1}}, ZoneGroups: []ZoneGroup{{ID: 1}}}, &Venue{})
	s := shard{target: shardName(7, 10), first: 10, next: 20, tickets: 2}
	sound := line("10") + line("19")
	if got, err := s.decode(c, c.enc.EncodeAll([]byte(sound), nil), rules); err != nil || len(got) != 2 || got[1].ID != 19 {
		t.Fatalf("%+v, %v", got, err)
	}
	for name, x := range map[string]struct {
		text  string
		line  int
		field string
	}{
		"below the range":     {line("9") + line("10"), 1, "id"},
		"above the range":     {line("10") + line("20"), 2, "id"},
		"the same twice":      {line("10") + line("10"), 2, "id"},
		"descending":          {line("11") + line("10"), 2, "id"},
		"one too few":         {line("10"), 0, ""},
		"one too many":        {line("10") + line("11") + line("12"), 0, ""},
		"no end":              {strings.TrimSpace(sound), 0, ""},
		"an empty line":       {line("10") + "\n" + line("11"), 2, ""},
		"malformed":           {line("10") + "{\n", 2, ""},
		"of an unknown class": {line("10") + strings.Replace(line("11"), `"class":1`, `"class":2`, 1), 2, "class"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.decode(c, c.enc.EncodeAll([]byte(x.text), nil), rules)
			var at *LineError
			if !errors.As(err, &at) || at.Target != s.target || at.Line != x.line || at.Field != x.field {
				t.Fatalf("error %v", err)
			}
		})
	}
	if _, err := s.decode(c, []byte("no zstd"), rules); !errors.As(err, new(*LineError)) {
		t.Fatalf("error %v", err)
	}
}

// A few kilobytes that expand to gigabytes are stopped at the bound.
func TestShardBomb(t *testing.T) {
	var bomb bytes.Buffer
	enc, err := zstd.NewWriter(&bomb)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range maxShardRaw>>20 + 8 {
		if _, err := enc.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := newCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	err = c.lines("event/7/overlay", bomb.Bytes(), func(int, []byte) error { return errors.New("a line was read") })
	if !errors.As(err, new(*LineError)) {
		t.Fatalf("error %v", err)
	}
}

func TestShardNames(t *testing.T) {
	if got := shardName(7, 1<<64-1); got != "event/7/tickets/18446744073709551615" {
		t.Fatal(got)
	}
	for _, name := range []string{"", "1", "0000000000000000001x", "99999999999999999999", "000000000000000000001"} {
		if id, ok := parseShardName(name); ok {
			t.Errorf("%q is shard %d", name, id)
		}
	}
	if id, ok := parseShardName("00000000000000000042"); !ok || id != gate.TicketID(42) {
		t.Errorf("%d, %v", id, ok)
	}
	if id, ok := eventOf("event/07/event.json"); ok {
		t.Errorf("event %d", id)
	}
}
