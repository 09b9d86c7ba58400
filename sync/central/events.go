package central

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// SetEvent adds an event, or replaces the rules of one. Issuers are the
// office's own business: a new event gets the venue's issuer, an old one keeps
// what it has. Gates know after the next publication. The error may be a
// [*pack.DocumentError].
func (o *Office) SetEvent(e *pack.Event, random io.Reader) error {
	unlock, err := lock(o.dir)
	if err != nil {
		return err
	}
	defer unlock()
	id := gate.EventID(e.ID)
	had := slices.IndexFunc(o.all(), func(have *event) bool { return have.ID == e.ID })
	if had >= 0 {
		e.Issuers = o.all()[had].Issuers
		if err := e.ValidateIn(o.Venue()); err != nil {
			return err
		}
		if err := writeDocument(eventPath(o.dir, id, fileEvent), e); err != nil {
			return err
		}
	} else {
		issuer, ok := o.issuers[firstIssuer]
		if !ok {
			return fmt.Errorf("event %d: the private key of issuer %d is not here", id, firstIssuer)
		}
		if err := createEvent(o.dir, o.Venue(), e, issuer, random); err != nil {
			return err
		}
	}
	next, err := openEvent(o.dir, id, o.Venue())
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	events := slices.DeleteFunc(slices.Clone(o.events), func(have *event) bool { return have.ID == e.ID })
	events = append(events, next)
	slices.SortFunc(events, func(a, b *event) int { return cmp.Compare(a.ID, b.ID) })
	o.events = events
	return nil
}
