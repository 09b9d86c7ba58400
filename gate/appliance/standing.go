package appliance

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
)

// Who may give orders, by the roles of the venue's staff.
const roleSupervisor = "supervisor"

// authority says whose orders count, by the packs in use.
func (a *Appliance) authority() ledger.Authority {
	return ledger.Authority{
		Staff: func(id uint32) (key ed25519.PublicKey, supervisor, known bool) {
			for _, s := range a.packs.roster().staff {
				if s.ID == id {
					return ed25519.PublicKey(s.Key), slices.Contains(s.Roles, roleSupervisor), true
				}
			}
			return nil, false, false
		},
		Gate: func(id gate.GateID) bool {
			_, ok := a.neighbours.now().gates[id]
			return ok
		},
	}
}

// noted looks for orders among new records, and puts them in force.
func (a *Appliance) noted(records []ledger.Record) {
	for i := range records {
		if k := records[i].Kind; k == ledger.KindOrder || k == ledger.KindProof {
			a.obey()
			return
		}
	}
}

// trustRoster judges all orders anew, because the roster is another.
func (a *Appliance) trustRoster() {
	r := a.packs.roster()
	if a.trusting.Swap(r) == r {
		return
	}
	a.ledger.Trust(a.authority())
	a.obey()
}

// obey puts the orders that count now in force.
func (a *Appliance) obey() {
	a.packs.standing.Store(a.ledger.Standing())
	select {
	case a.ordered <- struct{}{}:
	default:
	}
	a.hub.Changed()
}

// orderedPack is a pack whose policy is what the orders make of it.
type orderedPack struct {
	*packUse
	standing *gate.Orders
	at       time.Time
}

// Policy implements lane.Pack.
func (p orderedPack) Policy() *gate.Policy { return p.standing.Policy(p.at, p.packUse.Policy()) }

// underOrders returns packs as the orders have them.
func underOrders(packs []lane.Pack, standing *gate.Orders, at time.Time) []lane.Pack {
	if standing == nil {
		return packs
	}
	out := make([]lane.Pack, len(packs))
	for i, p := range packs {
		out[i] = p
		if use, ok := p.(*packUse); ok {
			out[i] = orderedPack{use, standing, at}
		}
	}
	return out
}

// GiveOrder records an order, which every gate then obeys. One that nobody would
// obey is not recorded, and the error says why.
func (a *Appliance) GiveOrder(ctx context.Context, s *gate.SignedOrder) error {
	if err := a.ledger.WouldCount(s, a.config().Gate.ID, a.clock.Now()); err != nil {
		return err
	}
	records, err := ledger.OrderRecords(s)
	if err != nil {
		return err
	}
	for i := range records {
		if _, err := a.journal.Append(ctx, &records[i]); err != nil {
			return fmt.Errorf("the order is not recorded: %w", err)
		}
	}
	a.log.Info().Stringer("order", s.Kind).Uint32("staff", s.Staff).Msg("order")
	return nil
}

const maxOrderBody = 4 << 10

// takeOrder answers POST /orders: the order's bytes and its signature.
func (a *Appliance) takeOrder(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrderBody))
	if err != nil {
		http.Error(w, "the order is too long", http.StatusRequestEntityTooLarge)
		return
	}
	s, err := gate.ParseSignedOrder(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := a.GiveOrder(r.Context(), &s); err != nil {
		status := http.StatusConflict
		if notDurable := (*journal.AppendError)(nil); errors.As(err, &notDurable) {
			status = http.StatusServiceUnavailable
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
