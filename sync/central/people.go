package central

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate"
)

// People finds tickets by what is known of their holders.
type People interface {
	// OfDocument returns the tickets of an event that a document's tag is on, by
	// ascending id.
	OfDocument(event gate.EventID, tag gate.Tag) ([]gate.TicketID, error)
	// OfForeign returns the ticket that another platform's code stands for; ok
	// is false when there is none.
	OfForeign(event gate.EventID, tag gate.Tag) (id gate.TicketID, ok bool, err error)
}

// Wallets keeps who may show a ticket.
type Wallets interface {
	// Wallet returns what is known; it is zero for a ticket without.
	Wallet(event gate.EventID, id gate.TicketID) (Wallet, error)
	// ChangeWallet changes it, unless change fails.
	ChangeWallet(event gate.EventID, id gate.TicketID, change func(*Wallet) error) error
	// AddWallets stores wallets of new tickets, all or none.
	AddWallets(event gate.EventID, wallets map[gate.TicketID]Wallet) error
}

// Wallet says which account and which phone may show a ticket. Both are keyed
// tags of what the channel calls them.
type Wallet struct {
	Account   gate.Tag  `json:"account,omitzero"`
	Phone     gate.Tag  `json:"phone,omitzero"` // that holds the lease
	Until     time.Time `json:"until,omitzero"` // when that lease ends
	Changed   time.Time `json:"changed,omitzero"`
	Transfers int       `json:"transfers,omitempty"`
}

// ForeignTakenError is another platform's code that is on the list already.
type ForeignTakenError struct{ Ticket gate.TicketID }

// Error names the ticket that has the code; it does not quote the code.
func (e *ForeignTakenError) Error() string {
	return fmt.Sprintf("ticket %s has this code of another platform already", e.Ticket)
}

// index keeps the ways to a ticket by document and by foreign code. before is
// nil for a new ticket.
func index(tx *bbolt.Tx, event gate.EventID, before, t *gate.Ticket) error {
	if before != nil {
		if persons := sub(tx, bucketPersons, eventKey(event)); persons != nil {
			for _, d := range before.Documents {
				if err := persons.Delete(append(d.Tag[:], ticketKey(t.ID)...)); err != nil {
					return err
				}
			}
		}
		if foreign := sub(tx, bucketForeign, eventKey(event)); foreign != nil {
			for _, tag := range before.Foreign {
				if err := foreign.Delete(tag[:]); err != nil {
					return err
				}
			}
		}
	}
	if len(t.Documents) > 0 {
		persons, err := makeSub(tx, bucketPersons, eventKey(event))
		if err != nil {
			return err
		}
		for _, d := range t.Documents {
			if err := persons.Put(append(d.Tag[:], ticketKey(t.ID)...), nil); err != nil {
				return err
			}
		}
	}
	if len(t.Foreign) == 0 || t.Status == gate.StatusVoid || t.Status == gate.StatusRefunded {
		return nil // the code may be sold again
	}
	foreign, err := makeSub(tx, bucketForeign, eventKey(event))
	if err != nil {
		return err
	}
	for _, tag := range t.Foreign {
		if had := foreign.Get(tag[:]); had != nil && ticketOfKey(had) != t.ID {
			return &ForeignTakenError{ticketOfKey(had)}
		}
		if err := foreign.Put(tag[:], ticketKey(t.ID)); err != nil {
			return err
		}
	}
	return nil
}

// OfDocument implements People.
func (b *Bolt) OfDocument(event gate.EventID, tag gate.Tag) (ids []gate.TicketID, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		persons := sub(tx, bucketPersons, eventKey(event))
		if persons == nil {
			return nil
		}
		c := persons.Cursor()
		for k, _ := c.Seek(tag[:]); len(k) == len(tag)+8 && gate.Tag(k[:len(tag)]) == tag; k, _ = c.Next() {
			ids = append(ids, ticketOfKey(k[len(tag):]))
		}
		return nil
	})
	return ids, err
}

// OfForeign implements People.
func (b *Bolt) OfForeign(event gate.EventID, tag gate.Tag) (id gate.TicketID, ok bool, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		foreign := sub(tx, bucketForeign, eventKey(event))
		if foreign == nil {
			return nil
		}
		if v := foreign.Get(tag[:]); v != nil {
			id, ok = ticketOfKey(v), true
		}
		return nil
	})
	return id, ok, err
}

// Wallet implements Wallets.
func (b *Bolt) Wallet(event gate.EventID, id gate.TicketID) (w Wallet, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		if wallets := sub(tx, bucketWallets, eventKey(event)); wallets != nil {
			_, err := getJSON(wallets, ticketKey(id), &w)
			return err
		}
		return nil
	})
	return w, err
}

// ChangeWallet implements Wallets.
func (b *Bolt) ChangeWallet(event gate.EventID, id gate.TicketID, change func(*Wallet) error) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		wallets, err := makeSub(tx, bucketWallets, eventKey(event))
		if err != nil {
			return err
		}
		var w Wallet
		if _, err := getJSON(wallets, ticketKey(id), &w); err != nil {
			return err
		}
		if err := change(&w); err != nil {
			return err
		}
		return putJSON(wallets, ticketKey(id), w)
	})
}

// AddWallets implements Wallets.
func (b *Bolt) AddWallets(event gate.EventID, wallets map[gate.TicketID]Wallet) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := makeSub(tx, bucketWallets, eventKey(event))
		for id, w := range wallets {
			err = errors.Join(err, putJSON(bucket, ticketKey(id), w))
		}
		return err
	})
}
