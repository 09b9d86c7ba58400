package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/venuegate/venuegate/gate"
)

// Pack is an installed pack, open for reading. It may be used by any number of
// goroutines. Its file never changes, so one read transaction serves all of
// them for as long as the pack is open.
type Pack struct {
	file      string
	db        *bbolt.DB
	tx        *bbolt.Tx
	info      Info
	venue     json.RawMessage
	document  json.RawMessage
	policy    *gate.Policy
	tickets   sync.Pool // of *bbolt.Cursor: its stack is used again
	documents sync.Pool
	foreign   sync.Pool
	orders    sync.Pool
	users     atomic.Int64 // scans that hold it, and the holder itself
}

// OpenPack opens a pack file that BuildPack made. It does not read the whole
// file: [Packs] checks the sum first, because bbolt would follow a damaged
// page's offsets anywhere. The error is a [*DamagedError] when the file is not
// a pack.
func OpenPack(path string) (*Pack, error) {
	p := &Pack{file: filepath.Base(path)}
	if err := guard(p.file, func() error { return p.open(path) }); err != nil {
		if p.db != nil {
			_ = guard(p.file, p.closeFile) // the first error says more
		}
		return nil, err
	}
	p.users.Store(1)
	return p, nil
}

func (p *Pack) open(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, NoStatistics: true, Timeout: time.Second})
	switch {
	case errors.Is(err, bbolterrors.ErrInvalid), errors.Is(err, bbolterrors.ErrChecksum), errors.Is(err, bbolterrors.ErrVersionMismatch):
		return &DamagedError{File: p.file, What: "no bbolt file", Err: err}
	case err != nil:
		return fmt.Errorf("open pack %s: %w", p.file, err)
	}
	p.db = db
	if p.tx, err = db.Begin(false); err != nil {
		return fmt.Errorf("open pack %s: %w", p.file, err)
	}
	for _, b := range []struct {
		name []byte
		pool *sync.Pool
	}{{bucketTickets, &p.tickets}, {bucketDocuments, &p.documents}, {bucketForeign, &p.foreign}, {bucketOrders, &p.orders}} {
		bucket := p.tx.Bucket(b.name)
		if bucket == nil {
			return &DamagedError{File: p.file, What: fmt.Sprintf("no bucket %s", b.name)}
		}
		b.pool.New = func() any { return bucket.Cursor() }
	}
	return p.readHeader()
}

func (p *Pack) readHeader() error {
	meta := p.tx.Bucket(bucketMeta)
	if meta == nil {
		return &DamagedError{File: p.file, What: "no bucket meta"}
	}
	var h header
	if err := json.Unmarshal(meta.Get(keyHeader), &h); err != nil {
		return &DamagedError{File: p.file, What: "header", Err: err}
	}
	if h.Format != formatVersion {
		return &DamagedError{File: p.file, What: fmt.Sprintf("format %d, this program knows %d", h.Format, formatVersion)}
	}
	policy, err := decodePolicy(h.Policy)
	if err != nil {
		return &DamagedError{File: p.file, What: "header", Err: err}
	}
	p.info, p.policy, p.venue, p.document = h.Info, policy, h.Venue, h.Document
	return nil
}

// Info returns what the pack says of itself.
func (p *Pack) Info() Info { return p.info }

// Policy returns the event's policy. The caller does not change it.
func (p *Pack) Policy() *gate.Policy { return p.policy }

// Venue returns venue.json as it was signed.
func (p *Pack) Venue() json.RawMessage { return p.venue }

// Document returns event.json as it was signed: names, issuer keys, texts.
func (p *Pack) Document() json.RawMessage { return p.document }

// Ticket reads a ticket into the caller's, whose slices are used again and
// whose texts are kept where they are the same. It reports whether the pack
// knows the ticket; what into holds after a false is undefined. The error is a
// [*DamagedError].
func (p *Pack) Ticket(id gate.TicketID, into *gate.Ticket) (known bool, err error) {
	var key [idSize]byte
	binary.BigEndian.PutUint64(key[:], uint64(id))
	old := debug.SetPanicOnFault(true)
	defer p.unmask(old, &err)
	c := p.tickets.Get().(*bbolt.Cursor)
	k, v := c.Seek(key[:])
	found := bytes.Equal(k, key[:])
	if found {
		into.Event, into.ID = p.info.Event, id
		if err := decodeTicket(v, into); err != nil {
			return false, &DamagedError{File: p.file, What: "ticket " + id.String(), Err: err}
		}
	}
	p.tickets.Put(c)
	return found, nil
}

