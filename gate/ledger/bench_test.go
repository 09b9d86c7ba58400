package ledger

import (
	"runtime"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// million makes the records of a season: every ticket once in and once out, by
// a document each, and a refusal for every eight of them.
func million() ([]Record, []Hash) {
	const n = 1_000_000
	records, hashes := make([]Record, n), make([]Hash, n)
	var clock Clock
	var prev Hash
	for i := range records {
		var r Record
		ticket := gate.TicketID(i/16*8 + i%8 + 1)
		switch {
		case i == 0:
			r = Record{Kind: KindEpoch, Step: NoStep}
		case i%9 == 8:
			r = Record{Kind: KindRefusal, Event: testEvent, Lane: 21, Step: NoStep, Reason: gate.ReasonCodeStale}
		case i%16 < 8:
			r = grant(uint32(i%1000), 1)
			r.Person = gate.PersonKey{1, byte(ticket >> 24), byte(ticket >> 16), byte(ticket >> 8), byte(ticket)}
		default:
			r = exit(uint32(i%1000+100), 1, Position{})
		}
		if r.Kind != KindEpoch && r.Kind != KindRefusal {
			r.Ticket = ticket
		}
		r.Position = Position{Origin{7, 1}, uint64(i + 1)}
		r.Wall = doors.Add(time.Duration(i) * time.Millisecond)
		clock = clock.Next(r.Wall)
		r.Clock, r.Prev = clock, prev
		prev = r.Hash()
		records[i], hashes[i] = r, prev
	}
	return records, hashes
}

// BenchmarkAddMillion folds a million records, as a start does.
func BenchmarkAddMillion(b *testing.B) {
	records, hashes := million()
	var before, after runtime.MemStats
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		l := New()
		for i := range records {
			if err := l.AddHashed(&records[i], hashes[i]); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(l)
		b.StartTimer()
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(records)), "B/record")
}

// BenchmarkHistory looks a ticket and its holder's other tickets up among a
// million records.
func BenchmarkHistory(b *testing.B) {
	records, hashes := million()
	l := New()
	for i := range records {
		if err := l.AddHashed(&records[i], hashes[i]); err != nil {
			b.Fatal(err)
		}
	}
	var h gate.History
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 7919) % len(records)
		l.History(&h, records[i].Ticket)
		h.Person = l.Person(h.Person, records[i].Person, records[i].Ticket)
	}
}
