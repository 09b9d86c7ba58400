package logs_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// The test binary is the gate that is killed, when this names its directory.
const childLogs = "VENUEGATE_TEST_LOGS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childLogs); dir != "" {
		fmt.Fprintln(os.Stderr, receiveUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// killedVenue is the same in parent and child.
func killedVenue() (venue, []*epoch) {
	v := newVenue(4)
	var epochs []*epoch
	for id := own + 1; id <= 4; id++ {
		e := v[id].start(1)
		v[id].write(e, 20_000)
		epochs = append(epochs, e)
	}
	return v, epochs
}

// receiveUntilKilled goes on with what is missing, in chunks of many lengths,
// and prints a line for each.
func receiveUntilKilled(dir string) error {
	v, epochs := killedVenue()
	l, recovery, err := logs.Open(v.options(dir))
	if err != nil {
		return err
	}
	if recovery.Err != nil {
		return recovery.Err
	}
	r := rand.New(rand.NewPCG(uint64(os.Getpid()), 0))
	for {
		left := false
		for _, e := range epochs {
			from := l.Vector()[e.origin] + 1
			if from > e.end() {
				continue
			}
			left = true
			to := min(e.end(), from+r.Uint64N(300))
			if _, err := l.Receive(2, e.origin, from, v[e.origin.Gate].chunk(e, from, to)); err != nil {
				return err
			}
			if _, err := fmt.Println(e.origin.Gate, to); err != nil {
				return err
			}
		}
		if !left {
			return errors.New("there is nothing left to receive")
		}
	}
}

// TestKilledAtAnyInstant kills a real process that receives, again and again.
// Whatever the file holds then is a beginning of every log, without a gap, and
// ends at a signed head, so that it can be passed on. VENUEGATE_TEST_KILLS sets
// how often; 12 is usual.
func TestKilledAtAnyInstant(t *testing.T) {
	rounds := 12
	if n, err := strconv.Atoi(os.Getenv("VENUEGATE_TEST_KILLS")); err == nil {
		rounds = n
	}
	v, epochs := killedVenue()
	dir := t.TempDir()
	survived, most := uint64(0), uint64(0)
	for round := range rounds {
		killOne(t, dir)
		opt := v.options(dir)
		l, recovery := open(t, opt)
		if recovery.Err != nil {
			t.Fatalf("round %d: %v", round, recovery.Err)
		}
		now := uint64(0)
		for _, e := range epochs {
			last, hash := opt.Ledger.Last(e.origin)
			if held := l.Vector()[e.origin]; held != last {
				t.Fatalf("round %d: %v is held up to %d and in the ledger up to %d", round, e.origin, held, last)
			}
			if last == 0 {
				continue
			}
			now += last
			if hash != ledger.HashEncoded(e.encoded[(last-1)*ledger.Size:last*ledger.Size]) {
				t.Fatalf("round %d: record %d of %v is another", round, last, e.origin)
			}
			if _, to, err := l.Range(e.origin, last, last, logs.MaxChunk); err != nil || to != last {
				t.Fatalf("round %d: record %d of %v cannot be passed on: %v", round, last, e.origin, err)
			}
		}
		if now < survived {
			t.Fatalf("round %d: %d records are left of %d", round, now, survived)
		}
		survived, most = now, max(most, now)
		shut(t, l)
		if survived > 20_000 { // begin anew, before everything is there
			if err := os.Remove(filepath.Join(dir, "logs.db")); err != nil {
				t.Fatal(err)
			}
			survived = 0
		}
	}
	if most == 0 {
		t.Error("nothing was ever in the file")
	}
}

// killOne starts a gate and kills it after a random number of chunks.
func killOne(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childLogs+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	killAt := rand.IntN(200)
	for n := 0; lines.Scan(); n++ {
		if n == killAt {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	var status *exec.ExitError
	if !errors.As(err, &status) || !status.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("the gate ended by itself: %v", err)
	}
}
