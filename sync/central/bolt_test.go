package central_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/centraltest"
)

func TestStorages(t *testing.T) {
	t.Run("files", func(t *testing.T) {
		o := demo(t)
		centraltest.Storage(t, func(*testing.T) (central.Storage, func()) {
			return central.NewFiles(o.Dir()), func() {}
		})
	})
	t.Run("bolt", func(t *testing.T) {
		dir := t.TempDir()
		centraltest.Storage(t, func(t *testing.T) (central.Storage, func()) {
			b := openBolt(t, dir)
			return b, func() { closeBolt(t, b) }
		})
	})
}

func TestBoltForCentral(t *testing.T) {
	b := openBolt(t, t.TempDir())
	defer closeBolt(t, b)
	centraltest.All(t, b)
}

func openBolt(t testing.TB, dir string) *central.Bolt {
	t.Helper()
	b, err := central.OpenBolt(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func closeBolt(t testing.TB, b *central.Bolt) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// What was in files is there when central serves the venue, is there for
// commands when central has stopped, and is not to be had while it runs.
func TestServe(t *testing.T) {
	o := demo(t)
	first := issue(t, o, chain())
	served, b, err := central.Serve(o.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := served.Ticket(first.Ticket.ID); err != nil || got.Code != first.Ticket.Code {
		t.Errorf("brought over: %v", err)
	}
	if changed, err := served.Refund(first.Ticket.ID); err != nil || changed.DarkAt.IsZero() {
		t.Errorf("the lease was not brought over: %+v, %v", changed, err)
	}
	busy, err := central.Open(o.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := busy.Ticket(first.Ticket.ID); !errors.Is(err, central.ErrBusy) {
		t.Errorf("while central runs: %v", err)
	}
	closeBolt(t, b)
	if got, err := busy.Ticket(first.Ticket.ID); err != nil || got.Status != gate.StatusRefunded {
		t.Errorf("after central stopped: %+v, %v", got.Status, err)
	}
	second := issue(t, busy, chain())
	if second.Ticket.ID != first.Ticket.ID+1 {
		t.Errorf("the next ticket is %s", second.Ticket.ID)
	}
	if _, _, err := central.Serve(filepath.Join(o.Dir(), "nothing")); !errors.Is(err, central.ErrNoVenue) {
		t.Errorf("no venue: %v", err)
	}
}