// ByDocument appends the tickets that a document finds to dst, in ascending
// order. The error is a [*DamagedError].
func (p *Pack) ByDocument(tag gate.Tag, dst []gate.TicketID) ([]gate.TicketID, error) {
	return p.byKey(&p.documents, tag[:], "index of documents", dst)
}

// ByPerson appends the tickets of whoever has a document whose tag begins with
// key, each once, in ascending order of the tags. The error is a
// [*DamagedError].
func (p *Pack) ByPerson(key gate.PersonKey, dst []gate.TicketID) (found []gate.TicketID, err error) {
	found = dst
	old := debug.SetPanicOnFault(true)
	defer p.unmask(old, &err)
	c := p.documents.Get().(*bbolt.Cursor)
	for k, v := c.Seek(key[:]); bytes.HasPrefix(k, key[:]); k, v = c.Next() {
		if len(v) == 0 || len(v)%idSize != 0 {
			return dst, &DamagedError{File: p.file, What: "index of documents"}
		}
		for ; len(v) > 0; v = v[idSize:] {
			if id := gate.TicketID(binary.BigEndian.Uint64(v)); !slices.Contains(found[len(dst):], id) {
				found = append(found, id)
			}
		}
	}
	p.documents.Put(c)
	return found, nil
}

// ByOrder appends the tickets of an order to dst, in ascending order. The error
// is a [*DamagedError].
func (p *Pack) ByOrder(order gate.OrderID, dst []gate.TicketID) ([]gate.TicketID, error) {
	key := orderKey(order)
	return p.byKey(&p.orders, key[:], "index of orders", dst)
}

func (p *Pack) byKey(index *sync.Pool, key []byte, what string, dst []gate.TicketID) (found []gate.TicketID, err error) {
	found = dst
	old := debug.SetPanicOnFault(true)
	defer p.unmask(old, &err)
	c := index.Get().(*bbolt.Cursor)
	k, v := c.Seek(key)
	if bytes.Equal(k, key) {
		if len(v) == 0 || len(v)%idSize != 0 {
			return dst, &DamagedError{File: p.file, What: what}
		}
		for ; len(v) > 0; v = v[idSize:] {
			found = append(found, gate.TicketID(binary.BigEndian.Uint64(v)))
		}
	}
	index.Put(c)
	return found, nil
}

// ByForeign finds the ticket of another platform's code, and where it was
// sold. The error is a [*DamagedError].
func (p *Pack) ByForeign(tag gate.Tag) (id gate.TicketID, channel gate.ChannelID, known bool, err error) {
	old := debug.SetPanicOnFault(true)
	defer p.unmask(old, &err)
	c := p.foreign.Get().(*bbolt.Cursor)
	k, v := c.Seek(tag[:])
	found := bytes.Equal(k, tag[:])
	if found {
		if len(v) != idSize+channelSize {
			return 0, 0, false, &DamagedError{File: p.file, What: "index of foreign codes"}
		}
		id = gate.TicketID(binary.BigEndian.Uint64(v))
		channel = gate.ChannelID(binary.BigEndian.Uint16(v[idSize:]))
	}
	p.foreign.Put(c)
	return id, channel, found, nil
}

// unmask ends a stretch in which a fault in the mapped file is a panic: a card
// that returns a read error, or a file cut short under us, must not take the
// daemon down.
func (p *Pack) unmask(old bool, err *error) {
	debug.SetPanicOnFault(old)
	if r := recover(); r != nil {
		*err = &DamagedError{File: p.file, What: "unreadable page", Err: fmt.Errorf("%v", r)}
	}
}

// guard runs f and turns a fault or bbolt's panic into a DamagedError.
func guard(file string, f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil {
			err = &DamagedError{File: file, What: "unreadable page", Err: fmt.Errorf("%v", r)}
		}
	}()
	return f()
}

// acquire takes one use of the pack, unless it is closed.
func (p *Pack) acquire() bool {
	for {
		n := p.users.Load()
		if n == 0 {
			return false
		}
		if p.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Close gives the pack back: to whoever opened it with OpenPack, or one use of
// it. The file is closed with the last use.
func (p *Pack) Close() error {
	if p.users.Add(-1) != 0 {
		return nil
	}
	return guard(p.file, p.closeFile)
}

func (p *Pack) closeFile() error {
	var err error
	if p.tx != nil {
		err = p.tx.Rollback()
	}
	return errors.Join(err, p.db.Close())
}
