package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

const testGate = gate.GateID(7)

// signer is a gate's key. Its seed is 32 times the byte 7.
type signer struct{ key ed25519.PrivateKey }

func newSigner() signer {
	return signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))}
}

func (s signer) Sign(message []byte) []byte { return ed25519.Sign(s.key, message) }

func (s signer) public() ed25519.PublicKey {
	return ed25519.PublicKey(s.key[ed25519.SeedSize:])
}

// site is what a journal's owner keeps in a test.
type site struct {
	mu       sync.Mutex
	ledger   *ledger.Ledger
	records  []ledger.Record // recovered and committed, in order
	troubles []error
}

// options are those of a test's journal; the records end up in s.
func (s *site) options(d disk, dir string) Options {
	s.ledger, s.records = ledger.New(), nil
	keep := func(rec *ledger.Record) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.records = append(s.records, *rec)
		return s.ledger.Add(rec)
	}
	return Options{
		Dir: dir, Gate: testGate, Signer: newSigner(), SegmentSize: minSegment, disk: d,
		OnRecover: func(rec *ledger.Record, hash ledger.Hash) error {
			if hash != rec.Hash() {
				return errors.New("the hash is not the record's")
			}
			return keep(rec)
		},
		OnCommit: func(batch []ledger.Record) {
			for i := range batch {
				if err := keep(&batch[i]); err != nil {
					panic(err) // no test expects it
				}
			}
		},
		OnTrouble: func(err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.troubles = append(s.troubles, err)
		},
	}
}

// seen returns the troubles so far.
func (s *site) seen() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.troubles)
}

func open(t testing.TB, opt Options) (*Journal, Recovery) {
	t.Helper()
	j, recovery, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	return j, recovery
}

// entry is a record that can be told apart by its ticket.
func entry(ticket int) *ledger.Record {
	return &ledger.Record{
		Kind: ledger.KindGrant, Event: 1001, Ticket: gate.TicketID(ticket), Generation: 1,
		Step: ledger.NoStep, Count: 1, Lane: 21, To: 4, Outcome: gate.Admit, Reason: gate.ReasonAdmitted,
		Wall: time.UnixMilli(1795258923456).UTC(),
	}
}

func refusal(ticket int) *ledger.Record {
	r := entry(ticket)
	r.Kind, r.Outcome, r.Reason = ledger.KindRefusal, gate.Refuse, gate.ReasonCodeStale
	return r
}

func appendAll(t testing.TB, j *Journal, from, to int) {
	t.Helper()
	for ticket := from; ticket <= to; ticket++ {
		if _, err := j.Append(context.Background(), entry(ticket)); err != nil {
			t.Fatalf("ticket %d: %v", ticket, err)
		}
	}
}

// tickets returns the tickets of records that have one.
func tickets(records []ledger.Record) []int {
	var ids []int
	for i := range records {
		if records[i].Ticket != 0 {
			ids = append(ids, int(records[i].Ticket))
		}
	}
	return ids
}

func count(from, to int) []int {
	var ids []int
	for i := from; i <= to; i++ {
		ids = append(ids, i)
	}
	return ids
}

