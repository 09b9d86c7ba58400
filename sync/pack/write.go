package pack

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// AppendTicket appends the ticket's line, without a line break. The error is a
// [*LineError] without target and line.
func AppendTicket(b []byte, t *gate.Ticket) ([]byte, error) {
	if field, why := unwritable(t); field != "" {
		return b, &LineError{Field: field, Why: "ticket " + t.ID.String() + ": " + why}
	}
	w := lineWriter{b: append(b, '{')}
	w.id("id", uint64(t.ID))
	w.number("gen", uint64(t.Generation))
	if t.Status != gate.StatusValid {
		w.string("status", statuses.word(t.Status))
	}
	w.number("class", uint64(t.Class))
	w.number("zones", uint64(t.ZoneGroup))
	w.number("entrance", uint64(t.Entrance))
	if len(t.Sessions) > 0 {
		w.key("sessions")
		for i, s := range t.Sessions {
			w.b = append(w.b, "[,"[min(i, 1)])
			w.b = strconv.AppendUint(w.b, uint64(s), 10)
		}
		w.b = append(w.b, ']')
	}
	w.flag("re_entry", t.ReEntry)
	w.flag("real_name", t.RealName)
	if t.Party > 1 {
		w.number("party", uint64(t.Party))
	}
	w.moment("from", t.ValidFrom)
	w.moment("until", t.ValidUntil)
	w.moment("admit", t.AdmitFrom)
	w.number("per_day", uint64(t.EntriesPerDay))
	w.number("in_all", uint64(t.EntriesInAll))
	w.id("order", uint64(t.Order))
	w.id("pass", uint64(t.Pass))
	w.number("channel", uint64(t.Channel))
	w.code(&t.Code)
	if len(t.Documents) > 0 {
		w.key("docs")
		for i := range t.Documents {
			w.b = append(w.b, "[,"[min(i, 1)], '{')
			w.number("type", uint64(t.Documents[i].Type))
			w.hex("tag", t.Documents[i].Tag[:])
			w.b = append(w.b, '}')
		}
		w.b = append(w.b, ']')
	}
	w.hex("name", t.Name[:])
	w.hex("birth", t.Birth[:])
	w.hex("phone", t.Phone[:])
	w.text("masked", t.Masked)
	if t.Seat != (gate.Seat{}) {
		w.key("seat")
		for i, part := range []string{t.Seat.Area, t.Seat.Row, t.Seat.Seat} {
			w.b = append(w.b, "[,"[min(i, 1)])
			w.quote(part)
		}
		w.b = append(w.b, ']')
	}
	w.text("lang", t.Language)
	if len(t.Foreign) > 0 {
		w.key("foreign")
		for i := range t.Foreign {
			w.b = append(w.b, "[,"[min(i, 1)], '"')
			w.b = hex.AppendEncode(w.b, t.Foreign[i][:])
			w.b = append(w.b, '"')
		}
		w.b = append(w.b, ']')
	}
	return append(w.b, '}'), nil
}

// lineWriter writes an object; fields that are zero are left away.
type lineWriter struct {
	b []byte
}

func (w *lineWriter) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *lineWriter) number(name string, v uint64) {
	if v != 0 {
		w.key(name)
		w.b = strconv.AppendUint(w.b, v, 10)
	}
}

func (w *lineWriter) id(name string, v uint64) {
	if v != 0 {
		w.key(name)
		w.b = append(w.b, '"')
		w.b = strconv.AppendUint(w.b, v, 10)
		w.b = append(w.b, '"')
	}
}

func (w *lineWriter) flag(name string, v bool) {
	if v {
		w.key(name)
		w.b = append(w.b, "true"...)
	}
}

func (w *lineWriter) moment(name string, at time.Time) {
	if !at.IsZero() {
		w.number(name, uint64(at.Unix()))
	}
}

func (w *lineWriter) hex(name string, v []byte) {
	if len(bytes.TrimLeft(v, "\x00")) == 0 {
		return
	}
	w.key(name)
	w.b = append(w.b, '"')
	w.b = hex.AppendEncode(w.b, v)
	w.b = append(w.b, '"')
}

func (w *lineWriter) string(name, s string) {
	w.key(name)
	w.quote(s)
}

func (w *lineWriter) text(name, s string) {
	if s != "" {
		w.string(name, s)
	}
}

func (w *lineWriter) quote(s string) {
	quoted, _ := json.Marshal(s) // a string always has a JSON form
	w.b = append(w.b, quoted...)
}

func (w *lineWriter) code(c *gate.CodeParams) {
	if *c == (gate.CodeParams{}) {
		return
	}
	w.key("code")
	w.b = append(w.b, '{')
	w.number("key", uint64(c.KeyID))
	w.number("t0", uint64(c.T0))
	w.number("steps", uint64(c.Steps))
	w.number("period", uint64(c.Period))
	w.string("proof", proofs.word(c.Proof))
	w.hex("anchor", c.Anchor[:])
	w.hex("holder", c.Holder[:])
	w.b = append(w.b, '}')
}
