package central

import (
	"errors"
	"iter"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// atRest is the file of a central that does not run now: it is opened for each
// call, so that commands can work on the venue and central can start at any
// moment.
type atRest struct{ dir string }

func (r atRest) with(do func(*Bolt) error) error {
	b, err := OpenBolt(r.dir)
	if err != nil {
		return err
	}
	return errors.Join(do(b), b.Close())
}

func (r atRest) Tickets(event gate.EventID) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		stopped := false
		err := r.with(func(b *Bolt) error {
			for t, err := range b.Tickets(event) {
				if err != nil {
					return err
				}
				if !yield(t, nil) {
					stopped = true
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(gate.Ticket{}, err)
		}
	}
}

func (r atRest) Ticket(event gate.EventID, id gate.TicketID) (t gate.Ticket, err error) {
	err = r.with(func(b *Bolt) (err error) { t, err = b.Ticket(event, id); return err })
	return t, err
}

func (r atRest) Add(event gate.EventID, produce func(last gate.TicketID) ([]gate.Ticket, error)) error {
	return r.with(func(b *Bolt) error { return b.Add(event, produce) })
}

func (r atRest) Change(event gate.EventID, id gate.TicketID, change func(*gate.Ticket) error) error {
	return r.with(func(b *Bolt) error { return b.Change(event, id, change) })
}

func (r atRest) Leased(event gate.EventID, id gate.TicketID, generation uint8) (l Leased, ok bool, err error) {
	err = r.with(func(b *Bolt) (err error) { l, ok, err = b.Leased(event, id, generation); return err })
	return l, ok, err
}

func (r atRest) SetLeased(event gate.EventID, given ...Leased) error {
	return r.with(func(b *Bolt) error { return b.SetLeased(event, given...) })
}

func (r atRest) Changes(event gate.EventID, most int) (changes []pack.Change, mark uint64, err error) {
	err = r.with(func(b *Bolt) (err error) { changes, mark, err = b.Changes(event, most); return err })
	return changes, mark, err
}

func (r atRest) Mark(event gate.EventID) (mark uint64, err error) {
	err = r.with(func(b *Bolt) (err error) { mark, err = b.Mark(event); return err })
	return mark, err
}

func (r atRest) Settle(event gate.EventID, mark uint64) error {
	return r.with(func(b *Bolt) error { return b.Settle(event, mark) })
}

func (r atRest) Entry(name string, into any) (ok bool, err error) {
	err = r.with(func(b *Bolt) (err error) { ok, err = b.Entry(name, into); return err })
	return ok, err
}

func (r atRest) Entries(prefix string, each func(name string, raw []byte) error) error {
	return r.with(func(b *Bolt) error { return b.Entries(prefix, each) })
}

func (r atRest) ChangeEntry(name string, into any, change func() error) error {
	return r.with(func(b *Bolt) error { return b.ChangeEntry(name, into, change) })
}

func (r atRest) RemoveEntry(name string) error {
	return r.with(func(b *Bolt) error { return b.RemoveEntry(name) })
}
