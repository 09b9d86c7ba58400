package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
)

var evening = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC)

// openJournal opens a gate's journal as a gate does, a second passing between
// any two records.
func openJournal(data string) (*journal.Journal, error) {
	key, err := keyring.NewGate(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	j, _, err := journal.Open(journal.Options{
		Dir: filepath.Join(data, "journal"), Gate: 1, Signer: key, Now: func() time.Time { return evening },
	})
	return j, err
}

// evenings is what the script's journal holds after its start.
func evenings(first ledger.Origin) []ledger.Record {
	at := func(seconds int) time.Time { return evening.Add(time.Duration(seconds) * time.Second) }
	ref := func(sequence uint64) ledger.Position { return ledger.Position{Origin: first, Sequence: sequence} }
	person := gate.PersonKey{1, 2, 3}
	return []ledger.Record{
		{
			Kind: ledger.KindGrant, Wall: at(1), Event: 1, Ticket: 1000000001, Generation: 1, Session: 1, Entry: 1, Step: 42, Count: 1,
			Lane: 1, From: 0, To: 1, Outcome: gate.Admit, Reason: gate.ReasonAdmitted, Person: person, Pack: 2,
		},
		{Kind: ledger.KindPassed, Wall: at(2), Event: 1, Ticket: 1000000001, Generation: 1, Step: ledger.NoStep, Count: 1, Lane: 1, Ref: ref(2)},
		{
			Kind: ledger.KindGrant, Wall: at(3), Event: 1, Ticket: 1000000002, Generation: 2, Session: 1, Entry: 2, Step: 7, Count: 2, Lane: 2, To: 1,
			Outcome: gate.Admit, Reason: gate.ReasonReAdmitted, Marks: gate.MarkIsolated | gate.MarkAssumed,
		},
		{Kind: ledger.KindVoided, Wall: at(4), Event: 1, Ticket: 1000000002, Generation: 2, Step: ledger.NoStep, Count: 2, Lane: 2, Ref: ref(4)},
		{
			Kind: ledger.KindExit, Wall: at(5), Event: 1, Ticket: 1000000001, Generation: 1, Step: 43, Count: 1, Lane: 2, From: 1,
			Outcome: gate.Exit, Reason: gate.ReasonExited,
		},
		{
			Kind: ledger.KindRefusal, Wall: at(6), Event: 1, Ticket: 1000000003, Generation: 1, Step: 1, Lane: 1,
			Outcome: gate.Refuse, Reason: gate.ReasonCodeStale,
		},
		{
			Kind: ledger.KindRefusal, Wall: at(7), Event: 1, Ticket: 1000000001, Generation: 1, Step: 44, Lane: 2,
			Outcome: gate.Refer, Reason: gate.ReasonAlreadyInside,
		},
	}
}

func appendAll(j *journal.Journal, records []ledger.Record) error {
	for i := range records {
		if _, err := j.Append(context.Background(), &records[i]); err != nil {
			return err
		}
	}
	return nil
}

// journalCommand makes the journal of a gate's data directory: journal DIR.
func journalCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: journal DIR")
	}
	j, err := openJournal(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(appendAll(j, evenings(j.Head().Position.Origin)))
	ts.Check(j.Close())
}

// damageCommand flips a byte in the journal's fourth record: damage DIR.
func damageCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage DIR")
	}
	segments, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "journal", "1-*", "0001.seg"))
	ts.Check(err)
	data, err := os.ReadFile(segments[0])
	ts.Check(err)
	const header, frame = 32, 8 + ledger.Size // docs/protocol/journal.md
	data[header+3*frame+100] ^= 1
	ts.Check(os.WriteFile(segments[0], data, 0o600))
}

// --follow prints what is there, then every record as it is written, through
// the gate's restart, and ends quietly with its context.
func TestFollow(t *testing.T) {
	data := t.TempDir()
	j, err := openJournal(data)
	if err != nil {
		t.Fatal(err)
	}
	records := evenings(j.Head().Position.Origin)
	if err := appendAll(j, records[:3]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	lines := newLineWriter()
	var errOut safeBuffer
	code := make(chan int)
	go func() {
		tl := &tool{out: lines, err: &errOut, now: time.Now}
		code <- tl.run(ctx, []string{"log", "--data", data, "--json", "--follow", "--lane", "1", "--lane", "2"})
	}()
	expect := func(sequence int) {
		t.Helper()
		want := fmt.Sprintf(`"sequence":%d,`, sequence)
		if got := lines.next(); !contains(got, want) {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	for s := range 3 {
		expect(s + 2)
	}
	for i := range records[3:] {
		if err := appendAll(j, records[3+i:4+i]); err != nil {
			t.Fatal(err)
		}
		expect(5 + i)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = openJournal(data); err != nil {
		t.Fatal(err)
	}
	if err := appendAll(j, evenings(j.Head().Position.Origin)[:1]); err != nil {
		t.Fatal(err)
	}
	if got := lines.next(); !contains(got, `"epoch":2,"sequence":2,`) {
		t.Errorf("after the restart: %s", got)
	}
	cancel()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d: %s", got, errOut.String())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
