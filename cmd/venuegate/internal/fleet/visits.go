package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
)

// tally is what visitors were told.
type tally struct {
	passed   map[gate.GateID]int // people who went through, in
	left     int                 // and out
	by       map[string]int      // by kind and reason
	surprise []string            // who was told something else than they should
	again    int                 // who was asked to try again, because the keepers took too long
}

// serve lets guests come to boxes for one part of the day, and sells meanwhile.
func (d *day) serve(ctx context.Context, boxes []*Box) error {
	until := time.Now().Add(d.Open / parts)
	before := d.visitors()
	selling, stop := context.WithCancel(ctx)
	defer stop()
	var both errgroup.Group
	both.Go(func() error { return d.sellOn(selling) })
	both.Go(func() error {
		defer stop()
		at, ctx := errgroup.WithContext(ctx)
		for _, b := range boxes {
			at.Go(func() error { return d.queue(ctx, b, until) })
		}
		return at.Wait()
	})
	err := both.Wait()
	d.say("%d visitors at %d gates", d.visitors()-before, len(boxes))
	return err
}

func (d *day) visitors() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.n
}

// number is which gate a box is, as far as the day knows.
func (d *day) number(b *Box) gate.GateID {
	for i := range d.boxes {
		if d.boxes[i] == b {
			return gate.GateID(i + 1)
		}
	}
	return 0
}

func (d *day) queue(ctx context.Context, b *Box, until time.Time) error {
	id := d.number(b)
	for n := 0; n < d.Least || time.Now().Before(until); n++ {
		g := d.crowd.take(int(id))
		if g == nil {
			return nil // everybody has come
		}
		if err := d.walkUp(ctx, b, id, g); err != nil {
			return fmt.Errorf("gate %d, %s: %w", id, g.kind, err)
		}
	}
	return nil
}

// tries is how often a visitor comes back when the keepers took too long: on a
// machine with too much to do they lose each other for a while.
const tries = 50

// walkUp lets a guest try, and notes what they were told.
func (d *day) walkUp(ctx context.Context, b *Box, id gate.GateID, g *guest) error {
	var told Told
	again := 0
	for {
		var err error
		if told, err = d.try(ctx, b, g); err != nil {
			return err
		}
		reason := told.Verdict.Reason
		// The gate gives back what it claimed too late; until then the next try
		// may find its own claim.
		late := reason == gate.ReasonIsolated || again > 0 && reason == gate.ReasonClaimedElsewhere
		if !late || again == tries {
			break
		}
		again++
	}
	opened := told.Verdict.Opens()
	d.mu.Lock()
	d.n++
	n := d.n
	d.told.again += again
	d.told.by[g.kind+"\x00"+told.Verdict.Reason.String()]++
	good := opened && told.Passed && g.refused == "" || !opened && (g.refused == "any" || g.refused == told.Verdict.Reason.String())
	if !good {
		d.told.surprise = append(d.told.surprise, fmt.Sprintf("%s at gate %d: %s, %s", g.kind, id, told.Verdict.Outcome, told.Verdict.Reason))
	}
	if told.Passed {
		if d.told.passed == nil {
			d.told.passed = map[gate.GateID]int{}
		}
		d.told.passed[id]++
	}
	d.mu.Unlock()
	if told.Passed {
		d.crowd.arrived(g, int(id), n)
	}
	return nil
}

