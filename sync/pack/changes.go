package pack

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// Changes returns the tickets that an event's overlay changes or adds, in
// ascending order of their ids and each whole, as Tickets would give it. base
// looks up the tickets of the shards, as whoever has installed them before can:
// no shard is fetched or read here. Nothing else differs between two
// repositories whose Base is the same.
//
// The stream ends with the first error: a [*LineError], [*TamperedError] or
// [*MissingError], or that of base.
func (r *Repository) Changes(ctx context.Context, id gate.EventID, base func(gate.TicketID, *gate.Ticket) (known bool, err error)) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		o, err := r.changes(ctx, id)
		if err != nil {
			yield(gate.Ticket{}, err)
			return
		}
		for _, id := range slices.Sorted(maps.Keys(o.changes)) {
			var t gate.Ticket // not used again: the reader may keep it
			known, err := base(id, &t)
			if err == nil {
				err = o.apply(&t, id, known)
			}
			if err != nil {
				yield(gate.Ticket{}, err)
				return
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// changes reads an event's overlay.
func (r *Repository) changes(ctx context.Context, id gate.EventID) (*overlay, error) {
	e, ok := r.Event(id)
	if !ok {
		return nil, &MissingError{File: eventFile(uint32(id))}
	}
	c, err := newCodec()
	if err != nil {
		return nil, err
	}
	defer c.close()
	return r.overlayOf(ctx, c, id, newEventRules(e.Event, r.Venue))
}
