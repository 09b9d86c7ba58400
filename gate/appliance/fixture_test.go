package appliance_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/sync/pack"
)

const (
	eventID   = 2026
	zhangCard = "11010519491231002X"
)

var documentKey = []byte("a document key of 32 bytes......")

// supervisorKey is that of staff member 12.
func supervisorKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{12}, ed25519.SeedSize))
}

// site is one gate on pseudo-terminals: a code reader and a card reader, a
// turnstile that tells of passages, and a signed-for pack in its data directory.
type site struct {
	t       *testing.T
	dir     string
	issuer  ticket.Issuer
	signed  map[gate.TicketID]ticket.Signed
	tickets map[gate.TicketID]gate.Ticket

	scanner   *hwtest.Scanner
	cards     *hwtest.CardReader
	turnstile *hwtest.Turnstile
	log       *lockedBuffer
	listener  net.Listener
	gate      *appliance.Appliance
	url       string
	stop      func() error
	change    func(*config.Config) // to the configuration, before the gate is opened
}

func newSite(t *testing.T) *site {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_ = public
	return &site{
		t: t, dir: t.TempDir(),
		issuer: ticket.Issuer{KeyID: 1, Private: private, IssueKey: make([]byte, 32)},
		signed: map[gate.TicketID]ticket.Signed{}, tickets: map[gate.TicketID]gate.Ticket{},
		log: &lockedBuffer{},
	}
}

func (s *site) data() string { return filepath.Join(s.dir, "data") }

func (s *site) line(name string) string { return filepath.Join(s.dir, name) }

