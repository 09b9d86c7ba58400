package claim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors of Recover.
var (
	ErrNotKeeper = errors.New("claim: this gate is no keeper by the roster: recover at one that is")
	ErrNotLost   = errors.New("claim: the keepers answer: there is nothing to recover")
	ErrNoRecords = errors.New("claim: this gate cannot read back what it holds: recover at one that can")
)

// Recover founds the keepers anew from the records that this gate holds, where
// they have lost what they knew. It is for staff, at one keeper, once it has
// heard from all gates that can be reached; claims are answered when it has
// returned. What only the lost keepers knew is gone. Keepers of before that
// still run join.
func (n *Node) Recover(ctx context.Context) error {
	roster := n.opts.Roster()
	if roster.alone() || !slices.Contains(roster.Keepers, n.self) {
		return ErrNotKeeper
	}
	if n.opts.Held == nil {
		return ErrNoRecords
	}
	n.mu.Lock()
	if !n.running {
		n.mu.Unlock()
		return errors.New("claim: the node does not run")
	}
	k := n.keeper
	unseeded := k != nil && k.leads() && !k.fsm.state().seeded && k.cluster.Generation > 1
	if !unseeded {
		if n.answering() {
			n.mu.Unlock()
			return ErrNotLost
		}
		generation := max(1, n.hearsay, n.memory.cluster.Generation)
		for _, l := range n.links {
			generation = max(generation, l.welcome.cluster.Generation)
		}
		founders := []Server{n.self}
		n.joining = &take{cluster: clusterOf(generation+1, founders), founders: founders}
		n.opts.Log.Warn("claims: founding the keepers anew", "generation", generation+1)
	}
	n.mu.Unlock()
	k, err := n.awaitLead(ctx, k, unseeded)
	if err != nil {
		return err
	}
	return n.seed(ctx, k)
}

// answering reports whether a leader is known that answers claims.
func (n *Node) answering() bool {
	if n.lead.leader == (Server{}) {
		return false
	}
	if n.memory.cluster.Generation == 1 {
		return true // one that was founded on nothing knows all there is
	}
	if n.keeper != nil && n.keeper.leads() {
		return n.keeper.fsm.state().seeded
	}
	l := n.links[n.lead.leader]
	return l != nil && l.up && n.speaksForUs(l) && l.welcome.has(isReady)
}

// awaitLead waits until this gate leads the keepers that it founded.
func (n *Node) awaitLead(ctx context.Context, before *keeper, same bool) (*keeper, error) {
	tick := time.NewTicker(manageEvery / 2)
	defer tick.Stop()
	for {
		n.mu.Lock()
		k := n.keeper
		n.mu.Unlock()
		if k != nil && k.leads() && (same || k != before) {
			return k, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("claim: recover: %w", ctx.Err())
		case <-n.ctx.Done():
			return nil, fmt.Errorf("claim: recover: %w", n.ctx.Err())
		}
	}
}

// seed hands in everything that this gate holds, records and orders, and lets
// claims be answered.
func (n *Node) seed(ctx context.Context, k *keeper) error {
	var batch []run
	records, size := 0, 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		n.mu.Lock()
		n.number++
		q := &request{
			gate: n.opts.Gate, incarnation: n.opts.Incarnation, epoch: n.opts.Epoch,
			number: n.number, cluster: k.cluster.ID,
		}
		n.mu.Unlock()
		for _, r := range batch {
			q.items = append(q.items, item{kind: itemRecords, run: r})
		}
		batch, size = nil, 0
		return n.put(ctx, k, commandRequest, q.sign(n.opts.Signer))
	}
	for rec := range n.opts.Held() {
		if size > maxBody || len(batch) == maxItems-1 {
			if err := flush(); err != nil {
				return err
			}
		}
		at := rec.Position
		if i := len(batch) - 1; i < 0 || batch[i].origin != at.Origin || batch[i].last+1 != at.Sequence || len(batch[i].records) == maxRecords {
			batch = append(batch, run{origin: at.Origin, first: at.Sequence})
			size += 32
		}
		r := &batch[len(batch)-1]
		r.last = at.Sequence
		if Bears(rec) {
			r.records = append(r.records, *rec)
			records++
			size += recordSize
		}
	}
	if err := flush(); err != nil {
		return err
	}
	n.mu.Lock()
	known := n.orders.all(n.counts)
	n.mu.Unlock()
	for i := range known {
		if err := n.put(ctx, k, commandOrder, known[i].agreed()); err != nil {
			return err
		}
	}
	n.opts.Log.Warn("claims: the keepers know the records again", "records", records)
	return n.put(ctx, k, commandSeeded, nil)
}

// put puts a command into the log and waits until it is agreed.
func (n *Node) put(ctx context.Context, k *keeper, kind commandKind, body []byte) error {
	done := make(chan error, 1)
	k.submit(kind, body, func(st status, results []result) {
		switch {
		case st != statusOK:
			done <- errors.New("claim: recover: the keeper no longer leads: try again")
		case slices.ContainsFunc(results, func(r result) bool { return r.code != resultDone }):
			done <- errFull
		default:
			done <- nil
		}
	})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("claim: recover: %w", ctx.Err())
	}
}