func closeJournal(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAppendAndComeBack(t *testing.T) {
	dir := t.TempDir() + "/journal"
	var s site
	j, recovery := open(t, s.options(nil, dir))
	if recovery.Epochs != 0 || recovery.Records != 0 || !recovery.Last.IsZero() {
		t.Errorf("a new journal has %+v", recovery)
	}
	rec := entry(1)
	position, err := j.Append(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	if want := (ledger.Position{Origin: ledger.Origin{Gate: testGate, Epoch: 1}, Sequence: 2}); position != want || rec.Position != want {
		t.Errorf("position %v, in the record %v, want %v", position, rec.Position, want)
	}
	if got := s.ledger.Total(1001).Admitted; got != 1 {
		t.Errorf("the ledger has %d when Append returns", got)
	}
	appendAll(t, j, 2, 100) // over several segments
	head := j.Head()
	closeJournal(t, j)
	if _, err := j.Append(context.Background(), entry(101)); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed journal: %v", err)
	}
	if err := j.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}

	stored, err := ReadHead(dir, position.Origin)
	if err != nil || stored != head {
		t.Errorf("stored head %+v, %v; want %+v", stored, err, head)
	}
	if err := stored.Verify(newSigner().public()); err != nil {
		t.Error(err)
	}
	written := s.records
	j, recovery = open(t, s.options(nil, dir))
	defer closeJournal(t, j)
	if recovery.Records != 101 || recovery.Torn != nil || recovery.LeftOut != 0 || recovery.Damage != nil || recovery.Epochs != 1 {
		t.Errorf("recovery %+v", recovery)
	}
	if !slices.Equal(recovery.Heads, []ledger.Head{head}) {
		t.Errorf("heads %+v, want %+v", recovery.Heads, head)
	}
	if recovery.Last != head.Position || recovery.LastHash != head.Hash {
		t.Errorf("last %v, want %v", recovery.Last, head.Position)
	}
	if !slices.Equal(s.records[:101], written) {
		t.Error("the records are not what was written")
	}
	first := s.records[101]
	if first.Kind != ledger.KindEpoch || first.Ref != head.Position || first.Prev != head.Hash ||
		first.Position.Epoch != 2 || first.Position.Sequence != 1 {
		t.Errorf("the new epoch begins with %+v", first)
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	dir := t.TempDir() + "/journal"
	var s site
	opt := s.options(nil, dir)
	flushes := 0
	commit := opt.OnCommit
	opt.OnCommit = func(batch []ledger.Record) { flushes++; commit(batch) }
	j, _ := open(t, opt)
	var wg sync.WaitGroup
	for lane := range 8 {
		wg.Go(func() {
			for i := range 200 {
				var err error
				if rec := entry(1 + lane*200 + i); i%4 == 3 {
					err = j.Note(context.Background(), rec)
				} else {
					_, err = j.Append(context.Background(), rec)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	closeJournal(t, j)
	ids := tickets(s.records)
	slices.Sort(ids)
	if !slices.Equal(ids, count(1, 1600)) {
		t.Errorf("%d records, want every one of 1600 once", len(ids))
	}
	t.Logf("%d flushes for 1600 records", flushes)

	_, err := Read(dir, func(rec *ledger.Record, _ ledger.Hash) error {
		if want := s.records[0]; *rec != want {
			t.Fatalf("read %+v, want %+v", *rec, want)
		}
		s.records = s.records[1:]
		return nil
	})
	if err != nil || len(s.records) != 0 {
		t.Errorf("%v; %d records were not read", err, len(s.records))
	}
}

func TestClockNeverRunsBackwards(t *testing.T) {
	dir := t.TempDir() + "/journal"
	walls := []int64{1795258923456, 1795258923456, 1, 1795258920000, 1795258930000, 0, -5}
	var s site
	var last ledger.Clock
	for start := range 3 {
		opt := s.options(nil, dir)
		tick := 0
		opt.Now = func() time.Time { tick++; return time.UnixMilli(walls[tick%len(walls)]) }
		j, _ := open(t, opt)
		for i := range 20 {
			rec := entry(100*start + i + 1)
			if _, err := j.Append(context.Background(), rec); err != nil {
				t.Fatal(err)
			}
			if rec.Clock <= last {
				t.Fatalf("start %d, record %d: clock %d after %d", start, i, rec.Clock, last)
			}
			last = rec.Clock
		}
		closeJournal(t, j)
	}
}

func TestAppendRefuses(t *testing.T) {
	var s site
	j, _ := open(t, s.options(nil, t.TempDir()+"/journal"))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	wide := entry(1)
	wide.Step = 1 << 24
	epoch := &ledger.Record{Kind: ledger.KindEpoch}
	for name, add := range map[string]func(context.Context, *ledger.Record) error{
		"Append": func(ctx context.Context, rec *ledger.Record) error { _, err := j.Append(ctx, rec); return err },
		"Note":   j.Note,
	} {
		var wrong *ledger.FormatError
		if err := add(context.Background(), wide); !errors.As(err, &wrong) {
			t.Errorf("%s of a step of 25 bits: %v", name, err)
		}
		if err := add(context.Background(), epoch); err == nil {
			t.Errorf("%s of the journal's own kind was taken", name)
		}
		if err := add(ended, entry(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a context that is over: %v", name, err)
		}
	}
	closeJournal(t, j)
	if got := tickets(s.records); got != nil {
		t.Errorf("recorded all the same: %v", got)
	}
	if err := j.Note(context.Background(), entry(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("note to a closed journal: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir() + "/journal"
	var s, other site
	j, _ := open(t, s.options(nil, dir))

	var locked *LockedError
	if _, _, err := Open(other.options(nil, dir)); !errors.As(err, &locked) || locked.Dir != dir || locked.PID == 0 {
		t.Errorf("a second process: %v", err)
	}
	closeJournal(t, j)

	var foreign *ForeignError
	opt := other.options(nil, dir)
	opt.Gate = 8
	if _, _, err := Open(opt); !errors.As(err, &foreign) || foreign.Want != 8 || foreign.Found != testGate {
		t.Errorf("another gate: %v", err)
	}
	for name, change := range map[string]func(*Options){
		"tiny segments":      func(o *Options) { o.SegmentSize = 100 },
		"vast segments":      func(o *Options) { o.SegmentSize = 1 << 30 },
		"no signer":          func(o *Options) { o.Signer = nil },
		"no place for a dir": func(o *Options) { o.Dir = dir + "/no/where" },
	} {
		opt := other.options(nil, dir)
		change(&opt)
		if _, _, err := Open(opt); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	j, _ = open(t, s.options(nil, dir)) // every one of them has given the lock back
	closeJournal(t, j)
}

func TestAppendAllocatesNothing(t *testing.T) {
	var s site
	opt := s.options(nil, t.TempDir()+"/journal")
	opt.OnCommit, opt.SegmentSize = nil, 0
	j, _ := open(t, opt)
	defer closeJournal(t, j)
	rec := entry(1)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := j.Append(context.Background(), rec); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations an append", allocs)
	}
}

// What a gate records after it has heard of another gate's record comes after
// that record in hybrid time, whatever its own clock says; the clock itself
// stands beside it.
func TestHybridTimeFollowsWhatWasSeen(t *testing.T) {
	best := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	wall := best.Add(-time.Hour)
	var seen ledger.Clock
	j, _, err := Open(Options{
		Dir: t.TempDir() + "/journal", Gate: testGate, Signer: newSigner(),
		Now: func() time.Time { return best }, Wall: func() time.Time { return wall },
		Seen: func() ledger.Clock { return seen },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	add := func() ledger.Record {
		rec := ledger.Record{Kind: ledger.KindGrant, Event: 1, Ticket: 2, Outcome: gate.Admit, Reason: gate.ReasonAdmitted, Step: ledger.NoStep, Count: 1}
		if _, err := j.Append(t.Context(), &rec); err != nil {
			t.Fatal(err)
		}
		return rec
	}
	first := add()
	if got := first.Clock.Time(); !got.Equal(best) || !first.Wall.Equal(wall) {
		t.Errorf("hybrid %v, wall %v; want %v and %v", got, first.Wall, best, wall)
	}
	seen = ledger.Clock(0).Next(best.Add(5 * time.Second))
	if second := add(); second.Clock <= seen {
		t.Errorf("hybrid time %v is not after what was seen, %v", second.Clock, seen)
	}
}