// sell issues a ticket and lists it.
func (s *site) sell(id gate.TicketID, documents ...string) {
	t0 := uint32(time.Now().Add(-time.Hour).Unix())
	signed, err := s.issuer.Sign(ticket.Body{
		Event: eventID, Ticket: uint64(id), Generation: 1, Flags: ticket.FlagReentry, ZoneGroup: 1,
		T0: t0, Steps: 2000, Period: 10, Proof: ticket.ProofChain,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.signed[id] = signed
	k := gate.Ticket{
		Event: eventID, ID: id, Generation: 1, Class: 1, ZoneGroup: 1, ReEntry: true, Masked: "张*",
		Code: gate.CodeParams{KeyID: 1, T0: t0, Steps: 2000, Period: 10, Proof: gate.ProofChain, Anchor: signed.Body.Anchor},
	}
	for _, number := range documents {
		tag, err := identity.Tag(documentKey, identity.Resident, "CHN", number)
		if err != nil {
			s.t.Fatal(err)
		}
		k.Documents = append(k.Documents, gate.DocumentTag{Type: gate.DocumentResident, Tag: gate.Tag(tag)})
	}
	s.tickets[id] = k
}

// code is what a phone shows now.
func (s *site) code(id gate.TicketID) string {
	signed := s.signed[id]
	chain, err := s.issuer.Chain(signed.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	step := uint32(signed.Body.StepAt(time.Now()))
	value, err := chain.Value(step)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := ticket.ShortText(uint64(id), 1, step, value)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// setUp writes the gate's data directory: key, secrets, pack.
func (s *site) setUp() {
	for _, dir := range []string{s.data(), filepath.Join(s.data(), "secrets")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	key, err := keyring.NewGate(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := key.Save(filepath.Join(s.data(), "identity.key")); err != nil {
		s.t.Fatal(err)
	}
	secrets := fmt.Sprintf(`{"document_key": %q, "code_key": ""}`, hex.EncodeToString(documentKey))
	if err := os.WriteFile(filepath.Join(s.data(), "secrets", strconv.Itoa(eventID)+".json"), []byte(secrets), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.install(key.Public())
}

// documents are the venue and an event of it, without sessions.
func (s *site) documents(gateKey ed25519.PublicKey) (pack.Venue, pack.Event) {
	names := func(text string) pack.Names { return pack.Names{"en": text} }
	venue := pack.Venue{
		Format: pack.Format, ID: 1, Name: names("Stadium"), Zones: []pack.Place{{ID: 10, Name: names("Stand")}},
		Gates: []pack.Gate{{
			ID: 1, Incarnation: 1, Name: "north", Key: pack.PublicKey(gateKey), Role: "gate",
			Lanes: []pack.Lane{
				{ID: 1, Name: names("North 1"), Kind: "entry", To: 10},
				{ID: 2, Name: names("North 2"), Kind: "entry", To: 10},
			},
		}},
		Keepers: []uint32{1},
		Staff: []pack.Staff{{
			ID: 12, Name: "12", Roles: []string{"steward", "supervisor"}, Key: pack.PublicKey(supervisorKey().Public().(ed25519.PublicKey)),
		}},
	}
	issuers, err := keyring.NewIssuers(keyring.IssuerKey{ID: 1, Algorithm: keyring.Ed25519, Public: s.issuer.Private.Public().(ed25519.PublicKey)})
	if err != nil {
		s.t.Fatal(err)
	}
	event := pack.Event{
		Format: pack.Format, ID: eventID, Name: names("Final"), TimeZone: "Asia/Shanghai", Languages: []string{"en"},
		ZoneGroups: []pack.ZoneGroup{{ID: 1, Name: names("Stand"), Zones: []uint16{10}}},
		Classes:    []pack.Class{{ID: 1, Name: names("Adult")}}, Issuers: issuers,
	}
	if err := errorsOf(venue.Validate(), event.ValidateIn(&venue)); err != nil {
		s.t.Fatal(err)
	}
	return venue, event
}

func (s *site) install(gateKey ed25519.PublicKey) {
	venue, event := s.documents(gateKey)
	policy, err := event.Policy()
	if err != nil {
		s.t.Fatal(err)
	}
	packs, err := store.OpenPacks(filepath.Join(s.data(), "packs"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = packs.Install(s.t.Context(), store.Source{
		Event: eventID, Version: 1, Digest: "1", Venue: s.json(venue), Document: s.json(event), Policy: policy, At: time.Now(),
	}, s.sorted())
	if err := errorsOf(err, packs.Close()); err != nil {
		s.t.Fatal(err)
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *site) json(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func (s *site) sorted() iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		var ids []gate.TicketID
		for id := range s.tickets {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			if !yield(s.tickets[id], nil) {
				return
			}
		}
	}
}

// plugIn puts the devices on their lines.
func (s *site) plugIn() {
	var err error
	if s.scanner, err = hwtest.NewScanner(s.line("scanner")); err != nil {
		s.t.Fatal(err)
	}
	if s.cards, err = hwtest.NewCardReader(s.line("cards")); err != nil {
		s.t.Fatal(err)
	}
	if s.turnstile, err = hwtest.NewTurnstile(hwtest.TurnstileOptions{
		Relay: s.line("relay"), Feedback: s.line("feedback"), ReadyEvery: 200 * time.Millisecond, PassAfter: 50 * time.Millisecond,
	}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = s.scanner.Close()
		_ = s.cards.Close()
		_ = s.turnstile.Close()
	})
}

func (s *site) configText() string {
	return fmt.Sprintf(`
[gate]
id = 1
name = "North"
data_dir = %q
[clock]
trust = "always"
[web]
listen = "127.0.0.1:0"
[[lane]]
id = 1
[[lane.reader]]
name = "code"
type = "serial"
path = %q
repeat = "100ms"
[[lane.reader]]
name = "card"
type = "sdt"
path = %q
[lane.barrier]
name = "arm"
type = "lcus"
path = %q
pulse = "200ms"
wait = "2s"
[lane.barrier.feedback]
path = %q
`, s.data(), s.line("scanner"), s.line("cards"), s.line("relay"), s.line("feedback"))
}

func (s *site) config() *config.Config {
	c, err := config.Parse([]byte(s.configText()))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.change != nil {
		s.change(c)
	}
	return c
}

// open starts the gate and waits until its devices are up.
func (s *site) open() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.listener = listener
	s.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	s.gate, err = appliance.New(ctx, appliance.Options{
		Config: s.config(), Log: zerolog.New(s.log).Level(zerolog.DebugLevel), Version: "test", Listener: listener,
		Tick: 100 * time.Millisecond,
	})
	if err != nil {
		cancel()
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- errorsOf(s.gate.Run(ctx), s.gate.Close()) }()
	stopped := sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Second):
			return fmt.Errorf("the gate did not stop within 10 s")
		}
	})
	s.stop = stopped
	s.t.Cleanup(func() { _ = stopped() })
	s.await("the lane is ready", func() bool {
		lanes := s.gate.State().Lanes
		return len(lanes) > 0 && lanes[0].Ready
	})
}

// await polls for something that happens in another goroutine or process.
func (s *site) await(what string, ok func() bool) {
	s.t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("waited 10 s in vain: %s\n%s", what, s.log.String())
}

// awaitOpenings waits until the relay has been switched on n times.
func (s *site) awaitOpenings(n int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	err := s.turnstile.Await(ctx, func(switches []hwtest.Switch) bool { return openings(switches) >= n })
	if err != nil {
		s.t.Fatalf("the arm did not move %d times: %v\n%s", n, err, s.log.String())
	}
}

func openings(switches []hwtest.Switch) (n int) {
	for _, w := range switches {
		if w.On {
			n++
		}
	}
	return n
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
