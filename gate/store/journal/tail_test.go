package journal

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/venuegate/venuegate/gate/ledger"
)

// drain returns the records that a tail has now.
func drain(t *testing.T, tail *Tail) []ledger.Record {
	t.Helper()
	var records []ledger.Record
	for {
		var rec ledger.Record
		found, err := tail.Next(&rec)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return records
		}
		records = append(records, rec)
	}
}

func TestTailFollows(t *testing.T) {
	dir := t.TempDir() + "/journal"
	var s site
	j, _ := open(t, s.options(nil, dir))
	tail, err := OpenTail(dir, ledger.Position{})
	if err != nil {
		t.Fatal(err)
	}
	var got []ledger.Record
	step := func(what string) {
		t.Helper()
		got = append(got, drain(t, tail)...)
		if !slices.Equal(got, s.records) {
			t.Fatalf("%s: %v, want %v", what, tickets(got), tickets(s.records))
		}
	}
	step("the first record")
	for i := range 60 { // over two segments
		appendAll(t, j, 1+i, 1+i)
		step("one by one")
	}
	appendAll(t, j, 61, 200)
	step("many at once")
	closeJournal(t, j)
	step("a closed journal")

	written := s.records
	var next site
	j, _ = open(t, next.options(nil, dir))
	appendAll(t, j, 201, 230)
	if more := drain(t, tail); !slices.Equal(tickets(more), count(201, 230)) {
		t.Errorf("the next epoch: %v", tickets(more))
	}
	closeJournal(t, j)

	late, err := OpenTail(dir, written[149].Position)
	if err != nil {
		t.Fatal(err)
	}
	if got := drain(t, late); !slices.Equal(tickets(got), count(150, 230)) {
		t.Errorf("from the middle: %v", tickets(got))
	}
}

func TestTailPassesDamage(t *testing.T) {
	d, all := archive(t, false)
	data := d.file("/journal/7-000001/0001.seg").data
	clear(data[segmentHeader+5*frameSize:][:frameSize])
	data[segmentHeader+10*frameSize+99] ^= 1
	p := &session{memDisk: d}
	tail := &Tail{reader: reader{disk: p, dir: "/journal"}}
	want := slices.Delete(slices.Clone(all), 10, 11)
	want = slices.Delete(want, 5, 6)
	if got := drain(t, tail); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", tickets(got), tickets(want))
	}
}

// TestTailBesideAppends polls while lanes append.
func TestTailBesideAppends(t *testing.T) {
	dir := t.TempDir() + "/journal"
	var s site
	j, _ := open(t, s.options(nil, dir))
	tail, err := OpenTail(dir, ledger.Position{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for lane := range 4 {
		wg.Go(func() {
			for i := range 150 {
				if _, err := j.Append(context.Background(), entry(1+4*i+lane)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var got []ledger.Record
	for len(got) < 601 {
		got = append(got, drain(t, tail)...)
	}
	wg.Wait()
	closeJournal(t, j)
	if !slices.Equal(got, s.records) {
		t.Error("what was followed is not what was written")
	}
}
