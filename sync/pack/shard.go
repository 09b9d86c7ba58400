package pack

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/venuegate/venuegate/gate"
)

// Bounds of a shard and an overlay.
const (
	perShard     = 4000     // tickets that a full shard holds
	splitShard   = 8000     // more than this, and a shard is split
	maxShardRaw  = 64 << 20 // bytes of lines
	maxShardFile = 16 << 20
	maxShards    = 4096 // of an event
)

// shardName returns the target of a shard by the first ticket id that belongs
// to it. The next shard's name is the end of its range, so names in their
// order are the order of tickets.
func shardName(event uint32, first gate.TicketID) string {
	return fmt.Sprintf("event/%d/tickets/%020d", event, uint64(first))
}

// parseShardName takes a shard's target apart.
func parseShardName(rest string) (gate.TicketID, bool) {
	v, err := strconv.ParseUint(rest, 10, 64)
	return gate.TicketID(v), err == nil && len(rest) == 20
}

// codec compresses and expands shards and overlays. It may be used by several
// goroutines.
type codec struct {
	enc  *zstd.Encoder
	dec  *zstd.Decoder
	raws sync.Pool // of *[]byte
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxShardRaw))
	if err != nil {
		return nil, err
	}
	return &codec{enc: enc, dec: dec, raws: sync.Pool{New: func() any { return new([]byte) }}}, nil
}

func (c *codec) close() { c.dec.Close() }

// lines calls each with every line of a compressed target and its number. The
// line is valid until each returns.
func (c *codec) lines(target string, compressed []byte, each func(n int, line []byte) error) error {
	buf := c.raws.Get().(*[]byte)
	defer c.raws.Put(buf)
	raw, err := c.dec.DecodeAll(compressed, (*buf)[:0])
	if err != nil {
		return &LineError{Target: target, Why: "no zstd data, or too large: " + err.Error()}
	}
	*buf = raw
	if len(raw) > 0 && raw[len(raw)-1] != '\n' {
		return &LineError{Target: target, Why: "the last line has no end"}
	}
	for n := 1; len(raw) > 0; n++ {
		end := bytes.IndexByte(raw, '\n')
		if err := each(n, raw[:end]); err != nil {
			return err
		}
		raw = raw[end+1:]
	}
	return nil
}

// shard is one target with tickets, as signed metadata lists it.
type shard struct {
	target      string
	first, next gate.TicketID // next: of the shard after it; zero for the last
	tickets     int           // announced
}

// holds reports whether the id is in the shard's range.
func (s *shard) holds(id gate.TicketID) bool {
	return id >= s.first && (s.next == 0 || id < s.next)
}

// decode reads the shard's tickets, which must ascend within its range and fit
// the event.
func (s *shard) decode(c *codec, compressed []byte, rules *eventRules) ([]gate.Ticket, error) {
	tickets := make([]gate.Ticket, 0, min(s.tickets, 2*splitShard))
	var d lineDecoder
	last := gate.TicketID(0)
	err := c.lines(s.target, compressed, func(n int, line []byte) error {
		t, err := d.ticket(line, rules.event)
		if err == nil {
			err = rules.check(&t)
		}
		switch {
		case err != nil:
			return placed(err, s.target, n)
		case !s.holds(t.ID):
			return &LineError{Target: s.target, Line: n, Field: "id", Why: "belongs into another shard"}
		case t.ID <= last:
			return &LineError{Target: s.target, Line: n, Field: "id", Why: "not above the one before"}
		}
		last = t.ID
		tickets = append(tickets, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(tickets) != s.tickets {
		return nil, &LineError{Target: s.target, Why: fmt.Sprintf("%d tickets, %d are announced", len(tickets), s.tickets)}
	}
	return tickets, nil
}

// placed puts target and line into a LineError.
func placed(err error, target string, line int) error {
	if e, ok := err.(*LineError); ok { //nolint:errorlint // made one call below, never wrapped
		return &LineError{Target: target, Line: line, Field: e.Field, Why: e.Why}
	}
	return err
}

// eventRules is what tickets of an event may refer to.
type eventRules struct {
	event                                          gate.EventID
	classes, groups, sessions, channels, entrances map[uint16]bool
}

func newEventRules(e *Event, v *Venue) *eventRules {
	r := &eventRules{
		event: gate.EventID(e.ID), classes: map[uint16]bool{}, groups: map[uint16]bool{},
		sessions: map[uint16]bool{}, channels: map[uint16]bool{}, entrances: map[uint16]bool{},
	}
	for _, c := range e.Classes {
		r.classes[c.ID] = true
	}
	for _, g := range e.ZoneGroups {
		r.groups[g.ID] = true
	}
	for _, s := range e.Sessions {
		r.sessions[s.ID] = true
	}
	for _, c := range e.Channels {
		r.channels[c.ID] = true
	}
	for _, x := range v.Entrances {
		r.entrances[x.ID] = true
	}
	return r
}

// check refuses a ticket that names something that neither venue.json nor
// event.json knows: a gate would turn its holder away.
func (r *eventRules) check(t *gate.Ticket) error {
	unknown := func(field string, id uint16) error {
		return &LineError{Field: field, Why: fmt.Sprintf("%d is not in the event", id)}
	}
	switch {
	case t.Event != r.event:
		return &LineError{Field: "event", Why: fmt.Sprintf("ticket of event %d", t.Event)}
	case !r.classes[uint16(t.Class)]:
		return unknown("class", uint16(t.Class))
	case !r.groups[uint16(t.ZoneGroup)]:
		return unknown("zones", uint16(t.ZoneGroup))
	case t.Channel != 0 && !r.channels[uint16(t.Channel)]:
		return unknown("channel", uint16(t.Channel))
	case t.Entrance != 0 && !r.entrances[uint16(t.Entrance)]:
		return unknown("entrance", uint16(t.Entrance))
	}
	for _, s := range t.Sessions {
		if !r.sessions[uint16(s)] {
			return unknown("sessions", uint16(s))
		}
	}
	return nil
}
