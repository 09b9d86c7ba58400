package appliance

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// unfinished gathers the grants of this gate that have no end on record: the
// arm was about to move, or moving, when the gate stopped.
type unfinished map[ledger.Position]ledger.Record

func (u unfinished) see(r *ledger.Record) {
	switch r.Kind {
	case ledger.KindGrant, ledger.KindExit:
		if !r.Marks.Has(gate.MarkOverride) {
			u[r.Position] = *r
		}
	case ledger.KindPassed, ledger.KindVoided, ledger.KindUnknown:
		delete(u, r.Ref)
	}
}

// appender is the part of the journal that settling needs.
type appender interface {
	Append(ctx context.Context, r *ledger.Record) (ledger.Position, error)
}

// settle ends every unfinished grant as unknown: nobody can say whether the
// visitor went through, so the ticket stays used and staff decide. What could
// not be recorded stays in u, for another try.
func (u unfinished) settle(ctx context.Context, now time.Time, j appender) (int, error) {
	byTime := slices.SortedFunc(maps.Values(u), func(a, b ledger.Record) int { return cmp.Compare(a.Clock, b.Clock) })
	for i, grant := range byTime {
		end := grant
		end.Kind, end.Ref, end.Wall = ledger.KindUnknown, grant.Position, now
		end.Position, end.Clock, end.Prev = ledger.Position{}, 0, ledger.Hash{}
		end.Step, end.Entry, end.Request = ledger.NoStep, 0, 0
		if _, err := j.Append(ctx, &end); err != nil {
			return i, fmt.Errorf("settle what the last run left open: %w", err)
		}
		delete(u, grant.Position)
	}
	return len(byTime), nil
}

// settleOpen settles what the last run left open. A journal that cannot be
// written keeps nobody from starting: lookAfter tries again once it can.
func (a *Appliance) settleOpen(ctx context.Context) error {
	n, err := a.open.settle(ctx, a.clock.Now(), a.journal)
	if n > 0 {
		a.log.Warn().Int("grants", n).Msg("the last run stopped while somebody was passing: their tickets stay used")
	}
	return err
}
