package pack

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Bounds of one ticket line.
const (
	maxLine      = 8 << 10 // bytes
	maxSessions  = 64
	maxDocuments = 16
	maxForeign   = 16
	maxText      = 64 // bytes of the masked name and each part of the seat
	maxLanguage  = 35
	maxUnix      = 253402300799 // the last second of the year 9999
)

// The fields of a ticket line, in the order in which they are written.
const (
	fieldID = 1 << iota
	fieldGeneration
	fieldStatus
	fieldClass
	fieldZones
	fieldEntrance
	fieldSessions
	fieldReEntry
	fieldRealName
	fieldParty
	fieldFrom
	fieldUntil
	fieldAdmit
	fieldPerDay
	fieldInAll
	fieldOrder
	fieldPass
	fieldChannel
	fieldCode
	fieldDocuments
	fieldName
	fieldBirth
	fieldPhone
	fieldMasked
	fieldSeat
	fieldLanguage
	fieldForeign
)

// ParseTicket reads one ticket line of an event. The error is a [*LineError]
// without target and line.
func ParseTicket(line []byte, event gate.EventID) (gate.Ticket, error) {
	var d lineDecoder
	t, err := d.ticket(line, event)
	if err != nil {
		return gate.Ticket{}, err
	}
	return t, nil
}

// lineDecoder reads ticket lines, one after the other.
type lineDecoder struct {
	scan scanner
	t    gate.Ticket
	seen uint64
}

func (d *lineDecoder) ticket(line []byte, event gate.EventID) (gate.Ticket, error) {
	if len(line) > maxLine {
		return gate.Ticket{}, &LineError{Why: "longer than 8 KiB"}
	}
	d.start(line)
	d.read(event)
	d.scan.end()
	return d.t, d.err()
}

func (d *lineDecoder) start(line []byte) {
	d.scan = scanner{b: line, scratch: d.scan.scratch}
}

// read reads one ticket object at the scanner's place into d.t.
func (d *lineDecoder) read(event gate.EventID) {
	d.t, d.seen = gate.Ticket{Event: event, Party: 1}, 0
	d.scan.object(d.value)
	if d.scan.failed() {
		return
	}
	if field, why := implausible(&d.t, d.seen); field != "" {
		d.scan.field = field
		d.scan.fail(why)
	}
}

func (d *lineDecoder) err() error {
	if !d.scan.failed() {
		return nil
	}
	return &LineError{Field: d.scan.field, Why: d.scan.why}
}

// once notes a field and refuses it the second time. The name is the format's,
// so that an error never quotes the line.
func (d *lineDecoder) once(bit uint64, name string) {
	d.scan.field = name
	if d.seen&bit != 0 {
		d.scan.fail("there twice")
	}
	d.seen |= bit
}

func (d *lineDecoder) value(name []byte) {
	s, t := &d.scan, &d.t
	switch string(name) {
	case "id":
		d.once(fieldID, "id")
		t.ID = gate.TicketID(s.id())
	case "gen":
		d.once(fieldGeneration, "gen")
		t.Generation = uint8(s.number(8))
	case "status":
		d.once(fieldStatus, "status")
		t.Status = word(s, statuses)
	case "class":
		d.once(fieldClass, "class")
		t.Class = gate.ClassID(s.number(16))
	case "zones":
		d.once(fieldZones, "zones")
		t.ZoneGroup = gate.ZoneGroupID(s.number(16))
	case "entrance":
		d.once(fieldEntrance, "entrance")
		t.Entrance = gate.EntranceID(s.number(16))
	case "sessions":
		d.once(fieldSessions, "sessions")
		t.Sessions = make([]gate.SessionID, 0, 1)
		s.list(maxSessions, func() { t.Sessions = append(t.Sessions, gate.SessionID(s.number(16))) })
	case "re_entry":
		d.once(fieldReEntry, "re_entry")
		t.ReEntry = s.boolean()
	case "real_name":
		d.once(fieldRealName, "real_name")
		t.RealName = s.boolean()
	case "party":
		d.once(fieldParty, "party")
		t.Party = uint8(s.number(8))
	case "code":
		d.once(fieldCode, "code")
		d.code(&t.Code)
	default:
		d.more(name)
	}
}

