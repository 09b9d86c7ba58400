package pack

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/venuegate/venuegate/gate"
)

// Change is one line of an overlay: what happened to a ticket since the shards
// were made.
type Change struct {
	// Ticket is the whole ticket: sold late, re-issued or transferred. When it
	// is set, nothing else is.
	Ticket *gate.Ticket
	// ID, Generation and Status say what became of a ticket whose code stays as
	// it is: void, refunded, used up, or valid again. Generation is the highest
	// that was issued.
	ID         gate.TicketID
	Generation uint8
	Status     gate.Status
}

// Bounds of an overlay. Past half of them the issuer makes new shards.
const (
	maxOverlayLines = 100_000
	maxOverlayFile  = 16 << 20
)

func overlayName(event uint32) string { return fmt.Sprintf("event/%d/overlay", event) }

// AppendChange appends the overlay's line, without a line break. The error is
// a [*LineError] without target and line.
func AppendChange(b []byte, c *Change) ([]byte, error) {
	if c.Ticket != nil {
		return wrapTicket(b, c.Ticket)
	}
	switch {
	case c.ID == 0 || c.Generation == 0:
		return b, &LineError{Field: "change", Why: "id or gen is zero"}
	case c.Status > gate.StatusUsedUp:
		return b, &LineError{Field: "status", Why: "unknown"}
	}
	w := lineWriter{b: append(b, `{"change":{`...)}
	w.id("id", uint64(c.ID))
	w.number("gen", uint64(c.Generation))
	w.string("status", statuses.word(c.Status))
	return append(w.b, "}}"...), nil
}

func wrapTicket(b []byte, t *gate.Ticket) ([]byte, error) {
	b, err := AppendTicket(append(b, `{"ticket":`...), t)
	return append(b, '}'), err
}

// ParseChange reads one line of an overlay. The error is a [*LineError]
// without target and line.
func ParseChange(line []byte, event gate.EventID) (Change, error) {
	var d lineDecoder
	return d.change(line, event)
}

func (d *lineDecoder) change(line []byte, event gate.EventID) (Change, error) {
	if len(line) > maxLine {
		return Change{}, &LineError{Why: "longer than 8 KiB"}
	}
	var c Change
	n := 0
	d.start(line)
	s := &d.scan
	s.object(func(name []byte) {
		n++
		switch string(name) {
		case "ticket":
			d.read(event)
			t := d.t
			c.Ticket = &t
		case "change":
			d.status(&c)
		default:
			s.fail("unknown field")
		}
	})
	s.end()
	if n != 1 {
		s.field = ""
		s.fail("want one of ticket and change")
	}
	if err := d.err(); err != nil {
		return Change{}, err
	}
	return c, nil
}

func (d *lineDecoder) status(c *Change) {
	s := &d.scan
	d.seen = 0
	s.object(func(name []byte) {
		switch string(name) {
		case "id":
			d.once(fieldID, "id")
			c.ID = gate.TicketID(s.id())
		case "gen":
			d.once(fieldGeneration, "gen")
			c.Generation = uint8(s.number(8))
		case "status":
			d.once(fieldStatus, "status")
			c.Status = word(s, statuses)
		default:
			s.fail("unknown field")
		}
	})
	if d.seen != fieldID|fieldGeneration|fieldStatus || c.ID == 0 || c.Generation == 0 {
		s.fail("want id, gen and status, none of them zero")
	}
}

// overlay is an event's changes, ready to be merged into its tickets.
type overlay struct {
	target  string
	changes map[gate.TicketID][]numbered // in the order of the lines
	whole   []gate.TicketID              // whose ticket may be new, ascending
}

type numbered struct {
	line int
	Change
}

func readOverlay(c *codec, target string, compressed []byte, rules *eventRules) (*overlay, error) {
	o := &overlay{target: target, changes: map[gate.TicketID][]numbered{}}
	var d lineDecoder
	err := c.lines(target, compressed, func(n int, line []byte) error {
		if n > maxOverlayLines {
			return &LineError{Target: target, Line: n, Why: "more than " + strconv.Itoa(maxOverlayLines) + " lines"}
		}
		change, err := d.change(line, rules.event)
		if err == nil && change.Ticket != nil {
			err = rules.check(change.Ticket)
		}
		if err != nil {
			return placed(err, target, n)
		}
		o.add(n, change)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(o.whole)
	o.whole = slices.Compact(o.whole)
	return o, nil
}

func (o *overlay) add(line int, c Change) {
	id := c.ID
	if c.Ticket != nil {
		id = c.Ticket.ID
		o.whole = append(o.whole, id)
	}
	o.changes[id] = append(o.changes[id], numbered{line, c})
}

// apply brings a ticket up to date. known is false when the shards do not have
// it. What the overlay says of a generation below the ticket's is older than
// the shards and skipped.
func (o *overlay) apply(t *gate.Ticket, id gate.TicketID, known bool) error {
	for _, c := range o.changes[id] {
		switch {
		case c.Ticket != nil:
			if !known || c.Ticket.Generation >= t.Generation {
				*t, known = *c.Ticket, true
			}
		case !known:
			return &LineError{Target: o.target, Line: c.line, Field: "id", Why: "no such ticket"}
		case c.Generation == t.Generation, c.Generation > t.Generation && c.Status != gate.StatusValid:
			t.Generation, t.Status = c.Generation, c.Status
		case c.Generation > t.Generation:
			return &LineError{Target: o.target, Line: c.line, Field: "gen", Why: "a new generation that is valid needs the whole ticket"}
		}
	}
	return nil
}
