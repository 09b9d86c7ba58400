package appliance_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/sync/pack"
)

const networkKeys = `{"network":[{"key":"%064x","use":true}],"events":{}}`

// fleet is several gates of one venue on one machine, each with a code reader
// and a steward for a barrier. They take their packs from one directory.
type fleet struct {
	*site
	repository string
	keys       *pack.KeySet
	venue      pack.Venue
	event      pack.Event
	boxes      []*box
}

// box is one gate of a fleet.
type box struct {
	fleet    *fleet
	id       gate.GateID
	key      *keyring.Gate
	at       netip.AddrPort
	scanner  *hwtest.Scanner
	barrier  string // its table in the configuration; a steward when empty
	gate     *appliance.Appliance
	verdicts chan gate.Verdict
	log      *lockedBuffer
	stop     func() error
}

func newFleet(t *testing.T, gates int, keepers ...uint32) *fleet {
	f := &fleet{site: newSite(t)}
	f.repository = filepath.Join(f.dir, "repository")
	var err error
	if f.keys, err = pack.CreateKeys(filepath.Join(f.dir, "keys")); err != nil {
		t.Fatal(err)
	}
	for i := range gates {
		f.boxes = append(f.boxes, f.newBox(gate.GateID(i+1)))
	}
	f.venue, f.event = f.documents(f.boxes[0].key.Public())
	f.venue.Gates, f.venue.Keepers = nil, keepers
	for _, b := range f.boxes {
		f.venue.Gates = append(f.venue.Gates, b.listed())
	}
	f.event.Rules.Isolation = "refuse"
	return f
}

func (f *fleet) newBox(id gate.GateID) *box {
	b := &box{fleet: f, id: id, verdicts: make(chan gate.Verdict, 16), log: &lockedBuffer{}}
	if err := os.MkdirAll(b.data(), 0o700); err != nil {
		f.t.Fatal(err)
	}
	var err error
	if b.key, err = keyring.NewGate(rand.Reader); err != nil {
		f.t.Fatal(err)
	}
	if err := b.key.Save(filepath.Join(b.data(), "identity.key")); err != nil {
		f.t.Fatal(err)
	}
	if b.scanner, err = hwtest.NewScanner(b.line()); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = b.scanner.Close() })
	b.at = freePair(f.t)
	return b
}

// freePair returns an address whose port and the one after it are free.
func freePair(t *testing.T) netip.AddrPort {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := l.Addr().(*net.TCPAddr).AddrPort()
		next, err := net.Listen("tcp", netip.AddrPortFrom(at.Addr(), at.Port()+1).String())
		_ = l.Close()
		if err == nil {
			_ = next.Close()
			return at
		}
	}
	t.Fatal("no two free ports beside each other")
	return netip.AddrPort{}
}

func (b *box) data() string { return filepath.Join(b.fleet.dir, fmt.Sprintf("gate-%d", b.id)) }

func (b *box) line() string { return filepath.Join(b.fleet.dir, fmt.Sprintf("scanner-%d", b.id)) }

func (b *box) listed() pack.Gate {
	public, err := seal.Public(b.key)
	if err != nil {
		b.fleet.t.Fatal(err)
	}
	name := fmt.Sprintf("gate %d", b.id)
	return pack.Gate{
		ID: uint32(b.id), Incarnation: 1, Name: name, Key: pack.PublicKey(b.key.Public()), Seal: public, Role: "gate",
		Addresses: []string{b.at.String()},
		Lanes:     []pack.Lane{{ID: uint16(b.id), Name: pack.Names{"en": name}, Kind: "entry", To: 10}},
	}
}

// publish signs what the fleet has now.
func (f *fleet) publish() {
	f.t.Helper()
	sealed := map[uint32][]byte{}
	for _, g := range f.venue.Gates {
		closed, err := seal.Seal(g.Seal, "gate keys", fmt.Appendf(nil, networkKeys, 7))
		if err != nil {
			f.t.Fatal(err)
		}
		sealed[g.ID] = closed
	}
	content := pack.Content{Venue: &f.venue, Sealed: sealed, Events: []pack.EventContent{{Event: &f.event, Tickets: f.sorted()}}}
	if _, err := pack.Build(f.t.Context(), f.repository, f.keys, content, time.Now()); err != nil {
		f.t.Fatal(err)
	}
}

