package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"iter"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate"
)

var (
	bucketMeta      = []byte("meta")
	bucketTickets   = []byte("tickets")   // ticket id → value
	bucketDocuments = []byte("documents") // document tag → ticket ids
	bucketForeign   = []byte("foreign")   // foreign code tag → ticket id, channel
	bucketOrders    = []byte("orders")    // order, as a key → ticket ids
	keyHeader       = []byte("header")
)

const (
	perTransaction = 10_000
	idSize         = 8
	channelSize    = 2
	// maxPerKey bounds the tickets that one document or order finds, so that the
	// value of an index entry stays within a few pages.
	maxPerKey = 4096
)

// BuildPack writes a pack file. The tickets come in ascending order of their
// ids, each once. The file is complete and synced when BuildPack returns, and
// gone when it fails. It must not exist before.
//
// Peak memory is a transaction's worth of tickets and 24 to 26 bytes for every
// document, foreign code and ticket of an order.
func BuildPack(ctx context.Context, path string, src Source, tickets iter.Seq2[gate.Ticket, error]) (info Info, err error) {
	h, err := src.header()
	if err != nil {
		return Info{}, fmt.Errorf("build pack of event %d: %w", src.Event, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return Info{}, fmt.Errorf("build pack: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if err := f.Close(); err != nil {
		return Info{}, fmt.Errorf("build pack: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		NoSync: true, NoGrowSync: true, NoFreelistSync: true, NoStatistics: true,
		FreelistType: bbolt.FreelistMapType, InitialMmapSize: initialMap(src.Tickets),
	})
	if err != nil {
		return Info{}, fmt.Errorf("build pack %s: %w", filepath.Base(path), err)
	}
	b := builder{ctx: ctx, load: newLoad(db), event: src.Event}
	if err := errors.Join(b.build(&h, tickets), b.load.abandon(), db.Close()); err != nil {
		return Info{}, fmt.Errorf("build pack of event %d: %w", src.Event, err)
	}
	if err := syncFile(path); err != nil {
		return Info{}, fmt.Errorf("build pack: %w", err)
	}
	return h.Info, nil
}

// initialMap is how much address space a build maps at once, so that a growing
// file need not be mapped again.
func initialMap(tickets int) int {
	const least, each, most = 64 << 20, 512, 1 << 30
	return min(max(least, tickets*each), most)
}

// builder turns a stream of tickets into the buckets.
type builder struct {
	ctx   context.Context
	load  *load
	event gate.EventID
	indexes
}

func (b *builder) build(h *header, tickets iter.Seq2[gate.Ticket, error]) error {
	n, err := b.loadTickets(tickets)
	if err != nil {
		return err
	}
	b.sort()
	h.Info.Tickets, h.Info.Documents, h.Info.Foreign = n, len(b.documents), len(b.foreign)
	if err := b.loadIndex(bucketDocuments, b.documents); err != nil {
		return err
	}
	if err := b.loadForeign(); err != nil {
		return err
	}
	if err := b.loadIndex(bucketOrders, b.orders); err != nil {
		return err
	}
	h.Info.Content = b.load.sum()
	raw, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := b.load.put(bucketMeta, keyHeader, raw); err != nil {
		return err
	}
	return b.load.commit()
}

func (b *builder) loadTickets(tickets iter.Seq2[gate.Ticket, error]) (int, error) {
	if err := b.load.bucket(bucketTickets); err != nil {
		return 0, err
	}
	n, last := 0, gate.TicketID(0)
	var key [idSize]byte
	for t, err := range tickets {
		if err != nil {
			return n, err
		}
		if n%1024 == 0 && b.ctx.Err() != nil {
			return n, b.ctx.Err()
		}
		if err := follows(&t, b.event, last); err != nil {
			return n, err
		}
		last = t.ID
		start := len(b.load.arena)
		if b.load.arena, err = appendTicket(b.load.arena, &t); err != nil {
			return n, err
		}
		binary.BigEndian.PutUint64(key[:], uint64(t.ID))
		if err := b.load.put(bucketTickets, key[:], b.load.arena[start:]); err != nil {
			return n, err
		}
		b.add(&t)
		n++
	}
	return n, nil
}

// loadIndex writes an index from keys to all tickets that each finds.
func (b *builder) loadIndex(bucket []byte, pairs []indexed) error {
	if err := b.load.bucket(bucket); err != nil {
		return err
	}
	for i := 0; i < len(pairs); {
		key := pairs[i][:16]
		start, first := len(b.load.arena), i
		for ; i < len(pairs) && bytes.Equal(pairs[i][:16], key); i++ {
			b.load.arena = append(b.load.arena, pairs[i][16:]...)
		}
		if i-first > maxPerKey {
			return tooMany(bucket, pairs[first].ticket(), i-first)
		}
		if err := b.load.put(bucket, key, b.load.arena[start:]); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) loadForeign() error {
	if err := b.load.bucket(bucketForeign); err != nil {
		return err
	}
	for i := range b.foreign {
		p := &b.foreign[i]
		if i > 0 && bytes.Equal(p[:16], b.foreign[i-1][:16]) {
			return sameCode(b.foreign[i-1].ticket(), p.ticket())
		}
		if err := b.load.put(bucketForeign, p[:16], p[16:]); err != nil {
			return err
		}
	}
	return nil
}

// load fills buckets with ascending keys, a few thousand a transaction.
type load struct {
	db      *bbolt.DB
	tx      *bbolt.Tx
	buckets map[string]*bbolt.Bucket // of the open transaction
	// arena backs the values, which must stay until their transaction is done.
	// When it grows, the values written so far keep the old array alive.
	arena   []byte
	pending int
	digest  hash.Hash
}

func newLoad(db *bbolt.DB) *load {
	return &load{db: db, digest: sha256.New()}
}

// bucket makes a bucket, so that it is there even if nothing is put into it.
func (l *load) bucket(name []byte) error {
	_, err := l.in(name)
	return err
}

func (l *load) in(name []byte) (*bbolt.Bucket, error) {
	if l.tx == nil {
		tx, err := l.db.Begin(true)
		if err != nil {
			return nil, err
		}
		l.tx, l.buckets = tx, make(map[string]*bbolt.Bucket)
	}
	b, open := l.buckets[string(name)]
	if !open {
		var err error
		if b, err = l.tx.CreateBucketIfNotExists(name); err != nil {
			return nil, err
		}
		b.FillPercent = 1
		l.buckets[string(name)] = b
	}
	return b, nil
}

func (l *load) put(bucket, key, value []byte) error {
	b, err := l.in(bucket)
	if err != nil {
		return err
	}
	if !bytes.Equal(bucket, bucketMeta) {
		hashPair(l.digest, key, value)
	}
	if err := b.Put(key, value); err != nil {
		return err
	}
	if l.pending++; l.pending < perTransaction {
		return nil
	}
	return l.commit()
}

func (l *load) commit() error {
	if l.tx == nil {
		return nil
	}
	err := l.tx.Commit()
	l.tx, l.buckets, l.pending, l.arena = nil, nil, 0, l.arena[:0]
	return err
}

// abandon drops what was not committed; a database with an open transaction
// does not close.
func (l *load) abandon() error {
	if l.tx == nil {
		return nil
	}
	err := l.tx.Rollback()
	l.tx = nil
	return err
}

func (l *load) sum() string { return hex.EncodeToString(l.digest.Sum(nil)) }

// hashPair feeds one key and value to a digest, each with its length.
func hashPair(h hash.Hash, key, value []byte) {
	var lengths [8]byte
	binary.BigEndian.PutUint32(lengths[:], uint32(len(key)))
	binary.BigEndian.PutUint32(lengths[4:], uint32(len(value)))
	_, _ = h.Write(lengths[:]) // a hash never fails
	_, _ = h.Write(key)
	_, _ = h.Write(value)
}
