package central

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// readAtOnce is how many tickets one reading transaction covers: a long one
// would keep pages of every change from being used again.
const readAtOnce = 2048

// Tickets implements Storage. A ticket that changes meanwhile is seen as it was
// before or after.
func (b *Bolt) Tickets(event gate.EventID) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		var next gate.TicketID
		for {
			some, err := b.ticketsFrom(event, next)
			for i := range some {
				if !yield(some[i], nil) {
					return
				}
			}
			if err != nil {
				yield(gate.Ticket{}, err)
				return
			}
			if len(some) < readAtOnce {
				return
			}
			next = some[len(some)-1].ID + 1
		}
	}
}

func (b *Bolt) ticketsFrom(event gate.EventID, from gate.TicketID) (some []gate.Ticket, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		list := sub(tx, bucketTickets, eventKey(event))
		if list == nil {
			return nil
		}
		c := list.Cursor()
		for k, v := c.Seek(ticketKey(from)); k != nil && len(some) < readAtOnce; k, v = c.Next() {
			t, err := parseTicket(v, event, ticketOfKey(k))
			if err != nil {
				return err
			}
			some = append(some, t)
		}
		return nil
	})
	return some, err
}

func parseTicket(line []byte, event gate.EventID, id gate.TicketID) (gate.Ticket, error) {
	t, err := pack.ParseTicket(line, event)
	if err == nil && t.ID != id {
		err = errors.New("another ticket stands in its place")
	}
	if err != nil {
		return t, fmt.Errorf("%s: ticket %s: %w", fileBolt, id, err)
	}
	return t, nil
}

// Ticket implements Storage.
func (b *Bolt) Ticket(event gate.EventID, id gate.TicketID) (t gate.Ticket, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		t, err = ticketIn(tx, event, id)
		return err
	})
	return t, err
}

func ticketIn(tx *bbolt.Tx, event gate.EventID, id gate.TicketID) (gate.Ticket, error) {
	list := sub(tx, bucketTickets, eventKey(event))
	if list != nil {
		if line := list.Get(ticketKey(id)); line != nil {
			return parseTicket(line, event, id)
		}
	}
	return gate.Ticket{}, fmt.Errorf("%s: %w", id, ErrUnknownTicket)
}

// Add implements Storage.
func (b *Bolt) Add(event gate.EventID, produce func(last gate.TicketID) ([]gate.Ticket, error)) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		list, err := makeSub(tx, bucketTickets, eventKey(event))
		if err != nil {
			return err
		}
		list.FillPercent = 0.9 // ids ascend
		var last gate.TicketID
		if k, _ := list.Cursor().Last(); k != nil {
			last = ticketOfKey(k)
		}
		added, err := produce(last)
		if err != nil {
			return err
		}
		for i := range added {
			if added[i].ID <= last {
				return fmt.Errorf("ticket %s is not above %s", added[i].ID, last)
			}
			last = added[i].ID
			if err := putTicket(tx, event, nil, &added[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Change implements Storage.
func (b *Bolt) Change(event gate.EventID, id gate.TicketID, change func(*gate.Ticket) error) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		before, err := ticketIn(tx, event, id)
		if err != nil {
			return err
		}
		t := clone(&before)
		if err := change(&t); err != nil {
			return err
		}
		if t.ID != id {
			return fmt.Errorf("ticket %s cannot become %s", id, t.ID)
		}
		return putTicket(tx, event, &before, &t)
	})
}

// putTicket stores a ticket, indexes it and notes the change. before is nil for
// a new one.
func putTicket(tx *bbolt.Tx, event gate.EventID, before, t *gate.Ticket) error {
	list, err := makeSub(tx, bucketTickets, eventKey(event))
	if err != nil {
		return err
	}
	line, err := pack.AppendTicket(nil, t)
	if err != nil {
		return err
	}
	if err := list.Put(ticketKey(t.ID), line); err != nil {
		return err
	}
	if err := index(tx, event, before, t); err != nil {
		return err
	}
	return noteChange(tx, event, t.ID, before != nil && before.Generation == t.Generation)
}

