package intake

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/venuegate/venuegate/gate/ledger"
)

// Bounds of an upload.
const (
	// MaxRecords is how many records one upload holds at most.
	MaxRecords = 16_384
	// MaxPlain is the length in bytes of the longest batch.
	MaxPlain = MaxRecords*ledger.Size + ledger.HeadSize
	// MaxBody is the length in bytes of the longest body: compressed or not, it
	// is never much longer than the batch.
	MaxBody = MaxPlain + 64<<10
)

// FormatError says what is wrong with an upload. Nothing of it was stored.
type FormatError struct {
	Record int // from 0; -1: the whole
	Why    string
}

// Error names the record.
func (e *FormatError) Error() string {
	if e.Record < 0 {
		return "upload: " + e.Why
	}
	return fmt.Sprintf("upload: record %d: %s", e.Record, e.Why)
}

// Batch is an upload that was read: records of one origin without gap or break,
// and the gate's word on the last. Nobody has checked who signed it.
type Batch struct {
	Origin  ledger.Origin
	From    uint64        // sequence of the first
	Records []byte        // encoded, one after the other
	Hashes  []ledger.Hash // of each
	Prev    ledger.Hash   // of the record before the first, as the first says
	Head    ledger.Head
}

// Len returns the number of records.
func (b *Batch) Len() int { return len(b.Records) / ledger.Size }

// Next returns the sequence after the last.
func (b *Batch) Next() uint64 { return b.From + uint64(b.Len()) }

// Record returns the encoded record at an index.
func (b *Batch) Record(i int) []byte { return b.Records[i*ledger.Size : (i+1)*ledger.Size] }

// Reader reads uploads. It is safe for several goroutines.
type Reader struct {
	zstd *zstd.Decoder
}

// NewReader returns a reader that expands so many uploads at a time.
func NewReader(atOnce int) (*Reader, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(atOnce),
		zstd.WithDecoderMaxMemory(MaxPlain), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("intake: %w", err)
	}
	return &Reader{zstd: d}, nil
}

// Close ends the reader's goroutines.
func (r *Reader) Close() { r.zstd.Close() }

// Read reads an upload of an origin's records from a sequence on. The error is
// a [*FormatError].
func (r *Reader) Read(body []byte, compressed bool, origin ledger.Origin, from uint64) (*Batch, error) {
	if len(body) > MaxBody {
		return nil, &FormatError{-1, fmt.Sprintf("more than %d bytes", MaxBody)}
	}
	if compressed {
		plain, err := r.zstd.DecodeAll(body, nil)
		switch {
		case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
			return nil, &FormatError{-1, fmt.Sprintf("expands to more than %d bytes", MaxPlain)}
		case err != nil:
			return nil, &FormatError{-1, "not zstd, or cut short"}
		}
		body = plain
	}
	return Parse(body, origin, from)
}

// Parse reads a batch: records from a sequence on, then the head of the last.
// The error is a [*FormatError].
func Parse(plain []byte, origin ledger.Origin, from uint64) (*Batch, error) {
	n := (len(plain) - ledger.HeadSize) / ledger.Size
	switch {
	case n < 1, len(plain) != n*ledger.Size+ledger.HeadSize:
		return nil, &FormatError{-1, fmt.Sprintf("%d bytes long; want records of %d bytes and a head of %d", len(plain), ledger.Size, ledger.HeadSize)}
	case n > MaxRecords:
		return nil, &FormatError{-1, fmt.Sprintf("%d records, at most %d", n, MaxRecords)}
	}
	b := &Batch{Origin: origin, From: from, Records: plain[:n*ledger.Size], Hashes: make([]ledger.Hash, n)}
	var record ledger.Record
	for i := range n {
		if err := record.Decode(b.Record(i)); err != nil {
			return nil, &FormatError{i, err.Error()}
		}
		want := ledger.Position{Origin: origin, Sequence: from + uint64(i)}
		if record.Position != want {
			return nil, &FormatError{i, fmt.Sprintf("is of gate %d, epoch %d, sequence %d; want %d, %d, %d",
				record.Position.Gate, record.Position.Epoch, record.Position.Sequence, want.Gate, want.Epoch, want.Sequence)}
		}
		if i == 0 {
			b.Prev = record.Prev
		} else if record.Prev != b.Hashes[i-1] {
			return nil, &FormatError{i, "does not name the hash of the record before it"}
		}
		b.Hashes[i] = ledger.HashEncoded(b.Record(i))
	}
	if err := b.Head.Decode(plain[len(b.Records):]); err != nil {
		return nil, &FormatError{-1, err.Error()}
	}
	if b.Head.Position != record.Position || b.Head.Hash != b.Hashes[n-1] {
		return nil, &FormatError{-1, "the head is not of the last record"}
	}
	return b, nil
}
