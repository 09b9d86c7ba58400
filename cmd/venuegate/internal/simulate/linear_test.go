package simulate

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// A checker that finds nothing wrong proves nothing unless it can.
func TestHistoriesThatMakeSense(t *testing.T) {
	claim := func(call, done int64, request uint64) *op {
		return &op{
			kind: opClaim, gate: 1, call: call, done: done, known: done != 0, request: request,
			claim: gate.Claim{Ticket: 1, Count: 1, OpenLimit: 1, At: time.UnixMilli(call)},
		}
	}
	record := func(call int64, k ledger.Kind, sequence uint64, request uint64) *op {
		r := ledger.Record{Kind: k, Ticket: 1, Count: 1, Step: ledger.NoStep, Request: request, Clock: ledger.Clock(0).Next(time.UnixMilli(call))}
		r.Position = ledger.Position{Origin: ledger.Origin{Gate: 1, Epoch: 1}, Sequence: sequence}
		return &op{kind: opRecord, gate: 1, call: call, record: r}
	}
	end := func(call int64, k ledger.Kind, of uint64) *op {
		o := record(call, k, of+1, 0)
		o.record.Ref = ledger.Position{Origin: o.record.Position.Origin, Sequence: of}
		return o
	}
	late := func(o *op) *op {
		o.at, o.until = time.UnixMilli(0).Add(endWaited), time.UnixMilli(6).Add(endWaited)
		return o
	}
	release := func(call int64, of *op) *op {
		return &op{kind: opRelease, gate: 1, call: call, claim: of.claim, of: of}
	}
	given := claim(1, 2, 7)
	lost := claim(1, 0, 0)
	for _, c := range []struct {
		name string
		ops  []*op
		want bool
	}{
		{"one after the other, the second refused", []*op{claim(1, 2, 7), claim(3, 4, 0)}, true},
		{"one after the other, both granted", []*op{claim(1, 2, 7), claim(3, 4, 8)}, false},
		{"at the same time, both granted", []*op{claim(1, 3, 7), claim(2, 4, 8)}, false},
		{"at the same time, the earlier refused", []*op{claim(1, 3, 0), claim(2, 4, 8)}, true},
		{"both refused", []*op{claim(1, 3, 0), claim(2, 4, 0)}, false},
		{"on record, and then granted again", []*op{claim(1, 2, 7), record(3, ledger.KindGrant, 1, 7), claim(4, 5, 8)}, false},
		{"out, and granted again", []*op{claim(1, 2, 7), record(3, ledger.KindGrant, 1, 7), record(4, ledger.KindExit, 2, 0), end(5, ledger.KindPassed, 2), claim(6, 7, 8)}, true},
		{"out for all that is known, and granted again", []*op{claim(1, 2, 7), record(3, ledger.KindGrant, 1, 7), record(4, ledger.KindExit, 2, 0), end(5, ledger.KindUnknown, 2), claim(6, 7, 8)}, true},
		{"about to go out, and granted again", []*op{claim(1, 2, 7), record(3, ledger.KindGrant, 1, 7), record(4, ledger.KindExit, 2, 0), claim(5, 6, 8)}, false},
		{"about to go out for a minute, and granted again", []*op{claim(1, 2, 7), record(3, ledger.KindGrant, 1, 7), record(4, ledger.KindExit, 2, 0), late(claim(5, 6, 8))}, true},
		{"not gone out, and granted again", []*op{claim(1, 2, 7), record(3, ledger.KindGrant, 1, 7), record(4, ledger.KindExit, 2, 0), end(5, ledger.KindVoided, 2), claim(6, 7, 8)}, false},
		{"out, and not heard of it yet", []*op{claim(1, 2, 7), record(3, ledger.KindGrant, 1, 7), record(4, ledger.KindExit, 2, 0), end(5, ledger.KindPassed, 2), claim(6, 7, 0)}, true},
		{"granted before the exit", []*op{claim(1, 2, 7), record(3, ledger.KindGrant, 1, 7), claim(4, 5, 8), record(6, ledger.KindExit, 2, 0), end(7, ledger.KindPassed, 2)}, false},
		{"given back, and granted again", []*op{given, release(3, given), claim(4, 5, 8)}, true},
		{"an answer that was lost stood in the way", []*op{lost, claim(2, 3, 0), release(4, lost)}, true},
		{"an answer that was lost, given back", []*op{lost, release(2, lost), claim(3, 4, 8)}, true},
		{"nothing stood in the way", []*op{claim(3, 4, 0)}, false},
	} {
		steps := mostSteps
		if got := porcupine.CheckOperations(modelOf(c.ops, &steps), operationsOf(c.ops)); got != c.want {
			t.Errorf("%s: makes sense: %v, want %v", c.name, got, c.want)
		}
	}
}
