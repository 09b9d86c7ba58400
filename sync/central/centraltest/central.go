package centraltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
)

// All checks a storage for a running central, besides what Storage checks. It
// is empty.
func All(t *testing.T, s central.Store) {
	t.Run("changes", func(t *testing.T) { changes(t, s) })
	t.Run("people", func(t *testing.T) { people(t, s) })
	t.Run("wallets", func(t *testing.T) { wallets(t, s) })
	t.Run("journals", func(t *testing.T) { journals(t, s) })
	t.Run("book", func(t *testing.T) { book(t, s) })
	t.Run("accounts", func(t *testing.T) { accounts(t, s) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func changes(t *testing.T, s central.Store) {
	want := func(ids ...gate.TicketID) uint64 {
		t.Helper()
		list, mark, err := s.Changes(event, 100)
		must(t, err)
		var got []gate.TicketID
		for _, c := range list {
			if c.Ticket != nil {
				got = append(got, c.Ticket.ID)
			} else {
				got = append(got, c.ID)
			}
		}
		if !slices.Equal(got, ids) {
			t.Errorf("changes %v, want %v", got, ids)
		}
		return mark
	}
	want()
	add(t, s, 0, ticket(5), ticket(9))
	first := want(5, 9)
	if _, _, err := s.Changes(event, 1); !errors.Is(err, central.ErrManyChanges) {
		t.Errorf("two changes where one is allowed: %v", err)
	}
	void := func(t *gate.Ticket) error { t.Status = gate.StatusVoid; return nil }
	must(t, s.Change(event, 9, void))
	must(t, s.Settle(event, first)) // the void came later
	want(9)
	mark, err := s.Mark(event)
	must(t, err)
	must(t, s.Settle(event, mark))
	want()
	must(t, s.Change(event, 5, void))
	if list, _, err := s.Changes(event, 9); err != nil || len(list) != 1 || list[0].Ticket != nil || list[0].Status != gate.StatusVoid {
		t.Errorf("a void alone needs no whole ticket: %+v, %v", list, err)
	}
	must(t, s.Change(event, 5, func(t *gate.Ticket) error { t.Generation++; return nil }))
	if list, _, err := s.Changes(event, 9); err != nil || len(list) != 1 || list[0].Ticket == nil || list[0].Ticket.Generation != 2 {
		t.Errorf("a new generation needs the whole ticket: %+v, %v", list, err)
	}
}

func people(t *testing.T, s central.Store) {
	add(t, s, 9, ticket(20), ticket(21))
	must(t, s.Change(event, 21, func(t *gate.Ticket) error {
		t.Documents = append(t.Documents, gate.DocumentTag{Type: 1, Tag: tag(20, 1)})
		return nil
	}))
	if ids, err := s.OfDocument(event, tag(20, 1)); err != nil || !slices.Equal(ids, []gate.TicketID{20, 21}) {
		t.Errorf("a person with two tickets: %v, %v", ids, err)
	}
	if id, ok, err := s.OfForeign(event, tag(21, 2)); err != nil || !ok || id != 21 {
		t.Errorf("a foreign code: %s, %t, %v", id, ok, err)
	}
	twice := ticket(22)
	twice.Foreign = []gate.Tag{tag(21, 2)}
	sell := func() error {
		return s.Add(event, func(gate.TicketID) ([]gate.Ticket, error) { return []gate.Ticket{twice}, nil })
	}
	var taken *central.ForeignTakenError
	if err := sell(); !errors.As(err, &taken) || taken.Ticket != 21 {
		t.Errorf("a code that is taken: %v", err)
	}
	must(t, s.Change(event, 21, func(t *gate.Ticket) error { t.Status, t.Documents = gate.StatusVoid, nil; return nil }))
	if ids, err := s.OfDocument(event, tag(20, 1)); err != nil || !slices.Equal(ids, []gate.TicketID{20}) {
		t.Errorf("after a change: %v, %v", ids, err)
	}
	if err := sell(); err != nil {
		t.Errorf("a code of a ticket that is void is sold again: %v", err)
	}
}

func wallets(t *testing.T, s central.Store) {
	if w, err := s.Wallet(event, 5); err != nil || w != (central.Wallet{}) {
		t.Errorf("a wallet of nobody: %+v, %v", w, err)
	}
	want := central.Wallet{Account: tag(1, 3), Phone: tag(1, 4), Until: time.Unix(1_800_000_000, 0).UTC(), Transfers: 2}
	must(t, s.AddWallets(event, map[gate.TicketID]central.Wallet{5: want, 9: {Transfers: 1}}))
	boom := errors.New("boom")
	if err := s.ChangeWallet(event, 5, func(w *central.Wallet) error { w.Transfers = 9; return boom }); !errors.Is(err, boom) {
		t.Errorf("a change that fails: %v", err)
	}
	if w, err := s.Wallet(event, 5); err != nil || w != want {
		t.Errorf("%+v, %v; want %+v", w, err, want)
	}
}

func journals(t *testing.T, s central.Store) {
	origin := ledger.Origin{Gate: 7, Epoch: 3}
	encoded := bytes.Repeat([]byte{1}, 3*ledger.Size)
	if l, err := s.Log(origin); err != nil || l.Next != 1 || l.Closed != "" {
		t.Errorf("an unknown log: %+v, %v", l, err)
	}
	log := central.Log{Origin: origin, Next: 4, Tail: []byte{1}, Head: []byte{2}, At: time.Unix(1, 0).UTC(), By: 8}
	must(t, s.Append(log, encoded))
	if err := s.Append(log, encoded); !errors.Is(err, central.ErrMoved) {
		t.Errorf("the same again: %v", err)
	}
	log.Next = 5
	must(t, s.Append(log, bytes.Repeat([]byte{2}, ledger.Size)))
	must(t, s.Append(central.Log{Origin: ledger.Origin{Gate: 7, Epoch: 2}, Next: 2}, encoded[:ledger.Size]))
	for _, c := range []struct {
		from uint64
		n    int
		want []byte
	}{
		{1, 9, append(slices.Clone(encoded), bytes.Repeat([]byte{2}, ledger.Size)...)},
		{3, 1, encoded[:ledger.Size]},
		{5, 3, nil},
		{4, 0, nil},
	} {
		if got, err := s.Records(nil, origin, c.from, c.n); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%d records from %d: %d bytes, %v", c.n, c.from, len(got), err)
		}
	}
	log.Closed, log.Fork = "fork", 2
	must(t, s.CloseLog(log, 2, encoded[:ledger.Size]))
	if branch, err := s.Forked(nil, origin); err != nil || !bytes.Equal(branch, encoded[:ledger.Size]) {
		t.Errorf("the other branch: %d bytes, %v", len(branch), err)
	}
	log.Next = 6
	if err := s.Append(log, encoded[:ledger.Size]); !errors.Is(err, central.ErrMoved) {
		t.Errorf("onto a closed log: %v", err)
	}
	logs, err := s.Logs()
	if err != nil || len(logs) != 2 || logs[0].Origin.Epoch != 2 || logs[1].Closed != "fork" || logs[1].Next != 5 || logs[1].Fork != 2 {
		t.Errorf("%+v, %v", logs, err)
	}
}

func book(t *testing.T, s central.Store) {
	n := 0
	if ok, err := s.Entry("a/1", &n); ok || err != nil {
		t.Errorf("an entry that is not there: %t, %v", ok, err)
	}
	for _, name := range []string{"a/2", "a/1", "b/1"} {
		n = 0
		must(t, s.ChangeEntry(name, &n, func() error { n += 5; return nil }))
	}
	n = 0
	must(t, s.ChangeEntry("a/1", &n, func() error { n++; return nil }))
	boom := errors.New("boom")
	if err := s.ChangeEntry("a/1", &n, func() error { n = 99; return boom }); !errors.Is(err, boom) {
		t.Errorf("a change that fails: %v", err)
	}
	var names []string
	must(t, s.Entries("a/", func(name string, raw []byte) error {
		names = append(names, name)
		return json.Unmarshal(raw, &n)
	}))
	if !slices.Equal(names, []string{"a/1", "a/2"}) {
		t.Errorf("entries %v", names)
	}
	if ok, err := s.Entry("a/1", &n); !ok || err != nil || n != 6 {
		t.Errorf("%d, %t, %v", n, ok, err)
	}
	must(t, s.RemoveEntry("a/1"))
	must(t, s.RemoveEntry("a/1"))
	if ok, err := s.Entry("a/1", &n); ok || err != nil {
		t.Errorf("an entry that was removed: %t, %v", ok, err)
	}
}

func accounts(t *testing.T, s central.Store) {
	a := central.Account{Name: "admin", Password: "hash", Made: time.Unix(1, 0).UTC()}
	if _, ok, err := s.Account("admin"); ok || err != nil {
		t.Errorf("an account that is not there: %t, %v", ok, err)
	}
	must(t, s.SetAccount(a))
	if got, ok, err := s.Account("admin"); !ok || err != nil || got != a {
		t.Errorf("%+v, %t, %v", got, ok, err)
	}
	for _, id := range []string{"b", "a"} {
		must(t, s.SetAPIKey(central.APIKey{ID: id, Role: "sales", Channel: 2, Hash: []byte{1}}))
	}
	if k, ok, err := s.APIKey("a"); !ok || err != nil || k.Channel != 2 {
		t.Errorf("%+v, %t, %v", k, ok, err)
	}
	must(t, s.RemoveAPIKey("a"))
	must(t, s.RemoveAPIKey("a"))
	if keys, err := s.APIKeys(); err != nil || len(keys) != 1 || keys[0].ID != "b" {
		t.Errorf("%+v, %v", keys, err)
	}
}
