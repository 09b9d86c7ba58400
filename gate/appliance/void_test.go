package appliance_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

// crowd is how many tickets are sold besides those that the test holds up. With
// -v the test says how long a void took; VENUEGATE_VOID_TICKETS makes the event
// as large as one wants to know it of.
func crowd(t *testing.T) int {
	text := os.Getenv("VENUEGATE_VOID_TICKETS")
	if text == "" {
		return 2000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A void that the box office publishes is refused at the lane, and the gate
// builds no new pack file for it.
func TestVoidIsRefused(t *testing.T) {
	f := newFleet(t, 1, 1)
	b := f.boxes[0]
	const held = 5
	for id := range gate.TicketID(held + 1) {
		f.sell(id + 1)
	}
	n := crowd(t)
	others := storetest.Tickets(n, storetest.Options{Each: func(_ int, x *gate.Ticket) {
		x.Event, x.Class, x.ZoneGroup, x.Channel, x.Sessions = eventID, 1, 1, 0, nil
	}})
	content := pack.Content{Venue: &f.venue, Events: []pack.EventContent{{Event: &f.event, Tickets: func(yield func(gate.Ticket, error) bool) {
		for x, err := range f.sorted() {
			if !yield(x, err) {
				return
			}
		}
		others(yield)
	}}}}
	if _, err := pack.Build(t.Context(), f.repository, f.keys, content, time.Now()); err != nil {
		t.Fatal(err)
	}
	b.start()
	if !b.uses(1) {
		t.Fatalf("the pack is not in use\n%s", b.log.String())
	}
	b.await("its lane is ready", func(appliance.ClusterView) bool { return b.gate.State().Lanes[0].Ready })
	files := b.packFiles()
	if v := b.scan(held + 1); v.Outcome != gate.Admit {
		t.Fatalf("before any void: %+v", v)
	}

	var changes []pack.Change
	var took []time.Duration
	for id := range gate.TicketID(held) {
		changes = append(changes, pack.Change{ID: id + 1, Generation: 1, Status: gate.StatusVoid})
		since := time.Now()
		r, err := pack.PublishOverlay(t.Context(), f.repository, f.keys, &f.event, &f.venue, changes, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		published := time.Since(since)
		if !b.uses(r.Version) {
			t.Fatalf("version %d is not in use\n%s", r.Version, b.log.String())
		}
		if v := b.scan(id + 1); v.Outcome != gate.Refuse || v.Reason != gate.ReasonTicketVoid {
			t.Fatalf("a void ticket: %+v", v)
		}
		took = append(took, time.Since(since))
		t.Logf("%d tickets: refused %v after the box office said so, %v of that to publish", n+held+1, took[id], published)
	}
	slices.Sort(took)
	t.Logf("median %v", took[held/2])
	if now := b.packFiles(); !slices.Equal(now, files) {
		t.Errorf("pack files %v, before the voids %v", now, files)
	}
}

// uses waits until a gate has a version in use.
func (b *box) uses(version uint64) bool {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if p := b.gate.State().Pack; p != nil && p.Version == uint32(version) {
			return true
		}
	}
	return false
}

func (b *box) packFiles() []string {
	files, err := filepath.Glob(filepath.Join(b.data(), "packs", "*", "*.pack"))
	if err != nil {
		b.fleet.t.Fatal(err)
	}
	return files
}
