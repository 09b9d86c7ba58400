package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/venuegate/venuegate/gate"
)

// perVerify is how many pairs are walked before the file is unmapped and
// mapped again, so that a walk of a large pack does not hold all of it in
// memory.
const perVerify = 200_000

// VerifyPack walks a pack file whole: every page, key and value is read,
// tickets are decoded, the digest and counts are computed again, and the
// indexes must say of every ticket exactly what the ticket says of itself. The
// error is a [*DamagedError].
func VerifyPack(ctx context.Context, path string) (Info, error) {
	v := verifier{ctx: ctx, path: path, file: filepath.Base(path), digest: sha256.New(), seed: maphash.MakeSeed()}
	p, err := OpenPack(path)
	if err != nil {
		return Info{}, err
	}
	v.info = p.info
	if err := p.Close(); err != nil {
		return Info{}, err
	}
	for _, step := range []struct {
		bucket []byte
		each   func(key, value []byte) error
	}{
		{bucketTickets, v.ticket},
		{bucketDocuments, v.index(&v.documents, "index of documents")},
		{bucketForeign, v.code},
		{bucketOrders, v.index(&v.orders, "index of orders")},
	} {
		if err := v.walk(step.bucket, step.each); err != nil {
			return Info{}, err
		}
	}
	if err := v.compare(); err != nil {
		return Info{}, err
	}
	return v.info, nil
}

type verifier struct {
	ctx       context.Context
	path      string
	file      string
	info      Info
	digest    hash.Hash
	seed      maphash.Seed
	scratch   gate.Ticket
	tickets   int
	documents pairs // what the tickets say, less what the index says
	foreign   pairs
	orders    pairs
}

// pairs compares two multisets of (tag, ticket) without holding either: equal
// sets leave both sums at zero. The hash is keyed anew in every run; it guards
// against damage, not against forgery, which the signatures have done.
type pairs struct {
	count int
	sum   uint64
}

func (p *pairs) add(h uint64)    { p.count++; p.sum += h }
func (p *pairs) remove(h uint64) { p.count--; p.sum -= h }

func (v *verifier) damaged(what string) error { return &DamagedError{File: v.file, What: what} }

// walk hands every pair of a bucket to each, in order.
func (v *verifier) walk(bucket []byte, each func(key, value []byte) error) error {
	var after []byte
	for more := true; more; {
		p, err := OpenPack(v.path)
		if err != nil {
			return err
		}
		err = guard(v.file, func() error {
			after, more, err = v.stretch(p.tx.Bucket(bucket), after, each)
			return err
		})
		if err := errors.Join(err, p.Close()); err != nil {
			return err
		}
		if err := v.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// stretch walks up to perVerify pairs after a key and returns the last key.
func (v *verifier) stretch(b *bbolt.Bucket, after []byte, each func(key, value []byte) error) ([]byte, bool, error) {
	c := b.Cursor()
	key, value := c.First()
	if after != nil {
		if key, value = c.Seek(after); bytes.Equal(key, after) {
			key, value = c.Next()
		}
	}
	last := after
	for n := 0; key != nil; n++ {
		if n == perVerify {
			return bytes.Clone(last), true, nil
		}
		if after != nil && n == 0 || n > 0 {
			if bytes.Compare(last, key) >= 0 {
				return nil, false, v.damaged("keys out of order")
			}
		}
		hashPair(v.digest, key, value)
		if err := each(key, value); err != nil {
			return nil, false, err
		}
		last = key
		key, value = c.Next()
	}
	return nil, false, nil
}

func (v *verifier) ticket(key, value []byte) error {
	if len(key) != idSize {
		return v.damaged("key of a ticket")
	}
	t := &v.scratch
	t.ID = gate.TicketID(binary.BigEndian.Uint64(key))
	if err := decodeTicket(value, t); err != nil {
		return &DamagedError{File: v.file, What: "ticket " + t.ID.String(), Err: err}
	}
	t.Event = v.info.Event
	v.tickets++
	eachDocument(t, func(tag gate.Tag) {
		p := indexPair(tag, t.ID)
		v.documents.add(maphash.Bytes(v.seed, p[:]))
	})
	eachForeign(t, func(tag gate.Tag) {
		p := foreignPair(tag, t.ID, t.Channel)
		v.foreign.add(maphash.Bytes(v.seed, p[:]))
	})
	if t.Order != 0 {
		p := indexPair(orderKey(t.Order), t.ID)
		v.orders.add(maphash.Bytes(v.seed, p[:]))
	}
	return nil
}

// index takes what an index says off what the tickets said.
func (v *verifier) index(said *pairs, what string) func(key, value []byte) error {
	return func(key, value []byte) error {
		if len(key) != len(gate.Tag{}) || len(value) == 0 || len(value)%idSize != 0 {
			return v.damaged(what)
		}
		for ; len(value) > 0; value = value[idSize:] {
			p := indexPair(gate.Tag(key), gate.TicketID(binary.BigEndian.Uint64(value)))
			said.remove(maphash.Bytes(v.seed, p[:]))
		}
		return nil
	}
}

func (v *verifier) code(key, value []byte) error {
	if len(key) != len(gate.Tag{}) || len(value) != idSize+channelSize {
		return v.damaged("index of foreign codes")
	}
	p := foreignPair(gate.Tag(key), gate.TicketID(binary.BigEndian.Uint64(value)),
		gate.ChannelID(binary.BigEndian.Uint16(value[idSize:])))
	v.foreign.remove(maphash.Bytes(v.seed, p[:]))
	return nil
}

func (v *verifier) compare() error {
	switch {
	case v.tickets != v.info.Tickets:
		return v.damaged(fmt.Sprintf("%d tickets, its header says %d", v.tickets, v.info.Tickets))
	case v.documents != pairs{}:
		return v.damaged("the index of documents is not of these tickets")
	case v.foreign != pairs{}:
		return v.damaged("the index of foreign codes is not of these tickets")
	case v.orders != pairs{}:
		return v.damaged("the index of orders is not of these tickets")
	case hex.EncodeToString(v.digest.Sum(nil)) != v.info.Content:
		return v.damaged("content is not what was written")
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumFile reads a file from end to end and returns its length and CRC-32C.
// Intel, AMD and ARM cores compute it in hardware, so the disk sets the pace;
// it is there to notice damage. Whoever can write to the disk can replace the
// daemon as well.
func sumFile(path string) (size int64, sum uint32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	h := crc32.New(castagnoli)
	size, err = io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 1<<20))
	return size, h.Sum32(), errors.Join(err, f.Close())
}
