package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/gate/ledger"
)

// The test binary is the gate that is killed, when this names its journal.
const childJournal = "VENUEGATE_TEST_JOURNAL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childJournal); dir != "" {
		fmt.Fprintln(os.Stderr, appendUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendUntilKilled appends from four lanes and prints every position that was
// acknowledged, with its ticket.
func appendUntilKilled(dir string) error {
	first, err := strconv.Atoi(os.Getenv(childJournal + "_TICKET"))
	if err != nil {
		return err
	}
	s := site{}
	opt := s.options(osDisk{}, dir)
	opt.OnRecover, opt.OnCommit = nil, nil
	j, recovery, err := Open(opt)
	if err != nil {
		return err
	}
	if recovery.Damage != nil {
		return fmt.Errorf("damage %v", recovery.Damage)
	}
	failed := make(chan error)
	for lane := range 4 {
		go func() {
			for i := 0; ; i++ {
				rec := entry(first + lane + 4*i)
				if i%5 == 4 {
					if err := j.Note(context.Background(), refusal(first)); err != nil {
						failed <- err
					}
				}
				p, err := j.Append(context.Background(), rec)
				if err != nil {
					failed <- err
				}
				// One write a line: the pipe keeps it whole, killed or not.
				if _, err := fmt.Fprintln(os.Stdout, p.Epoch, p.Sequence, rec.Ticket); err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// TestKilledAtAnyInstant kills a real process that appends, again and again.
// What it has acknowledged must be there, and no position may ever stand for
// two records. VENUEGATE_TEST_KILLS sets how often; 25 is usual.
//
// SIGKILL leaves the kernel's cache as it was, so this is about the process and
// its files. TestNothingIsLost is about losing the cache.
func TestKilledAtAnyInstant(t *testing.T) {
	rounds := 25
	if n, err := strconv.Atoi(os.Getenv("VENUEGATE_TEST_KILLS")); err == nil {
		rounds = n
	}
	dir := t.TempDir() + "/journal"
	given := map[ledger.Position]ledger.Record{}
	acked := map[ledger.Position]uint64{}
	for round := range rounds {
		for p, ticket := range killOne(t, dir, 1+round*1_000_000) {
			if other, ok := acked[p]; ok {
				t.Fatalf("round %d: position %v was acknowledged for tickets %d and %d", round, p, other, ticket)
			}
			acked[p] = ticket
		}
		l := ledger.New()
		found := map[ledger.Position]ledger.Record{}
		recovery, err := Read(dir, func(rec *ledger.Record, hash ledger.Hash) error {
			if before, ok := given[rec.Position]; ok && before != *rec {
				return fmt.Errorf("position %v stands for two records", rec.Position)
			}
			given[rec.Position], found[rec.Position] = *rec, *rec
			return l.AddHashed(rec, hash)
		})
		if errors.Is(err, os.ErrNotExist) && len(acked) == 0 {
			continue // killed before it made one
		}
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if recovery.Damage != nil {
			t.Fatalf("round %d: %v", round, recovery.Damage)
		}
		for p, ticket := range acked {
			if rec, ok := found[p]; !ok || uint64(rec.Ticket) != ticket {
				t.Fatalf("round %d: acknowledged record %v of ticket %d is not there", round, p, ticket)
			}
		}
	}
	if len(acked) == 0 {
		t.Error("nothing was ever acknowledged")
	}
	t.Logf("%d kills, %d acknowledged records, %d found", rounds, len(acked), len(given))
}

// killOne starts a gate, kills it after a random number of appends, and returns
// what it had acknowledged.
func killOne(t *testing.T, dir string, ticket int) map[ledger.Position]uint64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childJournal+"="+dir, childJournal+"_TICKET="+strconv.Itoa(ticket))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acked := map[ledger.Position]uint64{}
	lines := bufio.NewScanner(out)
	killAt := rand.IntN(300)
	if killAt < 20 {
		kill(t, cmd) // in the middle of its start
	}
	for n := 0; lines.Scan(); n++ {
		var p ledger.Position
		var ticket uint64
		p.Gate = testGate
		if _, err := fmt.Sscan(lines.Text(), &p.Epoch, &p.Sequence, &ticket); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		acked[p] = ticket
		if n == killAt {
			kill(t, cmd)
		}
	}
	err = cmd.Wait()
	var status *exec.ExitError
	if !errors.As(err, &status) || !status.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("the gate ended by itself: %v", err)
	}
	return acked
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// TestRealFullDisk fills a small file system, and makes it larger again.
func TestRealFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs: %v", err)
	}
	defer func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	var s site
	opt := s.options(nil, dir+"/journal")
	wellAgain := make(chan struct{})
	var once sync.Once
	trouble := opt.OnTrouble
	opt.OnTrouble = func(err error) {
		trouble(err)
		if err == nil {
			once.Do(func() { close(wellAgain) })
		}
	}
	j, _ := open(t, opt)
	var err error
	ticket := 0
	for err == nil {
		ticket++
		_, err = j.Append(t.Context(), entry(ticket))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("append %d: %v", ticket, err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=256k"); err != nil {
		t.Fatal(err)
	}
	<-wellAgain
	appendAll(t, j, 1001, 1010)
	closeJournal(t, j)

	want := append(count(1, ticket-1), count(1001, 1010)...)
	var got []ledger.Record
	recovery, err := Read(dir+"/journal", func(rec *ledger.Record, _ ledger.Hash) error {
		got = append(got, *rec)
		return nil
	})
	if err != nil || recovery.Damage != nil || fmt.Sprint(tickets(got)) != fmt.Sprint(want) {
		t.Errorf("%v, %v; recorded %v, want %v", err, recovery.Damage, tickets(got), want)
	}
}

// TestReadOfNothing reads where no journal is.
func TestReadOfNothing(t *testing.T) {
	if _, err := Read(t.TempDir()+"/none", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	stop := errors.New("enough")
	dir := t.TempDir() + "/journal"
	var s site
	j, _ := open(t, s.options(nil, dir))
	appendAll(t, j, 1, 3)
	closeJournal(t, j)
	if recovery, err := Read(dir, func(*ledger.Record, ledger.Hash) error { return stop }); !errors.Is(err, stop) || recovery.Records != 1 {
		t.Errorf("%+v, %v", recovery, err)
	}
	if _, err := ReadHead(dir, ledger.Origin{Gate: testGate, Epoch: 9}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("head of an epoch that never was: %v", err)
	}
}
