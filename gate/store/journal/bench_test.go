package journal

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/gate/ledger"
)

// report adds the percentiles of how long single calls took.
func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "records/s")
}

func benchJournal(b *testing.B) *Journal {
	l := ledger.New()
	j, _ := open(b, Options{
		Dir: b.TempDir() + "/journal", Gate: testGate, Signer: newSigner(),
		OnCommit: func(batch []ledger.Record) {
			for i := range batch {
				if err := l.Add(&batch[i]); err != nil {
					b.Error(err)
				}
			}
		},
		OnTrouble: func(err error) { b.Error(err) },
	})
	b.Cleanup(func() { closeJournal(b, j) })
	return j
}

// BenchmarkFloor is what the disk asks: write 256 bytes and flush, in a file
// that is there already.
func BenchmarkFloor(b *testing.B) {
	f, err := os.Create(b.TempDir() + "/floor")
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
	}()
	if _, err := f.Write(make([]byte, 4<<20)); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	fd, p := int(f.Fd()), slices.Repeat([]byte{7}, 256)
	took := make([]time.Duration, 0, 1<<20)
	for b.Loop() {
		start := time.Now()
		if _, err := f.WriteAt(p, int64(len(took)%(4<<20/256))*256); err != nil {
			b.Fatal(err)
		}
		if err := unix.Fdatasync(fd); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	report(b, took)
}

// BenchmarkAppend is one lane: to the disk and into the ledger.
func BenchmarkAppend(b *testing.B) {
	j := benchJournal(b)
	took := make([]time.Duration, 0, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if _, err := j.Append(context.Background(), entry(1+len(took))); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	report(b, took)
}

// BenchmarkAppendEight is eight lanes at once.
func BenchmarkAppendEight(b *testing.B) {
	j := benchJournal(b)
	took := make([][]time.Duration, 8)
	b.ResetTimer()
	var wg sync.WaitGroup
	for lane := range took {
		wg.Go(func() {
			for i := lane; i < b.N; i += len(took) {
				start := time.Now()
				if _, err := j.Append(context.Background(), entry(1+i)); err != nil {
					b.Error(err)
					return
				}
				took[lane] = append(took[lane], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	report(b, slices.Concat(took...))
}

// BenchmarkStart reads a million records, verifies them and folds them into a
// ledger.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir() + "/journal"
	opt := Options{Dir: dir, Gate: testGate, Signer: newSigner()}
	j, _ := open(b, opt)
	const records = 1_000_000
	ticket := 0
	for ticket < records {
		for range noteQueue {
			ticket++
			rec := entry(1 + ticket/2)
			if ticket%2 == 0 {
				rec.Kind = ledger.KindExit
			}
			if err := j.Note(context.Background(), rec); err != nil {
				b.Fatal(err)
			}
		}
	}
	closeJournal(b, j)
	for b.Loop() {
		l := ledger.New()
		opt.OnRecover = l.AddHashed
		j, recovery := open(b, opt)
		if recovery.Records < records || recovery.Damage != nil {
			b.Fatalf("%+v", recovery)
		}
		b.StopTimer()
		closeJournal(b, j)
		b.StartTimer()
	}
}
