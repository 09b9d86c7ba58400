package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/claim"
	"github.com/venuegate/venuegate/sync/pack"
)

const laneID gate.LaneID = 1

// showTime is when all codes are shown: an hour into the chain, with doors open.
var showTime = storetest.T0.Add(90 * time.Minute)

// seed is fixed, so that every run is of the same tickets.
func seed(purpose string) []byte {
	sum := sha256.Sum256([]byte("venuegate bench " + purpose))
	return sum[:]
}

func issuer() ticket.Issuer {
	return ticket.Issuer{
		KeyID: storetest.KeyID, Private: ed25519.NewKeyFromSeed(seed("issuer")), IssueKey: seed("issue key"),
	}
}

// body is the signed body of the i-th scannable ticket, which the pack holds at
// place i*stride of its tickets. The same seed makes the same body every time.
func body(is *ticket.Issuer, t *gate.Ticket) (ticket.Signed, error) {
	var flags ticket.Flags
	if t.ReEntry {
		flags |= ticket.FlagReentry
	}
	return is.Sign(ticket.Body{
		Event: uint32(t.Event), Ticket: uint64(t.ID), Generation: t.Generation, Flags: flags,
		ZoneGroup: uint16(t.ZoneGroup), T0: t.Code.T0, Steps: t.Code.Steps, Period: t.Code.Period, Proof: ticket.ProofChain,
	})
}

// shown is one code of a ticket, in both forms.
type shown struct {
	signed      ticket.Signed
	step        uint32
	value       ticket.Value
	short, long string
}

func show(is *ticket.Issuer, signed ticket.Signed) (shown, error) {
	s := shown{signed: signed, step: uint32(signed.Body.StepAt(showTime))}
	chain, err := is.Chain(signed.Body)
	if err != nil {
		return s, err
	}
	if s.value, err = chain.Value(s.step); err != nil {
		return s, err
	}
	if s.short, err = ticket.ShortText(signed.Body.Ticket, signed.Body.Generation, s.step, s.value); err != nil {
		return s, err
	}
	s.long, err = ticket.LongText(&s.signed, s.step, s.value)
	return s, err
}

// tickets are what the pack holds. Every stride-th is one whose code can be
// shown; made for the north stand and the first session, without documents.
type tickets struct {
	n, scannable int
}

func (k tickets) stride() int { return k.n / k.scannable }

// real makes the i-th ticket one whose code can be shown.
func (k tickets) real(is *ticket.Issuer, i int, t *gate.Ticket) error {
	if i%k.stride() != 0 || i/k.stride() >= k.scannable {
		return nil
	}
	t.Generation, t.Status, t.ZoneGroup, t.Sessions = 1, gate.StatusValid, 1, []gate.SessionID{1}
	t.RealName, t.Documents, t.Foreign = false, nil, nil
	signed, err := body(is, t)
	t.Code.Anchor = signed.Body.Anchor
	return err
}

// documents are what the pack says beside its tickets.
func documents(gateKey ed25519.PublicKey) (*pack.Venue, *pack.Event, error) {
	names := func(s string) pack.Names { return pack.Names{"en": s} }
	venue := &pack.Venue{Format: pack.Format, ID: 1, Name: names("Bench"), Keepers: []uint32{1}, Gates: []pack.Gate{{
		ID: 1, Incarnation: 1, Name: "bench", Key: pack.PublicKey(gateKey), Role: "gate",
		Lanes: []pack.Lane{{ID: uint16(laneID), Name: names("Lane"), Kind: "entry", To: 11}},
	}}}
	event := &pack.Event{
		Format: pack.Format, ID: uint32(storetest.Event), Name: names("Bench"), TimeZone: "UTC", Languages: []string{"en"},
		Rules: pack.Rules{ReEntry: "after_exit"},
	}
	for i := uint16(1); i <= 4; i++ {
		event.Classes = append(event.Classes, pack.Class{ID: i, Name: names("Class")})
		event.Channels = append(event.Channels, pack.Channel{ID: i, Name: "channel"})
		doors := storetest.T0
		event.Sessions = append(event.Sessions, pack.Session{
			ID: i, Name: names("Session"), Doors: doors, Start: doors.Add(time.Hour), End: doors.Add(10 * time.Hour),
		})
	}
	for z := range storetest.Zones {
		zone := uint16(11 + z)
		venue.Zones = append(venue.Zones, pack.Place{ID: zone, Name: names("Zone")})
		event.ZoneGroups = append(event.ZoneGroups, pack.ZoneGroup{ID: uint16(z + 1), Name: names("Group"), Zones: []uint16{zone}})
	}
	var err error
	event.Issuers, err = keyring.NewIssuers(keyring.IssuerKey{
		ID: storetest.KeyID, Algorithm: keyring.Ed25519, Public: issuer().Private.Public().(ed25519.PublicKey),
	})
	return venue, event, err
}

