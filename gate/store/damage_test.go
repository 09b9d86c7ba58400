package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/storetest"
)

// packFile returns the pack file of the event in a directory of packs with
// one.
func packFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "2026", "*.pack"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	return files[0]
}

// installed returns a directory with one closed pack.
func installed(t *testing.T, version uint64, n int) string {
	t.Helper()
	dir := t.TempDir()
	packs, err := store.OpenPacks(dir)
	if err != nil {
		t.Fatal(err)
	}
	install(t, packs, version, n)
	if err := packs.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFileIsNotOpened(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"cut short":          func(b []byte) []byte { return b[:len(b)/2] },
		"empty":              func(b []byte) []byte { return nil },
		"longer":             func(b []byte) []byte { return append(b, 0) },
		"a bit in the meta":  func(b []byte) []byte { b[20] ^= 1; return b },
		"a bit in the midst": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"a bit at the end":   func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := installed(t, 7, 5000)
			edit(t, packFile(t, dir), change)
			packs, err := store.OpenPacks(dir)
			var damaged *store.DamagedError
			if !errors.As(err, &damaged) {
				t.Fatalf("error %v", err)
			}
			defer func() { _ = packs.Close() }()
			if got := version(t, packs); got != 0 {
				t.Fatalf("version %d is in use", got)
			}
			install(t, packs, 7, 5000) // the same version repairs it
			if got := version(t, packs); got != 7 {
				t.Fatalf("after the repair version %d is in use", got)
			}
		})
	}
}

