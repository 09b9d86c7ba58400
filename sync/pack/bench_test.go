package pack_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

const million = 1_000_000

// prepared returns a repository of a million tickets and a gate that trusts
// it. It is made once in the directory that VENUEGATE_BENCH_DIR names, or anew
// in a temporary one, in which case the peak of memory includes the issuer's.
func prepared(b *testing.B) (repository, trust string) {
	b.Helper()
	top := os.Getenv("VENUEGATE_BENCH_DIR")
	if top == "" {
		top = b.TempDir()
	}
	repository, trust = filepath.Join(top, "repository"), filepath.Join(top, "trust")
	if _, err := os.Stat(filepath.Join(repository, "metadata", "timestamp.json")); err == nil {
		return repository, trust
	}
	keys, err := pack.CreateKeys(filepath.Join(top, "keys"))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := pack.Build(context.Background(), repository, keys, content(tickets(million)), now); err != nil {
		b.Fatal(err)
	}
	root, err := os.ReadFile(filepath.Join(repository, "metadata", "1.root.json"))
	if err != nil {
		b.Fatal(err)
	}
	if err := pack.Enrol(trust, root); err != nil {
		b.Fatal(err)
	}
	return repository, trust
}

// BenchmarkInstallMillion measures all of it: verify the repository, decode,
// load, verify the file, swap.
func BenchmarkInstallMillion(b *testing.B) {
	repository, trust := prepared(b)
	for b.Loop() {
		dir, err := pack.OpenDir(repository)
		if err != nil {
			b.Fatal(err)
		}
		r, err := pack.Open(context.Background(), dir, trust, now)
		if err != nil {
			b.Fatal(err)
		}
		e, _ := r.Event(storetest.Event)
		policy, err := e.Event.Policy()
		if err != nil {
			b.Fatal(err)
		}
		packs, err := store.OpenPacks(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		src := store.Source{
			Event: e.ID, Version: r.Version(), Digest: e.Digest, Venue: r.VenueJSON, Document: e.JSON, Policy: policy,
			Issued: r.Issued(), Expires: r.Expires(), Origin: "directory", At: now,
		}
		if _, err := packs.Install(context.Background(), src, r.Tickets(context.Background(), e.ID)); err != nil {
			b.Fatal(err)
		}
		if err := packs.Close(); err != nil {
			b.Fatal(err)
		}
		if err := dir.Close(); err != nil {
			b.Fatal(err)
		}
	}
	reportPeak(b)
}

// BenchmarkTickets measures verifying and decoding alone.
func BenchmarkTickets(b *testing.B) {
	repository, trust := prepared(b)
	dir, err := pack.OpenDir(repository)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	for b.Loop() {
		r, err := pack.Open(context.Background(), dir, trust, now)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range r.Tickets(context.Background(), storetest.Event) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != million {
			b.Fatal(n)
		}
	}
}

// reportPeak reports the process's peak of resident memory, where the system
// tells it.
func reportPeak(b *testing.B) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			b.Log("peak resident memory", strings.TrimSpace(kb))
		}
	}
}
