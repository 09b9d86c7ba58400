package journal

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
)

// failing makes the n-th operation op on a file whose name contains part fail.
func failing(op, part string, n int, err error) func(string, string) error {
	return func(o, name string) error {
		if o != op || !strings.Contains(name, part) {
			return nil
		}
		if n--; n == 0 {
			return err
		}
		return nil
	}
}

func TestFailedAppend(t *testing.T) {
	tests := []struct {
		name  string
		fault func(op, name string) error
		doing string
		cause error
	}{
		{"the write fails", failing("write", "0001.seg", 3, syscall.EIO), "write", syscall.EIO},
		{"half is written, then the disk is full", failing("write", "0001.seg", 3, errHalf), "write", syscall.ENOSPC},
		{"the flush fails", failing("sync", "0001.seg", 3, syscall.EIO), "flush", syscall.EIO},
		{"the flush finds the disk full", failing("sync", "0001.seg", 3, syscall.ENOSPC), "flush", syscall.ENOSPC},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &session{memDisk: newMemDisk()}
				var s site
				j, _ := open(t, s.options(p, "/journal"))
				appendAll(t, j, 1, 5)
				p.fault = test.fault
				appendAll(t, j, 6, 7)
				rec := entry(8)
				position, err := j.Append(context.Background(), rec)
				var failed *AppendError
				if !errors.As(err, &failed) || failed.Epoch != 1 || failed.Doing != test.doing || !errors.Is(err, test.cause) {
					t.Fatalf("got %v", err)
				}
				if !position.IsZero() || !rec.Position.IsZero() {
					t.Errorf("it has a position all the same: %v, %v", position, rec.Position)
				}
				synctest.Wait()
				if got := s.seen(); len(got) != 2 || !errors.Is(got[0], err) || got[1] != nil {
					t.Errorf("troubles %v, want the failure and the all-clear", got)
				}
				appendAll(t, j, 9, 10)
				last := s.records[len(s.records)-1].Position
				if want := (ledger.Position{Origin: ledger.Origin{Gate: testGate, Epoch: 2}, Sequence: 3}); last != want {
					t.Errorf("goes on at %v, want %v", last, want)
				}
				closeJournal(t, j)

				before := s.records
				j, recovery := open(t, s.options(p, "/journal"))
				defer closeJournal(t, j)
				if recovery.Damage != nil || recovery.Torn != nil || recovery.LeftOut > 1 {
					t.Errorf("recovery %+v", recovery)
				}
				if !slices.Equal(s.records[:len(before)], before) {
					t.Errorf("found %v, acknowledged %v", tickets(s.records), tickets(before))
				}
			})
		})
	}
}

func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk()
		d.limit = 2*headSlot + 2*minSegment + 100
		p := &session{memDisk: d}
		var s site
		j, _ := open(t, s.options(p, "/journal"))
		var err error
		ticket := 0
		for err == nil {
			ticket++
			_, err = j.Append(context.Background(), entry(ticket))
			synctest.Wait() // the owner keeps up
		}
		if !errors.Is(err, syscall.ENOSPC) || ticket != 1+2*framesIn(minSegment)-1 {
			t.Errorf("after %d appends: %v", ticket, err)
		}
		synctest.Wait()
		var down *UnavailableError
		if _, err := j.Append(context.Background(), entry(1000)); !errors.As(err, &down) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("while it is full: %v", err)
		}
		var prepare *PrepareError
		if got := s.seen(); !errors.As(got[0], &prepare) || prepare.Segment != 3 {
			t.Errorf("the first warning is %v, want one of segment 3 before it is needed", got[0])
		}
		time.Sleep(10 * ownEvery)
		names, err := p.Names("/journal")
		if slices.Sort(names); err != nil || !slices.Equal(names, []string{"7-000001", "7-000002"}) {
			t.Errorf("ten tries left %v, %v", names, err)
		}
		if err := j.Note(context.Background(), refusal(1001)); err != nil {
			t.Errorf("a note while it is full: %v", err)
		}
		p.mu.Lock()
		d.limit = 0
		p.mu.Unlock()
		time.Sleep(2 * ownEvery)
		if got := s.seen(); got[len(got)-1] != nil {
			t.Errorf("no all-clear: %v", got[len(got)-1])
		}
		appendAll(t, j, 2000, 2001)
		want := append(count(1, ticket-1), 1001, 2000, 2001)
		if got := tickets(s.records); !slices.Equal(got, want) {
			t.Errorf("recorded %v, want %v", got, want)
		}
		closeJournal(t, j)
	})
}

func TestStartOnFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newMemDisk()
		d.limit = 1
		p := &session{memDisk: d}
		var s site
		j, _ := open(t, s.options(p, "/journal"))
		var down *UnavailableError
		if _, err := j.Append(context.Background(), entry(1)); !errors.As(err, &down) || down.Epoch != 1 {
			t.Errorf("got %v", err)
		}
		if h := j.Head(); h != (ledger.Head{}) {
			t.Errorf("head %+v of nothing", h)
		}
		p.mu.Lock()
		d.limit = 0
		p.mu.Unlock()
		time.Sleep(2 * ownEvery)
		appendAll(t, j, 2, 2)
		if got := s.records[0].Position.Epoch; got != 1 {
			t.Errorf("begins with epoch %d", got)
		}
		closeJournal(t, j)

		d.limit = 1
		j, _ = open(t, s.options(&session{memDisk: d}, "/journal"))
		if err := j.Note(context.Background(), refusal(3)); err != nil {
			t.Fatal(err)
		}
		var lost *LostError
		if err := j.Close(); !errors.As(err, &lost) || lost.Records != 1 || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("closed with a note that has no room: %v", err)
		}
	})
}

// held is a journal whose flushes wait: each commit takes a value from step.
func held(t *testing.T, s *site, p *session) (*Journal, chan struct{}) {
	opt := s.options(p, "/journal")
	step, commit, first := make(chan struct{}), opt.OnCommit, true
	opt.OnCommit = func(batch []ledger.Record) {
		if !first {
			<-step
		}
		first = false
		commit(batch)
	}
	j, _ := open(t, opt)
	return j, step
}

func TestGroupedAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &session{memDisk: newMemDisk()}
		var s site
		j, step := held(t, &s, p)
		var wg sync.WaitGroup
		results := make([]error, 6)
		add := func(i int, ctx context.Context) {
			wg.Go(func() { _, results[i] = j.Append(ctx, entry(i+1)) })
			synctest.Wait()
		}
		add(0, t.Context()) // leads, and waits at its commit
		cancelled, cancel := context.WithCancel(t.Context())
		add(1, t.Context())
		add(2, cancelled)
		add(3, t.Context())
		cancel()
		synctest.Wait()
		if !errors.Is(results[2], context.Canceled) {
			t.Errorf("an append that had not begun: %v", results[2])
		}
		syncs := 0
		p.mu.Lock()
		p.fault = func(op, _ string) error {
			if op == "sync" {
				syncs++
			}
			return nil
		}
		p.mu.Unlock()
		step <- struct{}{} // the first is done; the second leads the rest
		synctest.Wait()
		late, cancelLate := context.WithCancel(t.Context())
		add(4, late) // waits in the queue
		step <- struct{}{}
		synctest.Wait()
		cancelLate() // it is being written by now
		synctest.Wait()
		step <- struct{}{}
		wg.Wait()
		for i, err := range results {
			if (err != nil) != (i == 2) {
				t.Errorf("append %d: %v", i+1, err)
			}
		}
		if got := tickets(s.records); !slices.Equal(got, []int{1, 2, 4, 5}) || syncs != 2 {
			t.Errorf("recorded %v with %d flushes, want 1 2 4 5 with 2", got, syncs)
		}
		closeJournal(t, j)
	})
}

func TestFailureFailsItsWriteOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &session{memDisk: newMemDisk()}
		var s site
		j, step := held(t, &s, p)
		var wg sync.WaitGroup
		results := make([]error, 5)
		for i := range 5 {
			wg.Go(func() { _, results[i] = j.Append(t.Context(), entry(i+1)) })
			synctest.Wait()
			if i == 2 { // 2 and 3 wait behind 1 at its commit
				p.mu.Lock()
				p.fault = failing("sync", "0001.seg", 1, syscall.EIO)
				p.mu.Unlock()
				step <- struct{}{}
				synctest.Wait() // they fail; the new epoch waits at its first commit
				step <- struct{}{}
				synctest.Wait()
			}
		}
		for range 2 {
			step <- struct{}{}
		}
		wg.Wait()
		for i, err := range results {
			if (err != nil) != (i == 1 || i == 2) {
				t.Errorf("append %d: %v", i+1, err)
			}
		}
		if got := tickets(s.records); !slices.Equal(got, []int{1, 4, 5}) {
			t.Errorf("recorded %v", got)
		}
		closeJournal(t, j)
	})
}

func TestNotesPushBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &session{memDisk: newMemDisk()}
		var s site
		j, step := held(t, &s, p)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = j.Append(t.Context(), entry(1)) })
		synctest.Wait()
		for i := range noteQueue {
			if err := j.Note(t.Context(), refusal(2+i)); err != nil {
				t.Fatal(err)
			}
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := j.Note(impatient, refusal(9999)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one note too many: %v", err)
		}
		for i := range 3 {
			wg.Go(func() {
				if err := j.Note(t.Context(), refusal(2+noteQueue+i)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(step) // the disk works on
		wg.Wait()
		closeJournal(t, j)
		got := tickets(s.records)
		slices.Sort(got)
		if !slices.Equal(got, count(1, noteQueue+4)) {
			t.Errorf("%d records, want %d", len(got), noteQueue+4)
		}
	})
}

func TestNotesOutliveAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &session{memDisk: newMemDisk()}
		var s site
		j, _ := open(t, s.options(p, "/journal"))
		p.fault = failing("sync", "0001.seg", 1, syscall.EIO)
		for i := range 3 {
			if err := j.Note(t.Context(), refusal(1+i)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := tickets(s.records); !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("recorded %v", got)
		}
		if got := s.records[len(s.records)-1].Position.Epoch; got != 2 {
			t.Errorf("in epoch %d, want 2", got)
		}
		closeJournal(t, j)
	})
}

func TestHeadIsStoredEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &session{memDisk: newMemDisk()}
		var s site
		j, _ := open(t, s.options(p, "/journal"))
		o := s.records[0].Position.Origin
		writes := 0
		p.fault = func(op, name string) error {
			if op == "write" && strings.HasSuffix(name, headFile) {
				writes++
			}
			return nil
		}
		for i := range 3 {
			appendAll(t, j, 1+i, 1+i)
			time.Sleep(ownEvery)
			synctest.Wait()
			h, ok := readHead(p, "/journal", o)
			if !ok || h != j.Head() || h.Verify(newSigner().public()) != nil {
				t.Errorf("second %d: head %+v, %v", i, h, ok)
			}
		}
		time.Sleep(time.Hour)
		if writes != 3 {
			t.Errorf("%d heads were written for 3 appends and an idle hour", writes)
		}
		p.mu.Lock()
		p.fault = failing("sync", headFile, 1, io.ErrShortWrite)
		p.mu.Unlock()
		appendAll(t, j, 4, 4)
		time.Sleep(ownEvery)
		synctest.Wait()
		var head *HeadError
		if got := s.seen(); len(got) != 1 || !errors.As(got[0], &head) || head.Epoch != 1 {
			t.Errorf("troubles %v", got)
		}
		if h, ok := readHead(p, "/journal", o); !ok || h.Position.Sequence < 4 {
			t.Errorf("head %+v, %v", h, ok)
		}
		closeJournal(t, j)
	})
}
