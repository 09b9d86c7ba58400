package store_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/gate/store/storetest/drawn"
)

// onBase is a source whose packs may be patched.
func onBase(version uint64) store.Source {
	src := source(version)
	src.Base = "base"
	return src
}

// listed hands tickets out in ascending order of their ids.
func listed(tickets map[gate.TicketID]gate.Ticket) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		for _, id := range slices.Sorted(maps.Keys(tickets)) {
			if !yield(tickets[id], nil) {
				return
			}
		}
	}
}

// voids are changes that make every one of the first n tickets void.
func voids(n int) func(store.Lookup) iter.Seq2[gate.Ticket, error] {
	return func(base store.Lookup) iter.Seq2[gate.Ticket, error] {
		return func(yield func(gate.Ticket, error) bool) {
			for i := range n {
				var t gate.Ticket
				known, err := base(storetest.ID(i), &t)
				if !known && err == nil {
					err = errors.New("the base does not have the ticket")
				}
				t.Status = gate.StatusVoid
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

func patch(t testing.TB, packs *store.Packs, version uint64, n int) store.Info {
	t.Helper()
	info, err := packs.Patch(context.Background(), onBase(version), voids(n))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// voided counts the tickets, of the first n, that are void in the pack in use
// and were not sold so.
func voided(t testing.TB, packs *store.Packs, n int) (count int) {
	t.Helper()
	v := packs.Acquire()
	defer func() { _ = v.Release() }()
	for i := range n {
		var ticket gate.Ticket
		if p, err := v.Ticket(storetest.ID(i), &ticket); p == nil || err != nil {
			t.Fatalf("ticket %d: %v, %v", i, p, err)
		}
		if ticket.Status == gate.StatusVoid && ticket.Generation == 1 {
			count++
		}
	}
	return count
}

// drawLike draws a ticket whose document, order and codes are likely another's
// as well.
func drawLike(t *rapid.T, id gate.TicketID, code gate.TicketID) gate.Ticket {
	x := drawn.Ticket().Draw(t, "ticket")
	x.Event, x.ID = storetest.Event, id
	x.Order = gate.OrderID(rapid.Uint64Max(4).Draw(t, "order"))
	for i := range x.Documents {
		x.Documents[i].Tag = gate.Tag{1 + rapid.ByteMax(2).Draw(t, "person"), 15: rapid.ByteMax(2).Draw(t, "document")}
	}
	x.Foreign = nil
	if code != 0 {
		x.Foreign = []gate.Tag{{byte(code)}}
	}
	return x
}

func drawList(t *rapid.T, label string, most int, codes func(id gate.TicketID) gate.TicketID) map[gate.TicketID]gate.Ticket {
	all := map[gate.TicketID]gate.Ticket{}
	for range rapid.IntRange(0, most).Draw(t, label) {
		id := gate.TicketID(rapid.Uint64Range(1, 24).Draw(t, "id"))
		all[id] = drawLike(t, id, codes(id))
	}
	return all
}

// answers is everything that a pack can be asked about small tickets.
type answers struct {
	tickets   map[gate.TicketID]gate.Ticket
	documents map[gate.Tag][]gate.TicketID
	persons   map[gate.PersonKey][]gate.TicketID
	orders    map[gate.OrderID][]gate.TicketID
	foreign   map[gate.Tag][2]uint64
}

func askInUse(t *rapid.T, packs *store.Packs) (answers, store.Info) {
	v := packs.Acquire()
	defer func() { _ = v.Release() }()
	p, ok := v.Event(storetest.Event)
	if !ok {
		t.Fatal("no pack")
	}
	return ask(t, p), p.Info()
}

func ask(t *rapid.T, p *store.Pack) (a answers) {
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	a = answers{
		map[gate.TicketID]gate.Ticket{},
		map[gate.Tag][]gate.TicketID{},
		map[gate.PersonKey][]gate.TicketID{},
		map[gate.OrderID][]gate.TicketID{},
		map[gate.Tag][2]uint64{},
	}
	for id := range gate.TicketID(26) {
		var x gate.Ticket
		known, err := p.Ticket(id, &x)
		if check(err); known {
			a.tickets[id] = x
		}
		if code, channel, known, err := p.ByForeign(gate.Tag{byte(id)}); known {
			check(err)
			a.foreign[gate.Tag{byte(id)}] = [2]uint64{uint64(code), uint64(channel)}
		}
	}
	for person := range byte(5) {
		key := gate.PersonKey{person}
		found, err := p.ByPerson(key, []gate.TicketID{99})
		check(err)
		a.persons[key] = found
		for document := range byte(4) {
			tag := gate.Tag{person, 15: document}
			found, err := p.ByDocument(tag, []gate.TicketID{99})
			check(err)
			a.documents[tag] = found
		}
	}
	for order := range gate.OrderID(6) {
		found, err := p.ByOrder(order, []gate.TicketID{99})
		check(err)
		a.orders[order] = found
	}
	return a
}

// A pack with a patch answers as one that is built of all the tickets, before a
// restart and after it, whatever was patched before; and what one refuses the
// other does too.
func TestPatchedIsRebuilt(t *testing.T) {
	own := func(id gate.TicketID) gate.TicketID { return id }
	top, run := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		dir := filepath.Join(top, strconv.Itoa(run))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		packs, err := store.OpenPacks(filepath.Join(dir, "patched"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = packs.Close() }()

		base := drawList(t, "base", 20, own)
		if _, err := packs.Install(context.Background(), onBase(1), listed(base)); err != nil {
			t.Fatal(err)
		}
		anybody := func(id gate.TicketID) gate.TicketID {
			return rapid.SampledFrom([]gate.TicketID{0, id, id, gate.TicketID(rapid.Uint64Range(1, 24).Draw(t, "code"))}).Draw(t, "whose")
		}
		for version := uint64(2); version < 4; version++ {
			changed := drawList(t, "changes", 8, anybody)
			whole := maps.Clone(base)
			maps.Copy(whole, changed)
			path := filepath.Join(dir, strconv.FormatUint(version, 10)+".pack")
			want, refusal := store.BuildPack(context.Background(), path, source(version), listed(whole))
			info, err := packs.Patch(context.Background(), onBase(version), func(store.Lookup) iter.Seq2[gate.Ticket, error] { return listed(changed) })
			if refusal != nil {
				var a, b *store.TicketError
				if !errors.As(refusal, &a) || !errors.As(err, &b) || *a != *b {
					t.Fatalf("refused with %v, the whole with %v", err, refusal)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if want.Tickets != info.Tickets || want.Documents != info.Documents || want.Foreign != info.Foreign {
				t.Fatalf("counts\n got %+v\nwant %+v", info, want)
			}
			rebuilt, err := store.OpenPack(path)
			if err != nil {
				t.Fatal(err)
			}
			a, said := askInUse(t, packs)
			if b := ask(t, rebuilt); !reflect.DeepEqual(a, b) || said != info {
				t.Fatalf("answers\n got %+v\nwant %+v\n%+v", a, b, said)
			}
			again, err := store.OpenPacks(filepath.Join(dir, "patched"))
			if err != nil {
				t.Fatal(err)
			}
			if b, said := askInUse(t, again); !reflect.DeepEqual(a, b) || said != info {
				t.Fatalf("after a restart\n got %+v\nwant %+v\n%+v", b, a, said)
			}
			if err := errors.Join(again.Close(), rebuilt.Close()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A roll-back goes to the state before, which may be another patch, the file
// alone or another file; what was rolled back or is older does not come back.
func TestPatchAndRollback(t *testing.T) {
	const n = 100
	dir := t.TempDir()
	packs := openPacks(t, dir)
	is := func(want uint64, void, files int) {
		t.Helper()
		for _, p := range []*store.Packs{packs, openPacks(t, dir)} {
			if v, count := version(t, p), voided(t, p, n); v != want || count != void {
				t.Fatalf("version %d with %d voided, want %d with %d", v, count, want, void)
			}
		}
		if left, err := os.ReadDir(filepath.Join(dir, "2026")); err != nil || len(left) != files+1 {
			t.Fatalf("files %v, %v", left, err)
		}
	}
	back := func() {
		t.Helper()
		if _, err := packs.Rollback(storetest.Event); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := packs.Install(t.Context(), onBase(1), tickets(n)); err != nil {
		t.Fatal(err)
	}
	if info := patch(t, packs, 2, 7); info.Changes != 7 || info.Tickets != n || info.Version != 2 || info.Base != "base" {
		t.Fatalf("info %+v", info)
	}
	is(2, 7, 2)
	back()
	is(1, 0, 2)
	_, err := packs.Patch(t.Context(), onBase(2), voids(7))
	if older := (&store.OlderError{}); !errors.As(err, &older) || !older.RolledBack {
		t.Fatalf("the patch that was rolled back: %v", err)
	}
	patch(t, packs, 3, 3) // of another overlay: what patch 2 changed is as in the file
	is(3, 3, 2)
	patch(t, packs, 4, 5)
	is(4, 5, 3)
	back()
	is(3, 3, 3)
	back()
	is(4, 5, 3)
	_, err = packs.Patch(t.Context(), onBase(3), voids(3))
	if older := (&store.OlderError{}); !errors.As(err, &older) || older.RolledBack || older.Have != 4 {
		t.Fatalf("an older overlay: %v", err)
	}
	if _, err := packs.Patch(t.Context(), onBase(4), voids(5)); !errors.Is(err, store.ErrInstalled) {
		t.Fatalf("the same overlay: %v", err)
	}
	if _, err := packs.Install(t.Context(), onBase(5), tickets(n)); err != nil {
		t.Fatal(err)
	}
	is(5, 0, 3) // two files and a patch
	back()
	is(4, 5, 3)
	patch(t, packs, 6, 6)
	is(6, 6, 3) // one file and two patches
	if err := packs.Remove(storetest.Event); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

func TestPatchRefused(t *testing.T) {
	cut := errors.New("cut")
	done, cancel := context.WithCancel(context.Background())
	cancel()
	of := func(tickets iter.Seq2[gate.Ticket, error]) func(store.Lookup) iter.Seq2[gate.Ticket, error] {
		return func(store.Lookup) iter.Seq2[gate.Ticket, error] { return tickets }
	}
	other := onBase(8)
	other.Base = "another"
	none := onBase(8)
	none.Base = ""
	fewer := onBase(8)
	fewer.Tickets = 9
	anotherEvent := onBase(8)
	anotherEvent.Event++
	document := func(t *gate.Ticket) {
		t.Documents = []gate.DocumentTag{{Type: 1, Tag: storetest.DocumentTag(0)}}
	}
	for name, c := range map[string]struct {
		ctx     context.Context
		src     store.Source
		changes func(store.Lookup) iter.Seq2[gate.Ticket, error]
		want    error
		field   string
	}{
		"another base":     {src: other, changes: voids(3), want: store.ErrNotOnBase},
		"no base":          {src: none, changes: voids(3), want: store.ErrNotOnBase},
		"another event":    {src: anotherEvent, changes: voids(3), want: store.ErrNotOnBase},
		"too many":         {changes: of(storetest.Tickets(20_001, storetest.Options{Seed: 5})), want: store.ErrNotOnBase},
		"cut in the midst": {changes: of(func(yield func(gate.Ticket, error) bool) { yield(gate.Ticket{}, cut) }), want: cut},
		"cancelled":        {ctx: done, changes: voids(3), want: context.Canceled},
		"fewer than said":  {src: fewer, changes: voids(3)},
		"of another event": {changes: of(changed(1, func(_ int, t *gate.Ticket) { t.Event++ })), field: "event"},
		"out of order":     {changes: of(changed(2, func(i int, t *gate.Ticket) { t.ID, t.Generation = gate.TicketID(2-i), 3 })), field: "id"},
		"a name unmasked":  {changes: of(changed(1, func(_ int, t *gate.Ticket) { t.Masked = "张三" })), field: "masked"},
		"a code of another": {changes: of(changed(1, func(_ int, t *gate.Ticket) {
			t.ID, t.Foreign = 1, []gate.Tag{foreignOf(5000)}
		})), field: "foreign"},
		"5000 on a document": {changes: of(changed(5000, func(_ int, t *gate.Ticket) { document(t) })), field: "documents"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			packs := openPacks(t, dir)
			if _, err := packs.Install(t.Context(), onBase(7), tickets(5000)); err != nil {
				t.Fatal(err)
			}
			if c.src.Event == 0 {
				c.src = onBase(8)
			}
			if c.ctx == nil {
				c.ctx = t.Context()
			}
			_, err := packs.Patch(c.ctx, c.src, c.changes)
			var refused *store.TicketError
			switch {
			case err == nil:
				t.Fatal("patched")
			case c.want != nil && !errors.Is(err, c.want):
				t.Fatalf("error %v", err)
			case c.field != "" && (!errors.As(err, &refused) || refused.Field != c.field):
				t.Fatalf("error %v", err)
			}
			if got := version(t, packs); got != 7 {
				t.Fatalf("version %d is in use", got)
			}
			if left, err := os.ReadDir(filepath.Join(dir, "2026")); err != nil || len(left) != 2 {
				t.Fatalf("left behind: %v, %v", left, err)
			}
			patch(t, packs, 8, 3)
		})
	}
}

// foreignOf returns the code of the last of n tickets that has one.
func foreignOf(n int) (tag gate.Tag) {
	for t, err := range tickets(n) {
		if err == nil && len(t.Foreign) > 0 {
			tag = t.Foreign[0]
		}
	}
	return tag
}

// A patch that cannot be written changes nothing, and the next one is welcome.
func TestPatchUnwritten(t *testing.T) {
	dir := t.TempDir()
	packs := openPacks(t, dir)
	if _, err := packs.Install(t.Context(), onBase(7), tickets(100)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "2026", "8-2.patch"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := packs.Patch(t.Context(), onBase(8), voids(3)); err == nil {
		t.Fatal("patched")
	}
	if v, n := version(t, packs), voided(t, packs, 100); v != 7 || n != 0 {
		t.Fatalf("version %d with %d voided is in use", v, n)
	}
	patch(t, packs, 8, 3)
	if v, n := version(t, openPacks(t, dir)), voided(t, packs, 100); v != 8 || n != 3 {
		t.Fatalf("version %d with %d voided is in use", v, n)
	}
}

// A patch over nothing is none.
func TestPatchWithoutPack(t *testing.T) {
	packs := openPacks(t, t.TempDir())
	if _, err := packs.Patch(t.Context(), onBase(1), voids(1)); !errors.Is(err, store.ErrNotOnBase) {
		t.Fatalf("without a pack: %v", err)
	}
}

// What changes nothing is no change.
func TestPatchOfTheSame(t *testing.T) {
	packs := openPacks(t, t.TempDir())
	if _, err := packs.Install(t.Context(), onBase(1), tickets(100)); err != nil {
		t.Fatal(err)
	}
	info, err := packs.Patch(t.Context(), onBase(2), func(store.Lookup) iter.Seq2[gate.Ticket, error] { return tickets(101) })
	if err != nil || info.Changes != 1 || info.Tickets != 101 || info.Version != 2 {
		t.Fatalf("%+v, %v", info, err)
	}
}

// Whoever looks from outside sees what the gate has in use.
func TestOpenInstalled(t *testing.T) {
	dir := t.TempDir()
	packs := openPacks(t, dir)
	if _, err := store.OpenInstalled(dir, storetest.Event); !errors.Is(err, store.ErrNoPack) {
		t.Fatalf("without a pack: %v", err)
	}
	if _, err := packs.Install(t.Context(), onBase(1), tickets(10)); err != nil {
		t.Fatal(err)
	}
	want := patch(t, packs, 2, 4)
	p, err := store.OpenInstalled(dir, storetest.Event)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Info(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
