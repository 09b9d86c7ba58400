package appliance_test

import (
	"crypto/rand"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
)

// stopWhilePassing leaves a journal as a gate does whose power is cut while
// somebody is in the turnstile.
func (s *site) stopWhilePassing(id gate.TicketID, key *keyring.Gate) {
	s.t.Helper()
	j, _, err := journal.Open(journal.Options{Dir: filepath.Join(s.data(), "journal"), Gate: 1, Signer: key})
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = j.Append(s.t.Context(), &ledger.Record{
		Kind: ledger.KindGrant, Event: eventID, Ticket: id, Generation: 1, Step: ledger.NoStep, Count: 1, Entry: 1,
		Lane: 1, To: 10, Outcome: gate.Admit, Reason: gate.ReasonAdmitted,
	})
	if err := errorsOf(err, j.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// key is the gate's own.
func (s *site) key() *keyring.Gate {
	s.t.Helper()
	key, err := keyring.LoadGate(filepath.Join(s.data(), "identity.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

// unsettled counts the grants on the disk that have no end.
func (s *site) unsettled() int {
	s.t.Helper()
	open := map[ledger.Position]bool{}
	_, err := journal.Read(filepath.Join(s.data(), "journal"), func(r *ledger.Record, _ ledger.Hash) error {
		if r.Kind == ledger.KindGrant {
			open[r.Position] = true
		}
		delete(open, r.Ref)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return len(open)
}

// A gate whose disk is full starts, says so on its page, and settles what the
// last run left open once there is room.
//
// It runs in a process of its own: the limit counts for every file, go test's
// own log of the tests among them.
func TestFullDiskAtStart(t *testing.T) {
	const own = "VENUEGATE_TEST_FULL_DISK"
	if os.Getenv(own) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDiskAtStart$")
		child.Env = append(os.Environ(), own+"=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.stopWhilePassing(1, s.key())

	// No file grows past half a segment: as good as a full disk.
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	full := before
	full.Cur = 512 << 10
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	room := func() error { return unix.Setrlimit(unix.RLIMIT_FSIZE, &before) }
	defer func() { _ = room() }()

	s.run(s.config(), func(a *appliance.Appliance) {
		s.gate = a
		s.await("the page says that nothing can be recorded", func() bool { return s.warned(health.JournalFailed) })
		if n := s.unsettled(); n != 1 {
			t.Errorf("%d grants are open, want 1", n)
		}
		if err := room(); err != nil {
			t.Fatal(err)
		}
		s.await("the journal is back", func() bool { return !s.warned(health.JournalFailed) })
		s.await("the grant is settled", func() bool { return s.unsettled() == 0 })
	})
}

// A journal that another key has signed is told of.
func TestHeadsAreVerified(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.stopWhilePassing(1, s.key())
	s.run(s.config(), func(a *appliance.Appliance) {
		s.gate = a
		if w, on := s.warning(health.JournalDamaged); on {
			t.Errorf("the gate's own journal: %+v", w)
		}
	})
	other, err := keyring.NewGate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.stopWhilePassing(1, other)
	s.run(s.config(), func(a *appliance.Appliance) {
		s.gate = a
		if w, _ := s.warning(health.JournalDamaged); !strings.Contains(w.Detail.Cause, "signature does not verify: gate 1, epoch 3") || w.Detail.Count != 1 {
			t.Errorf("another key's: %+v", w)
		}
	})
}
