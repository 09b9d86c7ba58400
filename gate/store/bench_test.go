package store_test

import (
	"context"
	"fmt"
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
	benchTicket(b, packs, million)
}

func benchTicket(b *testing.B, packs *store.Packs, n int) {
	var t gate.Ticket
	r := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		v := packs.Acquire()
		if p, err := v.Ticket(storetest.ID(r.IntN(n)), &t); err != nil || p == nil {
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

// BenchmarkPatch measures a change of the overlay of an event with 700 000
// tickets, from the changes to the swap, with so many changes in the overlay, and
// what it costs those who look tickets up. Installing all of it anew, for the
// same void, stands beside it.
func BenchmarkPatch(b *testing.B) {
	const n = 700_000
	packs, err := store.OpenPacks(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = packs.Close() }()
	last := uint64(1)
	if _, err := packs.Install(context.Background(), onBase(last), tickets(n)); err != nil {
		b.Fatal(err)
	}
	lookUps := func(with string) {
		b.Run("ticket, "+with, func(b *testing.B) { benchTicket(b, packs, n) })
		b.Run("indexes, "+with, func(b *testing.B) {
			v := packs.Acquire()
			defer func() { _ = v.Release() }()
			p, _ := v.Event(storetest.Event)
			benchIndexes(b, p, n)
		})
	}
	lookUps("no patch")
	for _, changes := range []int{1, 1000, 20_000} {
		b.Run(fmt.Sprintf("patch of %d", changes), func(b *testing.B) {
			for b.Loop() {
				last++
				patch(b, packs, last, changes)
			}
		})
	}
	lookUps("patched")
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			last++
			if _, err := packs.Install(context.Background(), onBase(last), tickets(n)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
