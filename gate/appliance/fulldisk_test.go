package appliance_test

import (
	"crypto/ed25519"
	"os/signal"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
)

type signer struct{ ed25519.PrivateKey }

func (s signer) Sign(message []byte) []byte { return ed25519.Sign(s.PrivateKey, message) }

// stopWhilePassing leaves a journal as a gate does whose power is cut while
// somebody is in the turnstile.
func (s *site) stopWhilePassing(id gate.TicketID) {
	s.t.Helper()
	key, err := keyring.LoadGate(filepath.Join(s.data(), "identity.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	j, _, err := journal.Open(journal.Options{Dir: filepath.Join(s.data(), "journal"), Gate: 1, Signer: signer{key.Signer()}})
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
func TestFullDiskAtStart(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.stopWhilePassing(1)

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
