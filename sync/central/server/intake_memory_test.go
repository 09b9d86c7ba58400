package server

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central/intake"
)

// BenchmarkUplink hands a million records in over HTTP, as one relay does, and
// reports how much more memory central uses at the end than after the first
// tenth: its own (anonymous), and pages of its file that the system may drop.
func BenchmarkUplink(b *testing.B) {
	const batches, size = 64, intake.MaxRecords
	for b.Loop() {
		b.StopTimer()
		f := newFixture(b)
		j := &bulk{journal: newJournal(f.first, 1, 2), next: 1}
		begin := time.Now()
		var own, mapped int64
		b.StartTimer()
		for i := range batches {
			from := j.next
			body := j.batch(size)
			a := f.upload(f.first, 1, "/v1/journals/1/2?from="+strconv.FormatUint(from, 10), body)
			if a.status != 200 {
				b.Fatalf("%d %s", a.status, a.body)
			}
			if i == batches/10 {
				own, mapped = resident(b)
			}
		}
		ownEnd, mappedEnd := resident(b)
		b.ReportMetric(batches*size/time.Since(begin).Seconds(), "records/s")
		b.ReportMetric(float64(ownEnd-own)/1024, "MiB-own")
		b.ReportMetric(float64(mappedEnd-mapped)/1024, "MiB-mapped")
	}
}

// bulk makes long logs without keeping them.
type bulk struct {
	*journal
	next uint64
}

func (j *bulk) batch(n int) []byte {
	var out []byte
	var head ledger.Head
	for range n {
		r := ledger.Record{
			Kind: ledger.KindGrant, Position: ledger.Position{Origin: j.origin, Sequence: j.next}, Prev: j.prev, Step: ledger.NoStep,
			Wall: evening.Add(time.Duration(j.next) * time.Millisecond), Event: 1, Session: 1, Ticket: gate.TicketID(1_000_000_000 + j.next),
			Generation: 1, Count: 1, Lane: 1, To: 1, Outcome: gate.Admit, Reason: gate.ReasonAdmitted,
		}
		if j.next == 1 {
			r.Kind, r.Prev = ledger.KindEpoch, ledger.Hash{}
		}
		start := len(out)
		out, _ = r.AppendBinary(out)
		j.prev = ledger.HashEncoded(out[start:])
		head = ledger.Head{Position: r.Position, Hash: j.prev}
		j.next++
	}
	copy(head.Signature[:], j.self.Sign(head.SigningBytes()))
	out, _ = head.AppendBinary(out)
	return out
}

// resident returns the process's own memory and that of mapped files, in KiB.
func resident(b *testing.B) (own, mapped int64) {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc here")
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "RssAnon":
			own = n
		case "RssFile":
			mapped = n
		}
	}
	return own, mapped
}
