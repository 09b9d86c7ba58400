package appliance_test

import (
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
)

// next is the code that a phone shows a step later.
func (b *box) next(id gate.TicketID) string {
	f := b.fleet
	f.t.Helper()
	signed := f.signed[id]
	chain, err := f.issuer.Chain(signed.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	step := uint32(signed.Body.StepAt(time.Now())) + 1
	value, err := chain.Value(step)
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := ticket.ShortText(uint64(id), 1, step, value)
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

// After "all back to normal" whoever was inside may come in once more, at every
// gate, because the keepers have heard of it as well; and then no more.
func TestBackToNormalOverAllGates(t *testing.T) {
	f := newFleet(t, 4, 1, 2, 3)
	f.sell(1)
	f.publish()
	for _, b := range f.boxes {
		b.start()
	}
	for _, b := range f.boxes {
		b.await("the keepers agree, and everybody is heard", func(v appliance.ClusterView) bool { return agrees(v) && v.Heard == 3 })
	}
	if v := f.boxes[0].scan(1); v.Outcome != gate.Admit {
		t.Fatalf("the first entry: %+v", v)
	}
	if v := f.boxes[3].scan(1); v.Outcome != gate.Refuse {
		t.Fatalf("the second entry: %+v", v)
	}
	order(t, f.boxes[3].gate, gate.Order{Kind: gate.OrderNormal})
	show := func(b *box) gate.Verdict {
		if err := b.scanner.Scan(b.next(1)); err != nil {
			t.Fatal(err)
		}
		select {
		case v := <-b.verdicts:
			return v
		case <-time.After(10 * time.Second):
			t.Fatalf("gate %d gave no verdict\n%s", b.id, b.log.String())
			return gate.Verdict{}
		}
	}
	if v := show(f.boxes[3]); v.Outcome != gate.Admit || v.Marks.Has(gate.MarkIsolated) {
		t.Errorf("back to normal: %+v\n%s", v, f.boxes[3].log.String())
	}
	for _, b := range f.boxes {
		if v := show(b); v.Outcome != gate.Refuse {
			t.Errorf("once more at gate %d: %+v", b.id, v)
		}
	}
}
