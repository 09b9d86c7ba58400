package logs_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// BenchmarkReceive takes 200 000 records of one gate in ranges, as after an
// outage. The floor for being level within 10 s is 20 000 records/s.
func BenchmarkReceive(b *testing.B) {
	const records = 200_000
	v := newVenue(2)
	e := v[2].start(1)
	v[2].write(e, records-1)
	var chunks [][]byte
	for from := uint64(1); from <= records; from += logs.MaxRecords {
		chunks = append(chunks, v[2].chunk(e, from, min(records, from+logs.MaxRecords-1)))
	}
	b.ReportAllocs()
	waited := 0
	for b.Loop() {
		b.StopTimer()
		l, _, err := logs.Open(v.options(b.TempDir()))
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for i, c := range chunks {
			first := uint64(i)*logs.MaxRecords + 1
			for {
				next, err := l.Receive(2, e.origin, first, c)
				if err != nil {
					b.Fatal(err)
				}
				if next > first {
					break
				}
				waited++
				time.Sleep(time.Millisecond)
			}
		}
		b.StopTimer()
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(waited)/float64(b.N), "waits/op")
}

// BenchmarkOpen opens a file of records, 100 000 unless VENUEGATE_BENCH_RECORDS
// says otherwise, and folds them.
func BenchmarkOpen(b *testing.B) {
	records := 100_000
	if n, err := strconv.Atoi(os.Getenv("VENUEGATE_BENCH_RECORDS")); err == nil {
		records = n
	}
	v := newVenue(21)
	opt := v.options(b.TempDir())
	l, _, err := logs.Open(opt)
	if err != nil {
		b.Fatal(err)
	}
	const live = 32 // records in a chunk, as they come during an event
	for id, box := range v {
		if id == own {
			continue
		}
		e := box.start(1)
		box.write(e, records/20-1)
		for from := uint64(1); from <= e.end(); {
			next, err := l.Receive(2, e.origin, from, box.chunk(e, from, min(e.end(), from+live-1)))
			if err != nil {
				b.Fatal(err)
			}
			if next == from {
				time.Sleep(time.Millisecond)
			}
			from = next
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(opt.Path)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		opt.Ledger = ledger.New()
		l, recovery, err := logs.Open(opt)
		if err != nil || recovery.Err != nil || int(recovery.Records) != records {
			b.Fatalf("%+v, %v", recovery, err)
		}
		b.StopTimer()
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(info.Size())/float64(records), "B/record")
}