// changes takes tickets back and hands some over, waits until every gate knows,
// and lets their holders try.
func (d *day) changes(ctx context.Context) error {
	refunds := append(d.crowd.pick(kindPaper, 3), d.crowd.pick(kindID, 2)...)
	voids := d.crowd.pick(kindPaper, 2)
	over := d.crowd.pick(kindApp, 2)
	for _, g := range refunds {
		if err := d.central.Office.Refund(ctx, g.ticket); err != nil {
			return err
		}
		g.kind, g.refused = kindRefund, gate.ReasonTicketRefunded.String()
	}
	for _, g := range voids {
		if err := d.central.Office.Void(ctx, g.ticket); err != nil {
			return err
		}
		g.kind, g.refused = kindVoid, gate.ReasonTicketVoid.String()
	}
	var fresh []*guest
	for _, g := range over {
		var err error
		if g.phone, err = d.central.Channels[1].Lease(ctx, g.ticket, g.account); err != nil {
			return err
		}
		if _, err = d.central.Channels[1].Transfer(ctx, g.ticket, "friend of "+g.account); err != nil {
			return err
		}
		fresh = append(fresh, &guest{kind: kindNew, ticket: g.ticket, account: "friend of " + g.account})
		g.kind, g.refused = kindOld, "any"
	}
	d.refused.refunds, d.refused.voids, d.refused.old = len(refunds), len(voids), len(over)
	began := time.Now()
	version, sold, err := d.central.Office.Published(ctx)
	d.soldMore(0, sold)
	if err != nil {
		return err
	}
	for i, b := range d.boxes {
		err := Until(ctx, fmt.Sprintf("gate %d to hear of refunds", i+1), func() bool {
			return b.Running(func(a *appliance.Appliance) bool {
				p := a.State().Pack
				return p != nil && uint64(p.Version) >= version
			})
		})
		if err != nil {
			return err
		}
	}
	d.say("%d refunds, %d voids and %d transfers: every gate knows after %.1f s", len(refunds), len(voids), len(over), time.Since(began).Seconds())
	for i, g := range append(append(append(refunds, voids...), over...), fresh...) {
		id := i%gates + 1
		if err := d.walkUp(ctx, d.boxes[id-1], gate.GateID(id), g); err != nil {
			return fmt.Errorf("gate %d, %s: %w", id, g.kind, err)
		}
	}
	return nil
}

// wayOut is the gate where people may leave too.
const wayOut = 6

// evening lets some people out and in again, and everybody's records home.
func (d *day) evening(ctx context.Context) error {
	b := d.boxes[wayOut-1]
	d.crowd.mu.Lock()
	here := d.crowd.here[:min(5, len(d.crowd.here))]
	d.crowd.mu.Unlock()
	for _, g := range here {
		out, err := b.Visit(ctx, func() error { return b.Out.Scan(g.text) })
		if err != nil {
			return fmt.Errorf("on the way out: %w", err)
		}
		if out.Verdict.Outcome != gate.Exit || !out.Passed {
			d.told.surprise = append(d.told.surprise, fmt.Sprintf("on the way out: %s, %s", out.Verdict.Outcome, out.Verdict.Reason))
			continue
		}
		d.told.left++
		if err := d.walkUp(ctx, b, wayOut, &guest{kind: "back from outside", ticket: g.ticket, text: g.text}); err != nil {
			return err
		}
	}
	d.say("%d went out for a moment, and came back", d.told.left)
	began := time.Now()
	var failed error
	err := Until(ctx, "every record to be at central", func() bool {
		missing, err := d.missing(ctx)
		failed = err
		return err != nil || missing == 0
	})
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	d.say("every record of the day is at central (%.1f s after the last visitor)", time.Since(began).Seconds())
	return nil
}

// missing is how many records are on the gates' disks and not at central.
func (d *day) missing(ctx context.Context) (uint64, error) {
	held, err := d.central.Office.Held(ctx)
	if err != nil {
		return 0, err
	}
	var missing uint64
	for _, b := range append(append([]*Box{}, d.boxes...), d.dead...) {
		disk, err := ReadDisk(b.Data())
		if err != nil {
			return 0, err
		}
		for l, last := range disk.Logs {
			missing += last - min(last, held.Logs[l])
		}
	}
	return missing, nil
}

// struckOff makes sure that central does not know the key of a box any more.
func (d *day) struckOff(ctx context.Context, b *Box) error {
	key, err := keyring.LoadGate(filepath.Join(b.Data(), "identity.key"))
	if err != nil {
		return err
	}
	const target = "/v1/journals"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.central.Doors.URL()+target, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", keyring.SignCall(key, deadGate, r.Method, target, time.Now(), nil))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusUnauthorized {
		return errors.New("central answers the dead box's key with " + strconv.Itoa(resp.StatusCode) + ", want 401")
	}
	return nil
}