// more reads the fields that say when, how often and who.
func (d *lineDecoder) more(name []byte) {
	s, t := &d.scan, &d.t
	switch string(name) {
	case "from":
		d.once(fieldFrom, "from")
		t.ValidFrom = d.moment()
	case "until":
		d.once(fieldUntil, "until")
		t.ValidUntil = d.moment()
	case "admit":
		d.once(fieldAdmit, "admit")
		t.AdmitFrom = d.moment()
	case "per_day":
		d.once(fieldPerDay, "per_day")
		t.EntriesPerDay = uint16(s.number(16))
	case "in_all":
		d.once(fieldInAll, "in_all")
		t.EntriesInAll = uint16(s.number(16))
	case "order":
		d.once(fieldOrder, "order")
		t.Order = gate.OrderID(s.id())
	case "pass":
		d.once(fieldPass, "pass")
		t.Pass = gate.PassID(s.id())
	case "channel":
		d.once(fieldChannel, "channel")
		t.Channel = gate.ChannelID(s.number(16))
	case "docs":
		d.once(fieldDocuments, "docs")
		s.list(maxDocuments, func() { t.Documents = append(t.Documents, d.document()) })
	case "name":
		d.once(fieldName, "name")
		s.hex(t.Name[:])
	case "birth":
		d.once(fieldBirth, "birth")
		s.hex(t.Birth[:])
	case "phone":
		d.once(fieldPhone, "phone")
		s.hex(t.Phone[:])
	case "masked":
		d.once(fieldMasked, "masked")
		t.Masked = s.text(maxText)
	case "seat":
		d.once(fieldSeat, "seat")
		d.seat(&t.Seat)
	case "lang":
		d.once(fieldLanguage, "lang")
		t.Language = s.text(maxLanguage)
	case "foreign":
		d.once(fieldForeign, "foreign")
		s.list(maxForeign, func() {
			t.Foreign = append(t.Foreign, gate.Tag{})
			s.hex(t.Foreign[len(t.Foreign)-1][:])
		})
	default:
		s.field = ""
		s.fail("unknown field")
	}
}

func word[T comparable](s *scanner, known words[T]) T {
	raw, ok := s.plain()
	v, there := known[string(raw)]
	if !ok || !there {
		s.fail("want one of " + known.list())
	}
	return v
}

// moment reads Unix seconds, not zero, within the years that RFC 3339 can say.
func (d *lineDecoder) moment() time.Time {
	v := d.scan.number(64)
	if v == 0 || v > maxUnix {
		d.scan.fail("want Unix seconds")
		return time.Time{}
	}
	return time.Unix(int64(v), 0).UTC()
}

// The fields of a ticket's code.
const (
	codeKey = 1 << iota
	codeT0
	codeSteps
	codePeriod
	codeProof
	codeAnchor
	codeHolder
)

func (d *lineDecoder) code(c *gate.CodeParams) {
	s := &d.scan
	seen := 0
	s.object(func(name []byte) {
		field := 0
		switch string(name) {
		case "key":
			field, c.KeyID = codeKey, uint16(s.number(16))
		case "t0":
			field, c.T0 = codeT0, uint32(s.number(32))
		case "steps":
			field, c.Steps = codeSteps, uint16(s.number(16))
		case "period":
			field, c.Period = codePeriod, uint8(s.number(8))
		case "proof":
			field, c.Proof = codeProof, word(s, proofs)
		case "anchor":
			field = codeAnchor
			s.hex(c.Anchor[:])
		case "holder":
			field = codeHolder
			s.hex(c.Holder[:])
		default:
			s.fail("unknown field")
		}
		if seen&field != 0 {
			s.fail("a field is there twice")
		}
		seen |= field
	})
	if seen&codeProof == 0 {
		s.fail("proof is missing")
	}
}

func (d *lineDecoder) document() (doc gate.DocumentTag) {
	s := &d.scan
	types, tags := 0, 0
	s.object(func(name []byte) {
		switch string(name) {
		case "type":
			types++
			doc.Type = gate.DocumentType(s.number(8))
		case "tag":
			tags++
			s.hex(doc.Tag[:])
		default:
			s.fail("unknown field")
		}
	})
	if types != 1 || tags != 1 {
		s.fail("want one type and one tag")
	}
	return doc
}

// seat reads a list of three: area, row and seat.
func (d *lineDecoder) seat(seat *gate.Seat) {
	into := []*string{&seat.Area, &seat.Row, &seat.Seat}
	n := 0
	d.scan.list(len(into), func() {
		*into[n] = d.scan.text(maxText)
		n++
	})
	if n != len(into) {
		d.scan.fail("want area, row and seat")
	}
}
