package bench

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/storetest"
)

// Pure is a scan without I/O: token to verdict, beside its bare signature check
// and hashes.
type Pure struct {
	Long        Pair    `json:"long"`
	Short       Pair    `json:"short"`
	Lookup      Pair    `json:"lookup"` // floor: one Ed25519 check
	LongAllocs  float64 `json:"long_allocs"`
	ShortAllocs float64 `json:"short_allocs"`
}

// nowhere is a journal that keeps nothing, so that only thinking is measured.
type nowhere struct{}

func (nowhere) Append(_ context.Context, r *ledger.Record) (ledger.Position, error) {
	return ledger.Position{Origin: ledger.Origin{Gate: 1, Epoch: 1}, Sequence: 1}, nil
}

func (nowhere) Note(context.Context, *ledger.Record) error { return nil }

// pureScans bounds how many codes are thought about; a thousand say it all.
const pureScans = 2000

func (o *Options) pure(ctx context.Context, w *world, r *Report) error {
	o.say("verifying and deciding without I/O")
	f := &floor{key: issuer().Private.Public().(ed25519.PublicKey)}
	d := lane.NewDesk(lane.DeskOptions{
		Lane: laneID, Packs: w.view, Ledger: w.ledger, Claims: w.claims, Journal: nowhere{}, Clock: stoppedClock{},
	})
	codes := w.codes[:min(pureScans, len(w.codes))]
	for _, form := range []struct {
		long   bool
		into   *Pair
		allocs *float64
	}{{true, &r.Pure.Long, &r.Pure.LongAllocs}, {false, &r.Pure.Short, &r.Pure.ShortAllocs}} {
		var ours, floors []time.Duration
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for round := range 3 {
			for i := range codes {
				s := &codes[i]
				text := s.short
				if form.long {
					text = s.long
				}
				err := errors.Join(
					timed(&ours, func() error { return admit(ctx, d, text) }),
					timed(&floors, func() error { return f.check(s, form.long) }),
				)
				if err != nil {
					return err
				}
			}
			if round == 0 { // warm now
				ours, floors = ours[:0], floors[:0]
				runtime.ReadMemStats(&before)
			}
		}
		runtime.ReadMemStats(&after)
		form.into.Ours, form.into.Floor = latencyOf(ours), latencyOf(floors)
		*form.allocs = float64(after.Mallocs-before.Mallocs) / float64(2*len(codes))
	}
	return nil
}

// lookup measures finding and decoding one ticket of the pack, at random,
// beside one bare signature check.
func (o *Options) lookup(_ context.Context, w *world, r *Report) error {
	o.say("looking tickets up")
	f := &floor{key: issuer().Private.Public().(ed25519.PublicKey)}
	var t gate.Ticket
	var ours, floors []time.Duration
	n := w.view.pack.Info().Tickets
	at := uint64(1)
	for range 5000 {
		at = at*6364136223846793005 + 1442695040888963407
		id := storetest.ID(int(at>>33) % n)
		s := &w.codes[int(at>>40)%len(w.codes)]
		err := errors.Join(
			timed(&ours, func() error {
				ok, err := w.view.pack.Ticket(id, &t)
				if err == nil && !ok {
					err = fmt.Errorf("bench: ticket %v is not in the pack", id)
				}
				return err
			}),
			timed(&floors, func() error {
				if !s.signed.VerifySignature(f.key) {
					return errors.New("bench: the floor's signature is wrong")
				}
				return nil
			}),
		)
		if err != nil {
			return err
		}
	}
	r.Pure.Lookup = Pair{latencyOf(ours), latencyOf(floors)}
	return nil
}
