package server

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

// noWallets is a store whose disk is full for wallets.
type noWallets struct{ central.Store }

var errFull = errors.New("no space left on device")

func (noWallets) ChangeWallet(gate.EventID, gate.TicketID, func(*central.Wallet) error) error {
	return errFull
}

// Where a transfer is cut short, the ticket has no next generation of which the
// former holder could lease codes; where it is refused, nothing has changed.
func TestTransferIsWhole(t *testing.T) {
	f := newFixture(t)
	v := f.server.venues[0]
	key, err := NewKey(f.server.accounts(), central.APIKey{Role: roleOffice, Made: evening}, rand.Reader)
	f.check(err)
	call := func(path, body string) answer {
		return f.call("POST", path, []byte(body), "Authorization", "Bearer "+key, "Content-Type", "application/json")
	}
	sale := call("/v1/events/1/tickets", `{"account":"alice","tickets":[{}]}`)
	var sold struct{ Tickets []sold }
	f.check(json.Unmarshal(sale.body, &sold))
	path := "/v1/events/1/tickets/" + sold.Tickets[0].Ticket
	id, err := number("ticket", sold.Tickets[0].Ticket, 64)
	f.check(err)
	ticket := gate.TicketID(id)
	before, err := v.store.Wallet(1, ticket)
	f.check(err)

	whole := v.store
	v.store = noWallets{whole}
	if got := call(path+"/transfer", `{"account":"bob"}`); got.status != 500 {
		t.Errorf("on a full disk: %d %s", got.status, got.body)
	}
	v.store = whole
	if now, err := v.office.Ticket(ticket); err != nil || now.Generation != 1 {
		t.Errorf("on a full disk: generation %d, %v", now.Generation, err)
	}
	if got := call(path+"/void", ``); got.status != 200 {
		t.Fatalf("void: %d %s", got.status, got.body)
	}
	if got := call(path+"/transfer", `{"account":"bob"}`); got.status != 409 {
		t.Errorf("of a void ticket: %d %s", got.status, got.body)
	}
	if after, err := v.store.Wallet(1, ticket); err != nil || after != before {
		t.Errorf("after a refusal: %+v, before %+v, %v", after, before, err)
	}
}
