package store_test

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/storetest"
)

const million = 1_000_000

// BenchmarkInstall measures a million tickets from the iterator to the swap.
// Run it alone with -benchtime 1x for a peak of memory that means something.
func BenchmarkInstall(b *testing.B) {
	for b.Loop() {
		packs, err := store.OpenPacks(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := packs.Install(context.Background(), source(1), tickets(million)); err != nil {
			b.Fatal(err)
		}
		if err := packs.Close(); err != nil {
			b.Fatal(err)
		}
	}
	reportPeak(b)
}

// BenchmarkTicket measures one lookup among a million.
func BenchmarkTicket(b *testing.B) {
	packs, err := store.OpenPacks(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := packs.Install(context.Background(), source(1), tickets(million)); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = packs.Close() }()
	var t gate.Ticket
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		v := packs.Acquire()
		if p, err := v.Ticket(storetest.ID(r.IntN(million)), &t); err != nil || p == nil {
			b.Fatal(err)
		}
		if err := v.Release(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIndexes measures one lookup by document, by person, by order and by a
// foreign code each, among a million tickets.
func BenchmarkIndexes(b *testing.B) {
	packs, err := store.OpenPacks(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := packs.Install(context.Background(), source(1), tickets(million)); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = packs.Close() }()
	v := packs.Acquire()
	defer func() { _ = v.Release() }()
	p, _ := v.Event(storetest.Event)
	benchIndexes(b, p, million)
}

func benchIndexes(b *testing.B, p *store.Pack, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	ids := make([]gate.TicketID, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		i := r.IntN(n)
		tag := storetest.DocumentTag(i)
		ids, err := p.ByDocument(tag, ids)
		if err == nil {
			ids, err = p.ByPerson(gate.PersonKey(tag[:len(gate.PersonKey{})]), ids)
		}
		if err == nil {
			_, err = p.ByOrder(gate.OrderID(500_000+i/3), ids)
		}
		if err == nil {
			_, _, _, err = p.ByForeign(storetest.ForeignTag(i))
		}
		if err != nil {
			b.Fatal(err)
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
