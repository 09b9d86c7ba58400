package server

import (
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

// ticketJSON is a ticket as the office sees it: nothing that shows or opens it.
type ticketJSON struct {
	Ticket     string      `json:"ticket"`
	Event      string      `json:"event"`
	Generation uint8       `json:"generation"`
	Status     string      `json:"status"`
	Class      uint16      `json:"class"`
	ZoneGroup  uint16      `json:"zone_group"`
	Sessions   []uint16    `json:"sessions"`
	Party      int         `json:"party"`
	Channel    uint16      `json:"channel,omitempty"`
	Order      string      `json:"order,omitempty"`
	Proof      string      `json:"proof"`
	RealName   bool        `json:"real_name"`
	Holder     string      `json:"holder,omitempty"` // masked
	Seat       saleSeat    `json:"seat,omitzero"`
	Foreign    int         `json:"foreign_codes"`
	Came       int         `json:"came"` // people who came in with it, re-entries included
	Transfers  int         `json:"transfers"`
	Leased     *leasedJSON `json:"leased,omitempty"`
}

// leasedJSON says how far a phone can show the present generation.
type leasedJSON struct {
	Last  uint32    `json:"last"` // J
	At    time.Time `json:"at"`
	Until time.Time `json:"until"`
	// DarkAt is from when a phone that is offline is admitted nowhere with it.
	DarkAt time.Time `json:"dark_at"`
}

func (s *Server) ticketJSON(v *venue, t *gate.Ticket) (ticketJSON, error) {
	out := ticketJSON{
		Ticket: t.ID.String(), Event: decimal(uint64(t.Event)), Generation: t.Generation,
		Status: central.StatusWord(t.Status), Class: uint16(t.Class), ZoneGroup: uint16(t.ZoneGroup), Sessions: []uint16{},
		Party: t.PartySize(), Channel: uint16(t.Channel), Proof: ticket.Proof(t.Code.Proof).String(), RealName: t.RealName,
		Holder: t.Masked, Seat: saleSeat(t.Seat), Foreign: len(t.Foreign), Came: v.attendance.Came(t.Event, 0, t.ID),
	}
	for _, id := range t.Sessions {
		out.Sessions = append(out.Sessions, uint16(id))
	}
	if t.Order != 0 {
		out.Order = decimal(uint64(t.Order))
	}
	wallet, err := v.store.Wallet(t.Event, t.ID)
	if err != nil {
		return out, err
	}
	out.Transfers = wallet.Transfers
	l, until, dark, ok, err := v.office.LeasedTo(t.ID)
	if ok {
		out.Leased = &leasedJSON{l.Last, l.At, until, dark}
	}
	return out, err
}

func (s *Server) showTicket(w http.ResponseWriter, r *http.Request) error {
	caller, err := s.may(r, roleSales)
	if err != nil {
		return err
	}
	v, t, err := s.ticketOf(r, caller)
	if err != nil {
		return err
	}
	out, err := s.ticketJSON(v, &t)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *Server) voidTicket(w http.ResponseWriter, r *http.Request) error {
	return s.endTicket(w, r, (*central.Office).Void)
}

func (s *Server) refundTicket(w http.ResponseWriter, r *http.Request) error {
	return s.endTicket(w, r, (*central.Office).Refund)
}

func (s *Server) endTicket(w http.ResponseWriter, r *http.Request, end func(*central.Office, gate.TicketID) (central.Changed, error)) error {
	caller, err := s.may(r, roleSales)
	if err != nil {
		return err
	}
	v, t, err := s.ticketOf(r, caller)
	if err != nil {
		return err
	}
	changed, err := end(v.office, t.ID)
	if err != nil {
		return err
	}
	v.publisher.changed()
	out, err := s.ticketJSON(v, &changed.Ticket)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

// transfer is what a ticket's next holder is.
type transfer struct {
	Account   string         `json:"account,omitempty"`
	Documents []saleDocument `json:"documents,omitempty"`
	Name      gate.Private   `json:"name,omitempty"`
	HolderKey string         `json:"holder_key,omitempty"`
}

func (s *Server) transferTicket(w http.ResponseWriter, r *http.Request) error {
	caller, err := s.may(r, roleSales)
	if err != nil {
		return err
	}
	v, t, err := s.ticketOf(r, caller)
	if err != nil {
		return err
	}
	var in transfer
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	to := central.Holder{Name: in.Name}
	if to.Documents, err = documents(in.Documents); err != nil {
		return newProblem(http.StatusUnprocessableEntity, "invalid", "%v", err)
	}
	var key [ticket.HolderKeySize]byte
	if in.HolderKey != "" {
		raw, err := hex.DecodeString(in.HolderKey)
		if err != nil || len(raw) != len(key) {
			return newProblem(http.StatusUnprocessableEntity, "invalid", "holder_key: want %d hex digits", 2*len(key))
		}
		key = [ticket.HolderKeySize]byte(raw)
	}
	var account gate.Tag
	if in.Account != "" {
		if account, err = v.office.Alias(t.Event, "account", in.Account); err != nil {
			return err
		}
	}
	s.leasing.Lock() // nobody leases or transfers it meanwhile
	defer s.leasing.Unlock()
	terms, err := central.TermsOf(v.store, t.Event)
	if err != nil {
		return err
	}
	wallet, err := v.store.Wallet(t.Event, t.ID)
	if err != nil {
		return err
	}
	now := s.now()
	if err := terms.Allow(wallet.Transfers, now); err != nil {
		return err
	}
	// The account first: should central end between the two, the ticket waits for
	// the transfer to be made again, and its former holder leases no codes of the
	// next one's.
	err = v.store.ChangeWallet(t.Event, t.ID, func(w *central.Wallet) error {
		*w = central.Wallet{Account: account, Changed: now.UTC().Truncate(time.Second), Transfers: w.Transfers + 1}
		return nil
	})
	if err != nil {
		return err
	}
	issued, changed, err := v.office.HandOver(t.ID, to, key)
	if err != nil {
		return errors.Join(err, v.store.ChangeWallet(t.Event, t.ID, func(w *central.Wallet) error { *w = wallet; return nil }))
	}
	v.publisher.changed()
	one, err := soldOf(&issued, now.Add(longAfter))
	if err != nil {
		return err
	}
	out := struct {
		sold
		// OldDarkAt is from when the former holder's phone is admitted nowhere
		// while it is offline; absent where only a new pack stops it.
		OldDarkAt *time.Time `json:"old_dark_at,omitempty"`
	}{sold: one}
	if !changed.DarkAt.IsZero() {
		out.OldDarkAt = &changed.DarkAt
	}
	return writeJSON(w, http.StatusOK, out)
}

// leaseRequest says which phone of which account asks.
type leaseRequest struct {
	Account string `json:"account"`
	Phone   string `json:"phone"`
}

// leaseAnswer is what a phone may show until it asks again.
type leaseAnswer struct {
	sold
	Last  uint32    `json:"last"`  // J
	Value string    `json:"value"` // x[N-1-J], hex
	Until time.Time `json:"until"` // end of step J
	Now   time.Time `json:"now"`   // the server's clock
}

func (s *Server) leaseTicket(w http.ResponseWriter, r *http.Request) error {
	caller, err := s.may(r, roleSales)
	if err != nil {
		return err
	}
	v, t, err := s.ticketOf(r, caller)
	if err != nil {
		return err
	}
	var in leaseRequest
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if in.Account == "" || in.Phone == "" || len(in.Account) > maxAccount || len(in.Phone) > maxAccount {
		return newProblem(http.StatusUnprocessableEntity, "invalid", "account and phone: want 1 to %d bytes each", maxAccount)
	}
	account, err1 := v.office.Alias(t.Event, "account", in.Account)
	phone, err2 := v.office.Alias(t.Event, "phone", in.Phone)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	s.leasing.Lock() // one phone at a time
	defer s.leasing.Unlock()
	wallet, err := v.store.Wallet(t.Event, t.ID)
	if err != nil {
		return err
	}
	now := s.now()
	switch {
	case !wallet.Account.IsZero() && wallet.Account != account:
		return newProblem(http.StatusForbidden, "forbidden", "the ticket is another account's")
	case !wallet.Phone.IsZero() && wallet.Phone != phone && now.Before(wallet.Until):
		p := newProblem(http.StatusConflict, "phone-taken", "another phone of the account can show the ticket; the office can take the lease from it")
		p.Until = &wallet.Until
		return p
	}
	lease, err := v.office.Lease(t.ID, now)
	if err != nil {
		return err
	}
	signed, err := v.office.Signed(t.ID)
	if err != nil {
		return err
	}
	_, until, _, _, err := v.office.LeasedTo(t.ID)
	if err != nil {
		return err
	}
	err = v.store.ChangeWallet(t.Event, t.ID, func(w *central.Wallet) error {
		w.Account, w.Phone, w.Until = account, phone, until
		return nil
	})
	if err != nil {
		return err
	}
	longUntil := time.Time{}
	if !wallet.Changed.IsZero() && now.Before(wallet.Changed.Add(longAfter)) {
		longUntil = wallet.Changed.Add(longAfter)
	}
	one, err := soldOf(&central.Issued{Ticket: t, Signed: signed}, longUntil)
	if err != nil {
		return err
	}
	end := time.Unix(int64(signed.Body.T0)+int64(lease.Last+1)*int64(signed.Body.Period), 0).UTC()
	return writeJSON(w, http.StatusOK, leaseAnswer{
		sold: one, Last: lease.Last, Value: hex.EncodeToString(lease.Value[:]), Until: end, Now: now.UTC(),
	})
}

// releaseLease lets another phone have the lease: the first one is lost. What it
// was leased it can still show.
func (s *Server) releaseLease(w http.ResponseWriter, r *http.Request) error {
	caller, err := s.may(r)
	if err != nil {
		return err
	}
	v, t, err := s.ticketOf(r, caller)
	if err != nil {
		return err
	}
	s.leasing.Lock()
	defer s.leasing.Unlock()
	err = v.store.ChangeWallet(t.Event, t.ID, func(w *central.Wallet) error {
		w.Phone, w.Until = gate.Tag{}, time.Time{}
		return nil
	})
	if err != nil {
		return err
	}
	out, err := s.ticketJSON(v, &t)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}