func TestSwappedFileIsNotOpened(t *testing.T) {
	dir, other := installed(t, 7, 100), installed(t, 7, 101)
	if err := os.Rename(packFile(t, other), packFile(t, dir)); err != nil {
		t.Fatal(err)
	}
	packs, err := store.OpenPacks(dir)
	var damaged *store.DamagedError
	if !errors.As(err, &damaged) {
		t.Fatalf("error %v", err)
	}
	if err := packs.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedManifest(t *testing.T) {
	for name, text := range map[string]string{
		"empty":             "",
		"no JSON":           "{",
		"a later format":    `{"format": 99}`,
		"another directory": `{"format": 1, "current": {"file": "../1.pack"}}`,
		"no pack":           `{"format": 1, "current": {"file": "current.json"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := installed(t, 7, 10)
			edit(t, filepath.Join(dir, "2026", "current.json"), func([]byte) []byte { return []byte(text) })
			packs, err := store.OpenPacks(dir)
			var damaged *store.DamagedError
			if !errors.As(err, &damaged) {
				t.Fatalf("error %v", err)
			}
			defer func() { _ = packs.Close() }()
			install(t, packs, 7, 10)
			if got := version(t, packs); got != 7 {
				t.Fatalf("after the repair version %d is in use", got)
			}
		})
	}
}

// One bad pack does not close the other events.
func TestOtherEventsStayOpen(t *testing.T) {
	dir := installed(t, 7, 10)
	edit(t, packFile(t, dir), func(b []byte) []byte { return b[:100] })
	packs, err := store.OpenPacks(dir)
	if err == nil {
		t.Fatal("no error")
	}
	src := source(1)
	src.Event = 3000
	src.Policy.Event = 3000
	_, err = packs.Install(context.Background(), src, storetest.Tickets(5, storetest.Options{
		Each: func(_ int, t *gate.Ticket) { t.Event = 3000 },
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := packs.Close(); err != nil {
		t.Fatal(err)
	}
	packs, err = store.OpenPacks(dir)
	if err == nil || !strings.Contains(err.Error(), "event 2026") {
		t.Fatalf("error %v", err)
	}
	defer func() { _ = packs.Close() }()
	v := packs.Acquire()
	defer func() { _ = v.Release() }()
	if _, ok := v.Event(3000); !ok || len(v.Packs()) != 1 {
		t.Fatalf("%d packs are in use", len(v.Packs()))
	}
}

// A file that is cut short under an open pack faults in the mapping. That is
// an error of the lookup, not the end of the daemon.
func TestFileCutUnderOpenPack(t *testing.T) {
	dir := t.TempDir()
	packs := openPacks(t, dir)
	install(t, packs, 7, 20_000)
	v := packs.Acquire()
	defer func() { _ = v.Release() }()
	if err := os.Truncate(packFile(t, dir), 64<<10); err != nil {
		t.Fatal(err)
	}
	var ticket gate.Ticket
	var damaged *store.DamagedError
	failed := 0
	for i := range 20_000 {
		_, err := v.Ticket(storetest.ID(i), &ticket)
		if err != nil {
			failed++
			if !errors.As(err, &damaged) {
				t.Fatalf("error %v", err)
			}
		}
	}
	if failed == 0 {
		t.Fatal("every ticket was read from a file of 64 KiB")
	}
}

// Any bytes whatever in a pack file lead to an error or to a pack, never to a
// crash, even where the sum is not asked: bbolt follows damaged offsets.
func FuzzVerifyPack(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "seed.pack")
	if _, err := store.BuildPack(context.Background(), path, source(1), tickets(200)); err != nil {
		f.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte{1})
	f.Add(uint32(4096+16), []byte{0xff, 0xff})
	f.Add(uint32(len(sound)-100), []byte{0})
	f.Add(uint32(2*4096+8), []byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		data := append([]byte(nil), sound...)
		copy(data[int(at)%len(data):], patch)
		path := filepath.Join(t.TempDir(), "damaged.pack")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var damaged *store.DamagedError
		if _, err := store.VerifyPack(context.Background(), path); err != nil && !errors.As(err, &damaged) {
			t.Fatalf("error %v", err)
		}
	})
}

// Every single byte of the pages that hold tickets counts: VerifyPack notices
// the change without knowing the file's sum.
func TestVerifyNoticesChangedContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "1.pack")
	if _, err := store.BuildPack(context.Background(), path, source(1), tickets(300)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.VerifyPack(context.Background(), path); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	noticed := 0
	for at := 4 * 4096; at < len(sound); at += 997 {
		data := append([]byte(nil), sound...)
		data[at] ^= 0x10
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.VerifyPack(context.Background(), path)
		var damaged *store.DamagedError
		if err != nil && !errors.As(err, &damaged) {
			t.Fatalf("byte %d: %v", at, err)
		}
		if err != nil {
			noticed++
		}
	}
	if noticed == 0 {
		t.Fatal("no change was noticed")
	}
}

// A patch that is not what was written takes its event out of use, as a pack
// does: what lies under it would admit those whom it refuses.
func TestDamagedPatchIsNotOpened(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"cut short":           func(b []byte) []byte { return b[:len(b)/2] },
		"empty":               func(b []byte) []byte { return nil },
		"longer":              func(b []byte) []byte { return append(b, 0) },
		"a bit in the header": func(b []byte) []byte { b[20] ^= 1; return b },
		"a bit at the end":    func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"gone":                nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			packs := openPacks(t, dir)
			if _, err := packs.Install(t.Context(), onBase(7), tickets(100)); err != nil {
				t.Fatal(err)
			}
			patch(t, packs, 8, 3)
			patch(t, packs, 9, 4)
			for _, file := range []string{"8-2.patch", "9-3.patch"} {
				path := filepath.Join(dir, "2026", file)
				if change != nil {
					edit(t, path, change)
				} else if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			damaged := new(store.DamagedError)
			if _, err := packs.Rollback(storetest.Event); !errors.As(err, &damaged) || damaged.File != "8-2.patch" {
				t.Fatalf("back to a damaged patch: %v", err)
			}
			if v, n := version(t, packs), voided(t, packs, 100); v != 9 || n != 4 {
				t.Fatalf("version %d with %d voided is in use", v, n)
			}
			again, err := store.OpenPacks(dir)
			if !errors.As(err, &damaged) || damaged.File != "9-3.patch" {
				t.Fatalf("error %v", err)
			}
			defer func() { _ = again.Close() }()
			if got := version(t, again); got != 0 {
				t.Fatalf("version %d is in use", got)
			}
			if _, err := again.Patch(t.Context(), onBase(9), voids(4)); !errors.Is(err, store.ErrNotOnBase) {
				t.Fatalf("a patch over nothing: %v", err)
			}
			if _, err := again.Install(t.Context(), onBase(9), tickets(100)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A manifest that names files elsewhere is none.
func TestManifestNamesPatchesInside(t *testing.T) {
	dir := t.TempDir()
	packs := openPacks(t, dir)
	if _, err := packs.Install(t.Context(), onBase(7), tickets(10)); err != nil {
		t.Fatal(err)
	}
	patch(t, packs, 8, 3)
	edit(t, filepath.Join(dir, "2026", "current.json"), func(b []byte) []byte {
		return []byte(strings.Replace(string(b), `"8-2.patch"`, `"../2026/8-2.patch"`, 1))
	})
	_, err := store.OpenPacks(dir)
	if damaged := new(store.DamagedError); !errors.As(err, &damaged) || damaged.What != "names no patch file" {
		t.Fatalf("error %v", err)
	}
}
