package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/storetest"
)

var installedAt = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func source(version uint64) store.Source {
	return store.Source{
		Event: storetest.Event, Version: version, Digest: "d", Venue: json.RawMessage(`{"id":1}`),
		Document: json.RawMessage(`{"id":2026}`), Policy: storetest.Policy(), Issued: installedAt.Add(-time.Hour),
		Expires: installedAt.Add(time.Hour), Origin: "directory", Verified: "root 1", At: installedAt,
	}
}

func tickets(n int) iter.Seq2[gate.Ticket, error] { return storetest.Tickets(n, storetest.Options{}) }

func openPacks(t *testing.T, dir string) *store.Packs {
	t.Helper()
	packs, err := store.OpenPacks(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := packs.Close(); err != nil {
			t.Error(err)
		}
	})
	return packs
}

func install(t *testing.T, packs *store.Packs, version uint64, n int) store.Info {
	t.Helper()
	info, err := packs.Install(context.Background(), source(version), tickets(n))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// version returns the version in use, zero for none.
func version(t *testing.T, packs *store.Packs) uint64 {
	t.Helper()
	v := packs.Acquire()
	defer func() {
		if err := v.Release(); err != nil {
			t.Error(err)
		}
	}()
	p, ok := v.Event(storetest.Event)
	if !ok {
		return 0
	}
	return p.Info().Version
}

func TestInstallAndLookUp(t *testing.T) {
	const n = 25_000
	dir := t.TempDir()
	packs := openPacks(t, dir)
	info := install(t, packs, 7, n)
	if info.Tickets != n || info.Version != 7 || info.Documents < n/4 || info.Foreign < n/20 {
		t.Fatalf("info %+v", info)
	}
	v := packs.Acquire()
	defer func() { _ = v.Release() }()
	i := 0
	var got gate.Ticket
	for want, err := range tickets(n) {
		if err != nil {
			t.Fatal(err)
		}
		p, err := v.Ticket(want.ID, &got)
		if err != nil || p == nil {
			t.Fatalf("ticket %s: pack %v, error %v", want.ID, p, err)
		}
		if !equal(&got, &want) {
			t.Fatalf("ticket %d:\n got %+v\nwant %+v", i, got, want)
		}
		if len(want.Documents) > 0 {
			ids, err := p.ByDocument(want.Documents[0].Tag, nil)
			if err != nil || !contains(ids, want.ID) {
				t.Fatalf("ticket %s is not found by its document: %v, %v", want.ID, ids, err)
			}
		}
		if len(want.Foreign) > 0 {
			id, channel, known, err := p.ByForeign(want.Foreign[0])
			if err != nil || !known || id != want.ID || channel != want.Channel {
				t.Fatalf("ticket %s is not found by its foreign code: %v %v %v %v", want.ID, id, channel, known, err)
			}
		}
		i++
	}
	if p, err := v.Ticket(storetest.FirstID-1, &got); p != nil || err != nil {
		t.Fatalf("an unknown ticket was found: %v, %v", p, err)
	}
	p, _ := v.Event(storetest.Event)
	if ids, err := p.ByDocument(gate.Tag{1}, nil); len(ids) != 0 || err != nil {
		t.Fatalf("an unknown document found %v, %v", ids, err)
	}
	if _, _, known, err := p.ByForeign(gate.Tag{1}); known || err != nil {
		t.Fatalf("an unknown code was found, %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "2026", "*"))
	if err != nil || len(left) != 2 {
		t.Fatalf("files %v, %v", left, err)
	}
}

func TestInstallOnlyNewer(t *testing.T) {
	packs := openPacks(t, t.TempDir())
	install(t, packs, 7, 10)
	_, err := packs.Install(context.Background(), source(7), tickets(10))
	if !errors.Is(err, store.ErrInstalled) {
		t.Fatalf("the same version: %v", err)
	}
	_, err = packs.Install(context.Background(), source(6), tickets(10))
	if older := (&store.OlderError{}); !errors.As(err, &older) || older.Have != 7 || older.RolledBack {
		t.Fatalf("an older version: %v", err)
	}
	if got := version(t, packs); got != 7 {
		t.Fatalf("version %d is in use", got)
	}
}

func TestRollback(t *testing.T) {
	dir := t.TempDir()
	packs := openPacks(t, dir)
	if _, err := packs.Rollback(storetest.Event); !errors.Is(err, store.ErrNoPack) {
		t.Fatalf("without a pack: %v", err)
	}
	install(t, packs, 7, 10)
	if _, err := packs.Rollback(storetest.Event); !errors.Is(err, store.ErrNoPrevious) {
		t.Fatalf("without a previous pack: %v", err)
	}
	install(t, packs, 8, 20)
	install(t, packs, 9, 30)
	if info, err := packs.Rollback(storetest.Event); err != nil || info.Version != 8 {
		t.Fatalf("back to %+v, %v", info, err)
	}
	_, err := packs.Install(context.Background(), source(9), tickets(30))
	if older := (&store.OlderError{}); !errors.As(err, &older) || !older.RolledBack {
		t.Fatalf("the version that was rolled back: %v", err)
	}
	again := openPacks(t, dir)
	if got := version(t, again); got != 8 {
		t.Fatalf("after a restart version %d is in use", got)
	}
	if info, err := packs.Rollback(storetest.Event); err != nil || info.Version != 9 {
		t.Fatalf("forth to %+v, %v", info, err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "2026"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %v, %v", files, err)
	}
}