// noteChange notes under a new mark that a ticket changed.
func noteChange(tx *bbolt.Tx, event gate.EventID, id gate.TicketID, statusOnly bool) error {
	changed, err := makeSub(tx, bucketChanged, eventKey(event))
	if err != nil {
		return err
	}
	mark, err := changed.NextSequence()
	if err != nil {
		return err
	}
	key, value := ticketKey(id), make([]byte, 9)
	binary.BigEndian.PutUint64(value, mark)
	if had := changed.Get(key); statusOnly && (had == nil || had[8] == changedStatus) {
		value[8] = changedStatus
	}
	return changed.Put(key, value)
}

const changedStatus = 1

// Changes implements ChangeLog.
func (b *Bolt) Changes(event gate.EventID, most int) (changes []pack.Change, mark uint64, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		changed := sub(tx, bucketChanged, eventKey(event))
		if changed == nil {
			return nil
		}
		mark = changed.Sequence()
		c := changed.Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if len(changes) == most {
				return ErrManyChanges
			}
			t, err := ticketIn(tx, event, ticketOfKey(k))
			if err != nil {
				return err
			}
			if v[8] == changedStatus {
				changes = append(changes, pack.Change{ID: t.ID, Generation: t.Generation, Status: t.Status})
			} else {
				changes = append(changes, pack.Change{Ticket: &t})
			}
		}
		return nil
	})
	return changes, mark, err
}

// Mark implements ChangeLog.
func (b *Bolt) Mark(event gate.EventID) (mark uint64, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		if changed := sub(tx, bucketChanged, eventKey(event)); changed != nil {
			mark = changed.Sequence()
		}
		return nil
	})
	return mark, err
}

// settleAtOnce bounds one transaction of Settle.
const settleAtOnce = 10_000

// Settle implements ChangeLog.
func (b *Bolt) Settle(event gate.EventID, mark uint64) error {
	var from []byte
	for {
		more := false
		err := b.db.Update(func(tx *bbolt.Tx) error {
			changed := sub(tx, bucketChanged, eventKey(event))
			if changed == nil {
				return nil
			}
			var settled [][]byte
			c, seen := changed.Cursor(), 0
			for k, v := c.Seek(from); k != nil; k, v = c.Next() {
				if seen++; seen > settleAtOnce {
					from, more = append(from[:0:0], k...), true
					break
				}
				if binary.BigEndian.Uint64(v) <= mark {
					settled = append(settled, append([]byte(nil), k...))
				}
			}
			for _, k := range settled {
				if err := changed.Delete(k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || !more {
			return err
		}
	}
}

// Leased implements Storage.
func (b *Bolt) Leased(event gate.EventID, id gate.TicketID, generation uint8) (l Leased, ok bool, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		leases := sub(tx, bucketLeases, eventKey(event))
		if leases == nil {
			return nil
		}
		if v := leases.Get(append(ticketKey(id), generation)); len(v) == 12 {
			l, ok = Leased{
				Ticket: id, Generation: generation, Last: binary.BigEndian.Uint32(v),
				At: time.Unix(int64(binary.BigEndian.Uint64(v[4:])), 0).UTC(),
			}, true
		}
		return nil
	})
	return l, ok, err
}

// SetLeased implements Storage.
func (b *Bolt) SetLeased(event gate.EventID, given ...Leased) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		leases, err := makeSub(tx, bucketLeases, eventKey(event))
		if err != nil {
			return err
		}
		for _, l := range given {
			key := append(ticketKey(l.Ticket), l.Generation)
			if v := leases.Get(key); len(v) == 12 && binary.BigEndian.Uint32(v) >= l.Last {
				continue
			}
			value := binary.BigEndian.AppendUint32(nil, l.Last)
			value = binary.BigEndian.AppendUint64(value, uint64(l.At.Unix()))
			if err := leases.Put(key, value); err != nil {
				return err
			}
		}
		return nil
	})
}
