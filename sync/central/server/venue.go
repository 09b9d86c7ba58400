package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/attend"
	"github.com/venuegate/venuegate/sync/central/intake"
	"github.com/venuegate/venuegate/sync/pack"
)

// venue is one venue that central serves.
type venue struct {
	office     *central.Office
	store      central.Store
	taker      *intake.Taker
	repository *os.Root
	publisher  *publisher
	attendance *attend.Book

	counting sync.Mutex
	census   map[censusKey]census

	mu       sync.Mutex
	contacts map[uint32]contact
}

// contact is when a gate called last.
type contact struct {
	at   time.Time
	from string // IP address
}

func openVenue(dir string, s *Server) (v *venue, err error) {
	office, store, err := central.Serve(dir)
	if err != nil {
		return nil, err
	}
	v = &venue{office: office, store: store, contacts: map[uint32]contact{}, census: map[censusKey]census{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.close())
		}
	}()
	if err := office.NoteGates(store, s.now()); err != nil {
		return nil, err
	}
	if err := central.EnsureNetwork(store, s.now(), s.random); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(central.Repository(dir), 0o755); err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	if v.repository, err = os.OpenRoot(central.Repository(dir)); err != nil {
		return nil, fmt.Errorf("open the repository: %w", err)
	}
	v.publisher = newPublisher(office, store, s)
	v.attendance = &attend.Book{Start: v.start}
	if err := v.rebuild(); err != nil {
		return nil, err
	}
	v.taker = &intake.Taker{
		Journals: store,
		Keys: func(id gate.GateID) ([]ed25519.PublicKey, error) {
			return central.KeysOf(store, id)
		},
		Seen: v.attendance.Add, Undone: v.attendance.Remove,
	}
	return v, nil
}

// start returns when a session begins.
func (v *venue) start(event gate.EventID, session gate.SessionID) time.Time {
	for _, e := range v.office.Events() {
		if e.ID != uint32(event) {
			continue
		}
		for i := range e.Sessions {
			if e.Sessions[i].ID == uint16(session) {
				return e.Sessions[i].Start
			}
		}
	}
	return time.Time{}
}

func (v *venue) close() error {
	var err error
	if v.repository != nil {
		err = v.repository.Close()
	}
	return errors.Join(err, v.store.Close())
}

// seen notes that a gate called.
func (v *venue) seen(id uint32, c contact) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.contacts[id] = c
}

func (v *venue) contact(id uint32) contact {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.contacts[id]
}

// publisher publishes what changed, a moment after it did: changes that come
// together go out together.
type publisher struct {
	office  *central.Office
	book    central.Book
	server  *Server
	tickets chan struct{} // some ticket changed
	all     chan struct{} // the venue, an event or a gate did

	mu   sync.Mutex
	last published
}

// published is what came of the last publication.
type published struct {
	At      time.Time
	Version uint64
	Err     error
}

// Times of a publisher.
const (
	settleFor  = 250 * time.Millisecond // how long changes are gathered
	retryAfter = 30 * time.Second       // after a publication that failed
	renewEvery = 24 * time.Hour         // shards and signatures
	keysEvery  = time.Minute            // a look whether gates should have other keys
)

func newPublisher(office *central.Office, book central.Book, s *Server) *publisher {
	return &publisher{office: office, book: book, server: s, tickets: make(chan struct{}, 1), all: make(chan struct{}, 1)}
}

// changed says that tickets changed.
func (p *publisher) changed() { poke(p.tickets) }

// changedAll says that more than tickets changed.
func (p *publisher) changedAll() { poke(p.all) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is known already
	}
}

// run publishes until ctx is done: everything at first, since files may have
// been edited while central was away.
func (p *publisher) run(ctx context.Context) {
	p.publish(ctx, p.office.Publish)
	renew := time.NewTicker(renewEvery)
	defer renew.Stop()
	keys := time.NewTicker(keysEvery)
	defer keys.Stop()
	retry := time.NewTimer(time.Hour)
	retry.Stop()
	defer retry.Stop()
	for {
		how := p.office.PublishChanges
		select {
		case <-ctx.Done():
			return
		case <-renew.C:
			how = p.office.Publish
		case <-retry.C:
			how = p.office.PublishDocuments
		case <-keys.C:
			if !p.keysDue() {
				continue
			}
			how = p.office.PublishDocuments
		case <-p.all:
			how = p.office.PublishDocuments
		case <-p.tickets:
			if !sleep(ctx, settleFor) {
				return
			}
			select {
			case <-p.all:
				how = p.office.PublishDocuments
			default:
			}
			drain(p.tickets)
		}
		if !p.publish(ctx, how) {
			retry.Reset(retryAfter)
		}
	}
}

// keysDue reports whether gates should have other keys than they have.
func (p *publisher) keysDue() bool {
	due, err := p.office.KeysDue(p.book, p.server.now())
	if err != nil {
		p.server.log.Error().Err(err).Uint32("venue", p.office.Venue().ID).Msg("gates' keys")
	}
	return due
}

func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// sleep waits and reports whether the whole time went by.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (p *publisher) publish(ctx context.Context, how func(context.Context, time.Time) (pack.Result, error)) bool {
	now := p.server.now()
	result, err := how(ctx, now)
	if ctx.Err() != nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last.Err = err
	if err != nil {
		p.server.log.Error().Err(err).Uint32("venue", p.office.Venue().ID).Msg("not published")
		return false
	}
	p.last.At = now
	if result.Version > 0 {
		p.last.Version = result.Version
	}
	return true
}

func (p *publisher) state() published {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}
