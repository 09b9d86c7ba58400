package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/sales"
)

// sale is an order as a channel sends it.
type sale struct {
	Order   string       `json:"order,omitempty"`
	Account string       `json:"account,omitempty"` // whose phones may show the tickets
	Tickets []saleTicket `json:"tickets"`
}

type saleTicket struct {
	Class      uint16         `json:"class,omitempty"`
	ZoneGroup  uint16         `json:"zone_group,omitempty"`
	Sessions   []uint16       `json:"sessions,omitempty"`
	AnySession bool           `json:"any_session,omitempty"`
	Party      uint8          `json:"party,omitempty"`
	NoReEntry  bool           `json:"no_re_entry,omitempty"`
	Proof      string         `json:"proof,omitempty"` // chain (the default), holder or static
	HolderKey  string         `json:"holder_key,omitempty"`
	Documents  []saleDocument `json:"documents,omitempty"`
	Name       gate.Private   `json:"name,omitempty"`
	Foreign    []gate.Private `json:"foreign_codes,omitempty"`
	Seat       saleSeat       `json:"seat,omitzero"`
	Language   string         `json:"language,omitempty"`
	Channel    uint16         `json:"channel,omitempty"` // only an office key may say one
}

type saleDocument struct {
	Type    string       `json:"type"`
	Country string       `json:"country,omitempty"` // CHN where it is absent
	Number  gate.Private `json:"number"`
}

type saleSeat struct {
	Area string `json:"area,omitempty"`
	Row  string `json:"row,omitempty"`
	Seat string `json:"seat,omitempty"`
}

// sold is a ticket with what its wallet needs. Whoever has the body of a static
// ticket has the ticket.
type sold struct {
	Ticket     string     `json:"ticket"`
	Generation uint8      `json:"generation"`
	Proof      string     `json:"proof"`
	Body       string     `json:"body"` // body and signature, hex
	Text       string     `json:"text,omitempty"`
	T0         *time.Time `json:"t0,omitempty"`
	Steps      uint16     `json:"steps,omitempty"`
	Period     uint8      `json:"period_seconds,omitempty"`
	// LongUntil is until when a wallet shows the long form, because gates may
	// not have the ticket yet.
	LongUntil *time.Time `json:"long_until,omitempty"`
}

type duplicate struct {
	Index  int    `json:"index"`            // of the ticket that was sold, from 0
	Line   int    `json:"line,omitempty"`   // of an imported list
	Ticket string `json:"ticket,omitempty"` // that the person has already
	With   *int   `json:"with,omitempty"`   // or the index of another that was sold with it
}

// Bounds of one sale.
const (
	maxTickets  = 100
	maxIdemKey  = 200
	longAfter   = 24 * time.Hour // a gate may have been without news for so long
	maxAccount  = 200
	maxDocument = 8
)

// eventOf reads the event of a path.
func (s *Server) eventOf(r *http.Request) (*venue, gate.EventID, error) {
	id, err := number("event", r.PathValue("event"), 32)
	if err != nil {
		return nil, 0, err
	}
	v, ok := s.venueOf(gate.EventID(id))
	if !ok {
		return nil, 0, newProblem(http.StatusNotFound, "not-found", "there is no event %d", id)
	}
	return v, gate.EventID(id), nil
}