// start enrols a gate, where it is not, and runs it.
func (b *box) start() {
	f := b.fleet
	f.t.Helper()
	root, err := os.ReadFile(filepath.Join(f.repository, "metadata", "1.root.json"))
	if err := errorsOf(err, pack.Enrol(filepath.Join(b.data(), pack.DirTrust), root)); err != nil {
		f.t.Fatal(err)
	}
	text := fmt.Sprintf(`
[gate]
id = %d
data_dir = %q
[pack]
repository = %q
poll = "100ms"
[cluster]
listen = %q
deadline = "3s"
[clock]
trust = "always"
[web]
listen = ""
[[lane]]
id = %d
[[lane.reader]]
name = "code"
type = "serial"
path = %q
repeat = "10ms"
[lane.barrier]
%s
`, b.id, b.data(), f.repository, b.at, b.id, b.line(), cmp.Or(b.barrier, `type = "none"`))
	c, err := config.Parse([]byte(text))
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.gate, err = appliance.New(ctx, appliance.Options{
		Config: c, Log: zerolog.New(b.log).Level(zerolog.DebugLevel), Version: "test", Tick: 100 * time.Millisecond,
		OnEvent: func(e lane.Event) {
			if e.Verdict != nil {
				b.verdicts <- *e.Verdict
			}
		},
	})
	if err != nil {
		cancel()
		f.t.Fatal(err)
	}
	done := make(chan error, 1)
	a := b.gate
	go func() { done <- errorsOf(a.Run(ctx), a.Close()) }()
	stopped := false
	b.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Second):
			return fmt.Errorf("gate %d did not stop within 10 s", b.id)
		}
	}
	f.t.Cleanup(func() {
		if err := b.stop(); err != nil {
			f.t.Error(err)
		}
	})
}

// scan holds a ticket up and returns the verdict.
func (b *box) scan(id gate.TicketID) gate.Verdict {
	b.fleet.t.Helper()
	if err := b.scanner.Scan(b.fleet.code(id)); err != nil {
		b.fleet.t.Fatal(err)
	}
	select {
	case v := <-b.verdicts:
		return v
	case <-time.After(time.Minute):
		b.fleet.t.Fatalf("gate %d gave no verdict\n%s", b.id, b.log.String())
		return gate.Verdict{}
	}
}

// awaitBox polls until a gate is as it should be.
func (b *box) await(what string, ok func(v appliance.ClusterView) bool) {
	b.fleet.t.Helper()
	for range 6000 {
		if ok(b.gate.Cluster()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.fleet.t.Fatalf("gate %d: waited 60 s in vain: %s\n%+v\n%s", b.id, what, b.gate.Cluster(), b.log.String())
}

func agrees(v appliance.ClusterView) bool { return v.Claims.Leader != "" && v.Isolated == nil }

// One ticket, one entry: wherever it is held up second, it is refused, and by a
// gate that was off meanwhile too.
func TestOneEntryOverAllGates(t *testing.T) {
	f := newFleet(t, 4, 1, 2, 3)
	for id := range gate.TicketID(6) {
		f.sell(id + 1)
	}
	f.publish()
	for _, b := range f.boxes {
		b.start()
	}
	for _, b := range f.boxes {
		b.await("the keepers agree, and everybody is heard", func(v appliance.ClusterView) bool { return agrees(v) && v.Heard == 3 })
	}
	if v := f.boxes[0].scan(1); v.Outcome != gate.Admit || v.Marks.Has(gate.MarkIsolated) {
		t.Fatalf("the first entry: %+v\n%s", v, f.boxes[0].log.String())
	}
	if v := f.boxes[3].scan(1); v.Outcome != gate.Refuse || (v.Reason != gate.ReasonClaimedElsewhere && v.Reason != gate.ReasonAlreadyInside && v.Reason != gate.ReasonCodeUsed) {
		t.Errorf("the second entry: %+v", v)
	}

	// Gate 1 goes away; what it recorded is known, and a majority of keepers lives.
	if err := f.boxes[0].stop(); err != nil {
		t.Fatal(err)
	}
	f.boxes[1].await("a leader among the rest", func(v appliance.ClusterView) bool { return agrees(v) && v.Claims.Leader != "1-1" })
	if v := f.boxes[2].scan(2); v.Outcome != gate.Admit || v.Marks.Has(gate.MarkIsolated) {
		t.Errorf("an entry without gate 1: %+v\n%s", v, f.boxes[2].log.String())
	}
	f.boxes[0].start()
	f.boxes[0].await("gate 1 is back", func(v appliance.ClusterView) bool { return agrees(v) && v.Heard == 3 })
	if v := f.boxes[0].scan(2); v.Outcome != gate.Refuse {
		t.Errorf("a second entry at the gate that was away: %+v", v)
	}

	// Without a majority of keepers the policy refuses.
	for _, i := range []int{1, 2} {
		if err := f.boxes[i].stop(); err != nil {
			t.Fatal(err)
		}
	}
	if v := f.boxes[3].scan(3); v.Outcome != gate.Refuse || v.Reason != gate.ReasonIsolated {
		t.Errorf("an entry without a majority: %+v", v)
	}
}
