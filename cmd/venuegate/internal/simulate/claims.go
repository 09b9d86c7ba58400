package simulate

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/claim"
)

// claimer is what lanes claim through: the gate's node, watched.
type claimer struct{ *life }

// Claim implements lane.Claimer.
func (c claimer) Claim(ctx context.Context, asked *gate.Claim) (gate.ClaimAnswer, error) {
	op := c.venue.history.called(c.id, asked)
	answer, err := c.claims.Claim(ctx, asked)
	c.venue.history.returned(op, answer, err)
	if err == nil && answer.Granted && c.reach(whenClaimed) {
		c.venue.history.released(requestKey{c.id, answer.Request}) // by the next start, or by staff
		return answer, ctx.Err()
	}
	return answer, err
}

// Settle implements lane.Claimer.
func (c claimer) Settle(request uint64) { c.claims.Settle(request) }

// Release implements lane.Claimer.
func (c claimer) Release(request uint64) {
	c.venue.history.released(requestKey{c.id, request})
	c.claims.Release(request)
}

// history is what was asked of the keepers and told them, in the order in which
// it happened. The clock counts calls and answers, so that two within one
// moment keep their order.
type history struct {
	venue *venue
	clock atomic.Int64

	mu       sync.Mutex
	ops      []*op
	answered int
}

type opKind int

const (
	opClaim   opKind = iota // granted, refused, or nobody knows
	opRelease               // gives a claim back
	opRecord                // a record on its way to the keepers
)

// op is one of them.
type op struct {
	kind    opKind
	call    int64
	done    int64     // 0: whenever the keepers took it
	at      time.Time // of the call
	until   time.Time // of the answer
	gate    gate.GateID
	claim   gate.Claim
	request uint64 // 0 in a claim: it was not granted
	known   bool   // whether a claim was granted
	of      *op    // the claim that a release is of; nil: the one of that request
	record  ledger.Record
}

func (h *history) add(o *op) *op {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.call, o.at = h.clock.Add(1), time.Now()
	h.ops = append(h.ops, o)
	return o
}

func (h *history) called(g gate.GateID, c *gate.Claim) *op {
	o := &op{kind: opClaim, gate: g, claim: *c}
	o.claim.Persons, o.claim.Others = slices.Clone(c.Persons), slices.Clone(c.Others)
	return h.add(o)
}

func (h *history) returned(o *op, a gate.ClaimAnswer, err error) {
	if err != nil {
		h.add(&op{kind: opRelease, gate: o.gate, claim: o.claim, of: o})
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	o.done, o.until, o.known, o.request = h.clock.Add(1), time.Now(), true, 0
	if a.Granted {
		o.request = a.Request
	}
	h.answered++
}

func (h *history) released(k requestKey) {
	h.mu.Lock()
	var of *op
	for _, o := range slices.Backward(h.ops) {
		if o.kind == opClaim && o.gate == k.gate && o.request == k.request {
			of = o
			break
		}
	}
	h.mu.Unlock()
	if of != nil {
		h.add(&op{kind: opRelease, gate: k.gate, claim: of.claim, of: of})
	}
}

func (h *history) recorded(records []ledger.Record) {
	for i := range records {
		if claim.Bears(&records[i]) {
			h.add(&op{kind: opRecord, gate: records[i].Position.Gate, record: records[i]})
		}
	}
}
