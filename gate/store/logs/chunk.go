package logs

import (
	"crypto/ed25519"
	"errors"

	"github.com/venuegate/venuegate/gate/ledger"
)

const (
	// MaxRecords is the most records of a chunk.
	MaxRecords = (MaxChunk - ledger.HeadSize) / ledger.Size
	// MaxChunk is the longest chunk in bytes.
	MaxChunk = 256 << 10
)

// Records returns how many records a chunk of that many bytes holds, or 0 when
// no chunk is so long.
func Records(size int) int {
	n := size - ledger.HeadSize
	if n <= 0 || n%ledger.Size != 0 || size > MaxChunk {
		return 0
	}
	return n / ledger.Size
}

// chunk is what Receive takes, checked in itself: its records follow one
// another up to its head. Whether the gate signed the head is not checked yet.
type chunk struct {
	origin  ledger.Origin
	first   uint64
	records []ledger.Record
	hashes  []ledger.Hash
	head    ledger.Head
	bytes   []byte // records and head, as they came

	verified bool // the head's signature is good
}

func (c *chunk) last() uint64 { return c.first + uint64(len(c.records)) - 1 }

// parse reads a chunk. It reuses c's slices and keeps b.
func (c *chunk) parse(o ledger.Origin, first uint64, b []byte) *Refusal {
	n := Records(len(b))
	c.origin, c.first, c.bytes, c.verified = o, first, b, false
	c.records, c.hashes = c.records[:0], c.hashes[:0]
	switch {
	case o.Epoch == 0 || first == 0 || first > ledger.MaxSequence:
		return refuse(WhyFormat, o, first, "no record has this position")
	case n == 0:
		return refuse(WhyFormat, o, first, "%d bytes are not 1 to %d records and a head", len(b), MaxRecords)
	}
	if err := c.head.Decode(b[n*ledger.Size:]); err != nil {
		return refuse(WhyFormat, o, first, "%w", err)
	}
	if last := first + uint64(n) - 1; c.head.Position != (ledger.Position{Origin: o, Sequence: last}) {
		return refuse(WhyFormat, o, first, "the head is of gate %d, epoch %d, record %d and not of record %d",
			c.head.Position.Gate, c.head.Position.Epoch, c.head.Position.Sequence, last)
	}
	if cap(c.records) < n {
		c.records, c.hashes = make([]ledger.Record, 0, n), make([]ledger.Hash, 0, n)
	}
	c.records, c.hashes = c.records[:n], c.hashes[:n]
	for i := range n {
		seq := first + uint64(i)
		encoded := b[i*ledger.Size : (i+1)*ledger.Size]
		rec := &c.records[i]
		if err := rec.Decode(encoded); err != nil {
			return refuse(WhyFormat, o, seq, "%w", err)
		}
		if rec.Position != (ledger.Position{Origin: o, Sequence: seq}) {
			return refuse(WhyFormat, o, seq, "gate %d, epoch %d, record %d stands there",
				rec.Position.Gate, rec.Position.Epoch, rec.Position.Sequence)
		}
		if i > 0 && rec.Prev != c.hashes[i-1] {
			return refuse(WhyChain, o, seq, "it does not follow the record before it")
		}
		c.hashes[i] = ledger.HashEncoded(encoded)
	}
	if c.hashes[n-1] != c.head.Hash {
		return refuse(WhyChain, o, c.last(), "it is not the one that the head names")
	}
	return c.names()
}

// names checks what the first record of an epoch says of the epoch before.
func (c *chunk) names() *Refusal {
	if c.first != 1 {
		return nil
	}
	first := &c.records[0]
	switch {
	case first.Ref.IsZero() && first.Prev != ledger.Hash{},
		!first.Ref.IsZero() && (first.Ref.Gate != c.origin.Gate || first.Ref.Epoch >= c.origin.Epoch):
		return refuse(WhyChain, c.origin, 1, "it does not follow an earlier epoch of its gate")
	}
	return nil
}

var errNoKey = errors.New("the gate is not on the roster and never was")

// verify checks the head's signature, once. Any key will do that the gate may
// have had in that epoch.
func (c *chunk) verify(keys []ed25519.PublicKey) *Refusal {
	if c.verified {
		return nil
	}
	if len(keys) == 0 {
		return refuse(WhyRoster, c.origin, c.first, "%w", errNoKey)
	}
	var err error
	for _, key := range keys {
		if err = c.head.Verify(key); err == nil {
			c.verified = true
			return nil
		}
	}
	return refuse(WhySignature, c.origin, c.first, "%w", err)
}
