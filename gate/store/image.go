package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/venuegate/venuegate/gate"
)

// image is a pack file, open for reading. It never changes, so one read
// transaction serves all goroutines for as long as it is open, and packs that
// differ by a patch only share it.
type image struct {
	file      string
	db        *bbolt.DB
	tx        *bbolt.Tx
	tickets   sync.Pool // of *bbolt.Cursor: its stack is used again
	documents sync.Pool
	foreign   sync.Pool
	orders    sync.Pool
	built     Info
	venue     json.RawMessage
	document  json.RawMessage
	policy    *gate.Policy
	users     atomic.Int64 // packs that are made of it
}

// openImage opens a file. It is closed with the last pack that is made of it.
func openImage(path string) (*image, error) {
	m := &image{file: filepath.Base(path)}
	if err := guard(m.file, func() error { return m.open(path) }); err != nil {
		if m.db != nil {
			_ = guard(m.file, m.closeFile) // the first error says more
		}
		return nil, err
	}
	return m, nil
}

// pack returns a pack made of the file and what lies over it. The caller has
// opened the file, or holds another pack that is made of it.
func (m *image) pack(over *patch, info Info) *Pack {
	m.users.Add(1)
	p := &Pack{image: m, patch: over, info: info}
	p.users.Store(1)
	return p
}

func (m *image) open(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, NoStatistics: true, Timeout: time.Second})
	switch {
	case errors.Is(err, bbolterrors.ErrInvalid), errors.Is(err, bbolterrors.ErrChecksum), errors.Is(err, bbolterrors.ErrVersionMismatch):
		return &DamagedError{File: m.file, What: "no bbolt file", Err: err}
	case err != nil:
		return fmt.Errorf("open pack %s: %w", m.file, err)
	}
	m.db = db
	if m.tx, err = db.Begin(false); err != nil {
		return fmt.Errorf("open pack %s: %w", m.file, err)
	}
	for _, b := range []struct {
		name []byte
		pool *sync.Pool
	}{{bucketTickets, &m.tickets}, {bucketDocuments, &m.documents}, {bucketForeign, &m.foreign}, {bucketOrders, &m.orders}} {
		bucket := m.tx.Bucket(b.name)
		if bucket == nil {
			return &DamagedError{File: m.file, What: fmt.Sprintf("no bucket %s", b.name)}
		}
		b.pool.New = func() any { return bucket.Cursor() }
	}
	return m.readHeader()
}

func (m *image) readHeader() error {
	meta := m.tx.Bucket(bucketMeta)
	if meta == nil {
		return &DamagedError{File: m.file, What: "no bucket meta"}
	}
	var h header
	if err := json.Unmarshal(meta.Get(keyHeader), &h); err != nil {
		return &DamagedError{File: m.file, What: "header", Err: err}
	}
	if h.Format != formatVersion {
		return &DamagedError{File: m.file, What: fmt.Sprintf("format %d, this program knows %d", h.Format, formatVersion)}
	}
	policy, err := decodePolicy(h.Policy)
	if err != nil {
		return &DamagedError{File: m.file, What: "header", Err: err}
	}
	m.built, m.policy, m.venue, m.document = h.Info, policy, h.Venue, h.Document
	return nil
}

// isBaseOf reports whether the changes of a source are to this file.
func (m *image) isBaseOf(src *Source) bool {
	return src.Base != "" && src.Base == m.built.Base
}

// ticketOf is ticket, for those who want the event as well.
func (m *image) ticketOf(id gate.TicketID, into *gate.Ticket) (known bool, err error) {
	into.Event = m.built.Event
	return m.ticket(id, into)
}

// ticket reads all of a ticket but its event.
func (m *image) ticket(id gate.TicketID, into *gate.Ticket) (known bool, err error) {
	var key [idSize]byte
	binary.BigEndian.PutUint64(key[:], uint64(id))
	old := debug.SetPanicOnFault(true)
	defer m.unmask(old, &err)
	c := m.tickets.Get().(*bbolt.Cursor)
	k, v := c.Seek(key[:])
	found := bytes.Equal(k, key[:])
	if found {
		into.ID = id
		if err := decodeTicket(v, into); err != nil {
			return false, m.damagedTicket(id, err)
		}
	}
	m.tickets.Put(c)
	return found, nil
}

func (m *image) damagedTicket(id gate.TicketID, err error) error {
	return &DamagedError{File: m.file, What: "ticket " + id.String(), Err: err}
}

// byKey appends what an index finds.
func (m *image) byKey(index *sync.Pool, key []byte, what string, dst []gate.TicketID) (found []gate.TicketID, err error) {
	found = dst
	old := debug.SetPanicOnFault(true)
	defer m.unmask(old, &err)
	c := index.Get().(*bbolt.Cursor)
	k, v := c.Seek(key)
	if bytes.Equal(k, key) {
		if len(v) == 0 || len(v)%idSize != 0 {
			return dst, &DamagedError{File: m.file, What: what}
		}
		for ; len(v) > 0; v = v[idSize:] {
			found = append(found, gate.TicketID(binary.BigEndian.Uint64(v)))
		}
	}
	index.Put(c)
	return found, nil
}

// byForeign finds the ticket of another platform's code.
func (m *image) byForeign(tag gate.Tag) (id gate.TicketID, channel gate.ChannelID, known bool, err error) {
	old := debug.SetPanicOnFault(true)
	defer m.unmask(old, &err)
	c := m.foreign.Get().(*bbolt.Cursor)
	k, v := c.Seek(tag[:])
	found := bytes.Equal(k, tag[:])
	if found {
		if len(v) != idSize+channelSize {
			return 0, 0, false, &DamagedError{File: m.file, What: "index of foreign codes"}
		}
		id = gate.TicketID(binary.BigEndian.Uint64(v))
		channel = gate.ChannelID(binary.BigEndian.Uint16(v[idSize:]))
	}
	m.foreign.Put(c)
	return id, channel, found, nil
}

// unmask ends a stretch in which a fault in the mapped file is a panic: a card
// that returns a read error, or a file cut short under us, must not take the
// daemon down.
func (m *image) unmask(old bool, err *error) {
	debug.SetPanicOnFault(old)
	if r := recover(); r != nil {
		*err = &DamagedError{File: m.file, What: "unreadable page", Err: fmt.Errorf("%v", r)}
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

// release gives one use back and closes the file with the last.
func (m *image) release() error {
	if m.users.Add(-1) != 0 {
		return nil
	}
	return guard(m.file, m.closeFile)
}

func (m *image) closeFile() error {
	var err error
	if m.tx != nil {
		err = m.tx.Rollback()
	}
	return errors.Join(err, m.db.Close())
}