func (s *Server) sell(w http.ResponseWriter, r *http.Request) error {
	caller, err := s.may(r, roleSales)
	if err != nil {
		return err
	}
	v, event, err := s.eventOf(r)
	if err != nil {
		return err
	}
	var in sale
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	orders, err := in.orders(event, caller)
	if err != nil {
		return err
	}
	entry, err := repeated(r, caller, event)
	if err != nil {
		return err
	}
	if entry != "" {
		s.selling.Lock() // the same sale may come twice at once
		defer s.selling.Unlock()
		var ids []gate.TicketID
		known, err := v.store.Entry(entry, &ids)
		if err != nil {
			return err
		}
		if known {
			return v.soldBefore(w, ids)
		}
	}
	now := s.now()
	drafts, err := v.drafts(orders, now)
	if err != nil {
		return err
	}
	duplicates, err := v.office.Duplicates(v.store, drafts)
	if err != nil {
		return err
	}
	issued, err := v.office.Sell(now, orders...)
	if err != nil {
		return err
	}
	if err := v.wallets(event, in.Account, issued, now); err != nil {
		return err
	}
	if entry != "" {
		var ids []gate.TicketID
		err := v.store.ChangeEntry(entry, &ids, func() error {
			for i := range issued {
				ids = append(ids, issued[i].Ticket.ID)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	v.publisher.changed()
	return writeSold(w, issued, duplicates, now.Add(longAfter))
}

// repeated names the entry under which a sale is remembered, for a channel that
// calls again because it did not hear the answer.
func repeated(r *http.Request, caller who, event gate.EventID) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return "", nil
	}
	if len(key) > maxIdemKey {
		return "", newProblem(http.StatusBadRequest, "bad-request", "the Idempotency-Key is longer than %d bytes", maxIdemKey)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%d\x00%s", caller.channel, event, key))
	return "sale/" + hex.EncodeToString(sum[:]), nil
}

func (v *venue) soldBefore(w http.ResponseWriter, ids []gate.TicketID) error {
	issued := make([]central.Issued, len(ids))
	for i, id := range ids {
		var err error
		if issued[i].Ticket, err = v.office.Ticket(id); err != nil {
			return err
		}
		if issued[i].Signed, err = v.office.Signed(id); err != nil {
			return err
		}
	}
	return writeSold(w, issued, nil, time.Time{})
}

func writeSold(w http.ResponseWriter, issued []central.Issued, duplicates []central.Duplicate, longUntil time.Time) error {
	out := struct {
		Tickets    []sold      `json:"tickets"`
		Duplicates []duplicate `json:"duplicates"`
	}{make([]sold, len(issued)), []duplicate{}}
	for i := range issued {
		var err error
		if out.Tickets[i], err = soldOf(&issued[i], longUntil); err != nil {
			return err
		}
	}
	for _, d := range duplicates {
		out.Duplicates = append(out.Duplicates, duplicateOf(d))
	}
	return writeJSON(w, http.StatusCreated, out)
}

func duplicateOf(d central.Duplicate) duplicate {
	if d.Ticket == 0 {
		return duplicate{Index: d.Index, With: &d.With}
	}
	return duplicate{Index: d.Index, Ticket: d.Ticket.String()}
}

func soldOf(i *central.Issued, longUntil time.Time) (sold, error) {
	b := &i.Signed.Body
	out := sold{
		Ticket: i.Ticket.ID.String(), Generation: b.Generation, Proof: b.Proof.String(),
		Body: hex.EncodeToString(i.Signed.Append(nil)), Steps: b.Steps, Period: b.Period,
	}
	if b.Proof == ticket.ProofStatic {
		var err error
		out.Text, err = ticket.StaticText(&i.Signed)
		return out, err
	}
	t0 := time.Unix(int64(b.T0), 0).UTC()
	out.T0 = &t0
	if !longUntil.IsZero() {
		until := longUntil.UTC().Truncate(time.Second)
		out.LongUntil = &until
	}
	return out, nil
}

func (in *sale) orders(event gate.EventID, caller who) ([]central.Order, error) {
	if len(in.Tickets) == 0 || len(in.Tickets) > maxTickets {
		return nil, newProblem(http.StatusUnprocessableEntity, "invalid", "tickets: want 1 to %d", maxTickets)
	}
	if len(in.Account) > maxAccount {
		return nil, newProblem(http.StatusUnprocessableEntity, "invalid", "account: more than %d bytes", maxAccount)
	}
	var order uint64
	if in.Order != "" {
		var err error
		if order, err = number("order", in.Order, 64); err != nil {
			return nil, err
		}
	}
	orders := make([]central.Order, len(in.Tickets))
	for i := range in.Tickets {
		t := &in.Tickets[i]
		if err := t.order(&orders[i], caller); err != nil {
			p := newProblem(http.StatusUnprocessableEntity, "invalid", "ticket %d of the sale is wrong", i)
			p.Errors = []flaw{{Path: fmt.Sprintf("tickets[%d]", i), Why: err.Error()}}
			return nil, p
		}
		orders[i].Event, orders[i].Order = event, gate.OrderID(order)
	}
	return orders, nil
}

func (t *saleTicket) order(o *central.Order, caller who) error {
	*o = central.Order{
		Class: gate.ClassID(t.Class), ZoneGroup: gate.ZoneGroupID(t.ZoneGroup), AnySession: t.AnySession, Party: t.Party,
		NoReEntry: t.NoReEntry, Holder: central.Holder{Name: t.Name}, Foreign: t.Foreign,
		Channel: gate.ChannelID(t.Channel), Seat: gate.Seat(t.Seat), Language: t.Language,
	}
	if caller.channel != 0 {
		if t.Channel != 0 && t.Channel != caller.channel {
			return errors.New("channel: the key is another channel's")
		}
		o.Channel = gate.ChannelID(caller.channel)
	}
	for _, id := range t.Sessions {
		o.Sessions = append(o.Sessions, gate.SessionID(id))
	}
	switch t.Proof {
	case "", "chain":
		o.Proof = ticket.ProofChain
	case "static":
		o.Proof = ticket.ProofStatic
	case "holder":
		o.Proof = ticket.ProofHolder
	default:
		return errors.New("proof: want chain, holder or static")
	}
	if t.HolderKey != "" {
		key, err := hex.DecodeString(t.HolderKey)
		if err != nil || len(key) != len(o.HolderKey) {
			return fmt.Errorf("holder_key: want %d hex digits", 2*len(o.HolderKey))
		}
		o.HolderKey = [ticket.HolderKeySize]byte(key)
	}
	var err error
	o.Holder.Documents, err = documents(t.Documents)
	return err
}

func documents(in []saleDocument) ([]central.Document, error) {
	if len(in) > maxDocument {
		return nil, fmt.Errorf("documents: at most %d", maxDocument)
	}
	var out []central.Document
	for _, d := range in {
		typ, err := identity.ParseType(d.Type)
		if err != nil {
			return nil, errors.New("documents: unknown type")
		}
		if d.Country == "" {
			d.Country = "CHN"
		}
		out = append(out, central.Document{Type: typ, Country: d.Country, Number: d.Number})
	}
	return out, nil
}

// drafts checks orders and names the one that is wrong.
func (v *venue) drafts(orders []central.Order, now time.Time) ([]gate.Ticket, error) {
	drafts := make([]gate.Ticket, len(orders))
	for i := range orders {
		var err error
		if drafts[i], err = v.office.Draft(&orders[i], now); err != nil {
			p := newProblem(http.StatusUnprocessableEntity, "invalid", "ticket %d of the sale is wrong", i)
			p.Errors = []flaw{{Path: fmt.Sprintf("tickets[%d]", i), Why: err.Error()}}
			return nil, p
		}
	}
	return drafts, nil
}

// wallets notes whose tickets they are, and since when.
func (v *venue) wallets(event gate.EventID, account string, issued []central.Issued, now time.Time) error {
	if account == "" {
		return nil
	}
	tag, err := v.office.Alias(event, "account", account)
	if err != nil {
		return err
	}
	all := map[gate.TicketID]central.Wallet{}
	for i := range issued {
		all[issued[i].Ticket.ID] = central.Wallet{Account: tag, Changed: now.UTC().Truncate(time.Second)}
	}
	return v.store.AddWallets(event, all)
}

// importSales takes a list of sales in.
func (s *Server) importSales(w http.ResponseWriter, r *http.Request) error {
	caller, err := s.may(r, roleSales)
	if err != nil {
		return err
	}
	v, event, err := s.eventOf(r)
	if err != nil {
		return err
	}
	if mediaType(r) != "text/csv" {
		return newProblem(http.StatusUnsupportedMediaType, "media-type", "want text/csv")
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, sales.MaxBytes))
	if err != nil {
		return unreadable(err)
	}
	issued, rows, duplicates, err := s.imported(v, event, caller, data)
	if err != nil {
		return err
	}
	out := struct {
		Tickets    int         `json:"tickets"`
		First      string      `json:"first"`
		Last       string      `json:"last"`
		Duplicates []duplicate `json:"duplicates"`
	}{len(issued), issued[0].Ticket.ID.String(), issued[len(issued)-1].Ticket.ID.String(), []duplicate{}}
	for _, d := range duplicates {
		one := duplicateOf(d)
		one.Line = rows[d.Index].Line
		out.Duplicates = append(out.Duplicates, one)
	}
	return writeJSON(w, http.StatusCreated, out)
}

func (s *Server) imported(v *venue, event gate.EventID, caller who, data []byte) ([]central.Issued, []sales.Row, []central.Duplicate, error) {
	s.importing.Lock() // one list in memory at a time
	defer s.importing.Unlock()
	rows, err := sales.Read(data)
	if err != nil {
		return nil, nil, nil, err
	}
	now := s.now()
	drafts, err := sales.Draft(rows, event, gate.ChannelID(caller.channel), now, v.office, v.store)
	if err != nil {
		return nil, nil, nil, err
	}
	duplicates, err := v.office.Duplicates(v.store, drafts)
	if err != nil {
		return nil, nil, nil, err
	}
	orders := make([]central.Order, len(rows))
	for i := range rows {
		orders[i] = rows[i].Order
	}
	issued, err := v.office.Sell(now, orders...)
	if err != nil {
		return nil, nil, nil, err
	}
	v.publisher.changed()
	return issued, rows, duplicates, nil
}

// ticketOf finds the ticket of a path, if the caller may touch it.
func (s *Server) ticketOf(r *http.Request, caller who) (*venue, gate.Ticket, error) {
	id, err := number("ticket", r.PathValue("ticket"), 64)
	if err != nil {
		return nil, gate.Ticket{}, err
	}
	missing := newProblem(http.StatusNotFound, "not-found", "there is no ticket %s", strconv.FormatUint(id, 10))
	for _, v := range s.venues {
		t, err := v.office.Ticket(gate.TicketID(id))
		if errors.Is(err, central.ErrUnknownTicket) {
			continue
		}
		if err != nil {
			return nil, t, err
		}
		if event := r.PathValue("event"); event != "" && event != strconv.FormatUint(uint64(t.Event), 10) {
			return nil, t, missing
		}
		if caller.channel != 0 && gate.ChannelID(caller.channel) != t.Channel {
			return nil, t, newProblem(http.StatusForbidden, "forbidden", "another channel sold this ticket")
		}
		return v, t, nil
	}
	return nil, gate.Ticket{}, missing
}
