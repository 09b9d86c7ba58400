package server

import (
	"context"
	"encoding/json"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

// over is a pack.Fetcher that asks central as a gate does.
type over struct {
	f  *fixture
	as *keyring.Gate
	id uint32
}

func (o over) Fetch(_ context.Context, name string, _ int64) ([]byte, error) {
	a := o.f.asGate(o.as, o.id, "GET", "/v1/repository/"+name, nil)
	if a.status != 200 {
		return nil, fs.ErrNotExist
	}
	return a.body, nil
}

// opened is the repository as a gate sees it now.
func (o over) opened(trust string) *pack.Repository {
	o.f.Helper()
	repo, err := pack.Open(o.f.Context(), o, trust, evening)
	o.f.check(err)
	return repo
}

// eventually waits for what central does by itself.
func (f *fixture) eventually(what string, is func() bool) {
	f.Helper()
	for range 1000 {
		if is() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	f.Fatal("never: " + what)
}

// What is sold and voided reaches a gate by itself; so does the roster, and keys
// sealed to each gate. A gate that is struck off gets nothing more, and the
// others another network key.
func TestPublishing(t *testing.T) {
	f := newFixture(t)
	f.run()
	trust := filepath.Join(t.TempDir(), "trust")
	root, err := f.server.venues[0].office.Root()
	f.check(err)
	f.check(pack.Enrol(trust, root))
	way := over{f, f.first, 1}
	status := func(id string) (found gate.Status, ok bool) {
		for one, err := range way.opened(trust).Tickets(t.Context(), 1) {
			f.check(err)
			if one.ID.String() == id {
				found, ok = one.Status, true
			}
		}
		return found, ok
	}
	key := f.newKey(central.APIKey{Name: "office", Role: roleOffice})
	var out struct{ Tickets []sold }
	f.as(key, "POST", "/v1/events/1/tickets", json.RawMessage(`{"tickets":[{}]}`)).into(t, &out)
	id := out.Tickets[0].Ticket
	f.eventually("the sale", func() bool { s, ok := status(id); return ok && s == gate.StatusValid })
	if a := f.as(key, "POST", "/v1/events/1/tickets/"+id+"/void", nil); a.status != 200 {
		t.Fatal(a.status)
	}
	f.eventually("the void", func() bool { s, ok := status(id); return ok && s == gate.StatusVoid })

	second, third := newGate(t), newGate(t)
	for n, g := range map[uint32]*keyring.Gate{7: second, 8: third} {
		if a := f.enrol(f.invite(central.Invitation{Gate: n, Name: "Gate"}), g); a.status != 201 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	way = over{f, second, 7}
	network := func() (keys []struct {
		Key string
		Use bool
	},
	) {
		sealed, err := way.opened(trust).Sealed(t.Context(), 7)
		f.check(err)
		plain, err := seal.Open(second, central.PurposeKeys, sealed)
		f.check(err)
		var all struct {
			Network []struct {
				Key string
				Use bool
			}
		}
		f.check(json.Unmarshal(plain, &all))
		return all.Network
	}
	f.eventually("the roster", func() bool { return len(way.opened(trust).Venue.Gates) == 3 })
	before := network()
	if a := f.as(key, "DELETE", "/v1/gates/8", nil); a.status != 204 {
		t.Fatal(a.status)
	}
	if a := f.asGate(third, 8, "GET", "/v1/repository/metadata/timestamp.json", nil); a.status != 403 {
		t.Errorf("the gate that was struck off: %d", a.status)
	}
	f.eventually("the shorter roster", func() bool { return len(way.opened(trust).Venue.Gates) == 2 })
	after := network()
	if len(before) != 1 || len(after) != 2 || after[0].Key == before[0].Key || !after[0].Use || after[1].Key != before[0].Key || after[1].Use {
		t.Error("the network's key is the same as before, or the old one is still in use")
	}
	// Its records are authentic all the same.
	j := newJournal(third, 8, 1)
	if a := f.upload(second, 7, "/v1/journals/8/1?from=1", j.batch(1, 1)); a.status != 200 {
		t.Errorf("what it recorded: %d %s", a.status, a.body)
	}
}

// New shards hold what the overlay held, which is then empty.
func TestShardsTakeTheOverlayIn(t *testing.T) {
	f := newFixture(t)
	v := f.server.venues[0]
	issued, err := v.office.Sell(evening, central.Order{}, central.Order{})
	f.check(err)
	result, err := v.office.PublishChanges(t.Context(), evening)
	f.check(err)
	if result.Written != 0 {
		t.Errorf("an overlay wrote %d shards", result.Written)
	}
	if again, err := v.office.PublishChanges(t.Context(), evening); err != nil || again.Version != 0 {
		t.Errorf("nothing changed, and version %d was made: %v", again.Version, err)
	}
	_, err = v.office.Void(issued[0].Ticket.ID)
	f.check(err)
	if result, err = v.office.Publish(t.Context(), evening); err != nil || result.Tickets != 2 {
		t.Errorf("%d tickets in shards: %v", result.Tickets, err)
	}
	changes, _, err := v.store.Changes(1, 10)
	if err != nil || len(changes) != 0 {
		t.Errorf("%d changes left: %v", len(changes), err)
	}
}
