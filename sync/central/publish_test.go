package central_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

// What is published is what a gate that was enrolled with the first root
// verifies, and each publication brings it up to date.
func TestPublish(t *testing.T) {
	o := demo(t)
	ctx := context.Background()
	if _, err := o.Root(); !errors.Is(err, central.ErrNotPublished) {
		t.Errorf("a root before the first publication: %v", err)
	}
	first, second := issue(t, o, chain()), issue(t, o, central.Order{})
	if _, err := o.Publish(ctx, evening); err != nil {
		t.Fatal(err)
	}
	root, err := o.Root()
	if err != nil {
		t.Fatal(err)
	}
	trust := filepath.Join(t.TempDir(), "trust")
	if err := pack.Enrol(trust, root); err != nil {
		t.Fatal(err)
	}
	before := tickets(t, o, trust)
	if len(before) != 2 || before[0].Code != first.Ticket.Code || before[1].ID != second.Ticket.ID {
		t.Errorf("%d tickets in the pack", len(before))
	}
	if _, err := o.Refund(first.Ticket.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Transfer(second.Ticket.ID, central.Holder{}, [32]byte{}, evening); err != nil {
		t.Fatal(err)
	}
	result, err := o.Publish(ctx, evening.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	after := tickets(t, o, trust)
	if after[0].Status != gate.StatusRefunded || after[1].Generation != 2 || result.Version < 2 {
		t.Errorf("version %d: status %d, generation %d", result.Version, after[0].Status, after[1].Generation)
	}
}

func tickets(t *testing.T, o *central.Office, trust string) []gate.Ticket {
	t.Helper()
	from, err := pack.OpenDir(central.Repository(o.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := from.Close(); err != nil {
			t.Error(err)
		}
	}()
	repo, err := pack.Open(context.Background(), from, trust, evening)
	if err != nil {
		t.Fatal(err)
	}
	var all []gate.Ticket
	for ticket, err := range repo.Tickets(context.Background(), central.DemoEvent) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ticket)
	}
	if err := repo.Accept(); err != nil {
		t.Fatal(err)
	}
	return all
}