// gateKey returns the gate's identity in a data directory, made if missing.
func gateKey(dataDir string) (*keyring.Gate, error) {
	path := filepath.Join(dataDir, "identity.key")
	key, err := keyring.LoadGate(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = keyring.NewGate(random{}); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, err
	}
	return key, key.Save(path)
}

// world is a gate without devices: everything between a reading and a durable
// verdict is the product's.
type world struct {
	dir     string
	packs   *store.Packs
	view    *view
	ledger  *ledger.Ledger
	journal *journal.Journal
	claims  *claim.Alone
	codes   []shown
}

func openWorld(dir string, scannable int) (*world, error) {
	data := filepath.Join(dir, "data")
	key, err := gateKey(data)
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, ledger: ledger.New()}
	if w.packs, err = store.OpenPacks(filepath.Join(data, "packs")); err != nil {
		return nil, err
	}
	if w.view, err = newView(w.packs); err != nil {
		return nil, errors.Join(err, w.packs.Close())
	}
	w.claims = claim.NewAlone(w.ledger)
	w.journal, _, err = journal.Open(journal.Options{
		Dir: filepath.Join(data, "journal"), Gate: 1, Signer: key,
		OnCommit: func(records []ledger.Record) {
			for i := range records {
				if err := w.ledger.Add(&records[i]); err != nil {
					panic(err) // the benchmark itself is wrong
				}
			}
		},
	})
	if err != nil {
		return nil, errors.Join(err, w.packs.Close())
	}
	return w, w.issue(scannable)
}

// issue makes the codes that are going to be scanned.
func (w *world) issue(scannable int) error {
	is := issuer()
	k := tickets{w.view.pack.Info().Tickets, scannable}
	for i := range scannable {
		var t gate.Ticket
		id := storetest.ID(i * k.stride())
		if ok, err := w.view.pack.Ticket(id, &t); err != nil || !ok {
			return fmt.Errorf("bench: ticket %v is not in the pack: %w", id, err)
		}
		signed, err := body(&is, &t)
		if err != nil {
			return err
		}
		s, err := show(&is, signed)
		if err != nil {
			return err
		}
		w.codes = append(w.codes, s)
	}
	return nil
}

func (w *world) desk() *lane.Desk {
	return lane.NewDesk(lane.DeskOptions{
		Lane: laneID, Packs: w.view, Ledger: w.ledger, Claims: w.claims, Journal: w.journal, Clock: stoppedClock{},
	})
}

func (w *world) close() error { return errors.Join(w.journal.Close(), w.packs.Close()) }

// admit scans and insists on being admitted.
func admit(ctx context.Context, d *lane.Desk, text string) error {
	a := d.Scan(ctx, gate.Reading{Reader: "bench", At: showTime, Text: gate.Private(text)})
	if a.Verdict.Outcome != gate.Admit {
		return fmt.Errorf("bench: a good code got %v because %v: %w", a.Verdict.Outcome, a.Verdict.Reason, a.Err)
	}
	return nil
}
