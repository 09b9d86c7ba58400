package intake_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/intake"
)

var origin = ledger.Origin{Gate: 7, Epoch: 12}

// records makes a log of n records by a gate, and the head of each.
func records(t testing.TB, key ed25519.PrivateKey, n int) (encoded []byte, heads [][]byte) {
	t.Helper()
	var prev ledger.Hash
	for i := range n {
		r := ledger.Record{
			Kind: ledger.KindGrant, Position: ledger.Position{Origin: origin, Sequence: uint64(i + 1)}, Prev: prev, Step: ledger.NoStep,
			Wall: time.UnixMilli(1_800_000_000_000 + int64(i)).UTC(), Event: 1, Ticket: gate.TicketID(1_000_000_000 + i), Generation: 1,
			Count: 1, Lane: 1, To: 1, Outcome: gate.Admit, Reason: gate.ReasonAdmitted,
		}
		if i == 0 {
			r.Kind = ledger.KindEpoch
		}
		start := len(encoded)
		var err error
		if encoded, err = r.AppendBinary(encoded); err != nil {
			t.Fatal(err)
		}
		prev = ledger.HashEncoded(encoded[start:])
		if n < 1000 || (i+1)%intake.MaxRecords == 0 || i+1 == n {
			h := ledger.Head{Position: r.Position, Hash: prev}
			copy(h.Signature[:], ed25519.Sign(key, h.SigningBytes()))
			b, _ := h.AppendBinary(nil)
			heads = append(heads, b)
		}
	}
	return encoded, heads
}

func batch(encoded []byte, heads [][]byte, from, to int) []byte {
	return append(bytes.Clone(encoded[(from-1)*ledger.Size:to*ledger.Size]), heads[to-1]...)
}

func newKey(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func taker(t testing.TB, public ed25519.PublicKey) (*intake.Taker, *central.Bolt) {
	t.Helper()
	b, err := central.OpenBolt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return &intake.Taker{Journals: b, Keys: func(id gate.GateID) ([]ed25519.PublicKey, error) {
		if id != origin.Gate {
			return nil, nil
		}
		return []ed25519.PublicKey{public}, nil
	}}, b
}

// Whatever pieces of a log arrive, in whatever order and however often, what is
// held is the log from its beginning, and every record is seen once.
func TestAnyOrder(t *testing.T) {
	const n = 40
	public, private := newKey(t)
	encoded, heads := records(t, private, n)
	rapid.Check(t, func(rt *rapid.T) {
		taker, store := taker(t, public)
		seen := 0
		taker.Seen = func(r *ledger.Record) {
			if seen++; r.Position.Sequence != uint64(seen) {
				rt.Errorf("record %d seen as number %d", r.Position.Sequence, seen)
			}
		}
		next := 1
		for range rapid.IntRange(1, 12).Draw(rt, "uploads") {
			from := rapid.IntRange(1, n).Draw(rt, "from")
			to := rapid.IntRange(from, n).Draw(rt, "to")
			b, err := intake.Parse(batch(encoded, heads, from, to), origin, uint64(from))
			if err != nil {
				rt.Fatal(err)
			}
			got, err := taker.Take(b, 1, time.Unix(1, 0))
			var gap *intake.GapError
			switch {
			case from > next:
				if !errors.As(err, &gap) || gap.Next != uint64(next) {
					rt.Fatalf("from %d with next %d: %v", from, next, err)
				}
			case err != nil:
				rt.Fatal(err)
			default:
				next = max(next, to+1)
				if got.Next != uint64(next) {
					rt.Fatalf("next %d, want %d", got.Next, next)
				}
			}
		}
		held, err := store.Records(nil, origin, 1, n+1)
		if err != nil || !bytes.Equal(held, encoded[:(next-1)*ledger.Size]) || seen != next-1 {
			rt.Fatalf("%d bytes held, %d seen, next %d: %v", len(held), seen, next, err)
		}
	})
}

// A fork may show first in the record after what is held.
func TestForkBehindTheEnd(t *testing.T) {
	public, private := newKey(t)
	encoded, heads := records(t, private, 9)
	taker, store := taker(t, public)
	take := func(raw []byte, from uint64) error {
		t.Helper()
		b, err := intake.Parse(raw, origin, from)
		if err != nil {
			t.Fatal(err)
		}
		_, err = taker.Take(b, 1, time.Unix(1, 0))
		return err
	}
	if err := take(batch(encoded, heads, 1, 4), 1); err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(encoded[4*ledger.Size : 5*ledger.Size])
	other[ledger.Size-1]++ // names another record before it
	h := ledger.Head{Position: ledger.Position{Origin: origin, Sequence: 5}, Hash: ledger.HashEncoded(other)}
	copy(h.Signature[:], ed25519.Sign(private, h.SigningBytes()))
	head, _ := h.AppendBinary(nil)
	var fork *intake.ForkError
	if err := take(append(other, head...), 5); !errors.As(err, &fork) || fork.Sequence != 4 || fork.Next != 5 {
		t.Errorf("%v", err)
	}
	if l, err := store.Log(origin); err != nil || l.Closed != "fork" || l.Fork != 4 || l.Next != 5 || len(l.Heads) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
}

func FuzzRead(f *testing.F) {
	_, private := newKey(f)
	encoded, heads := records(f, private, 3)
	plain := batch(encoded, heads, 1, 3)
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain, false, uint64(1))
	f.Add(enc.EncodeAll(plain, nil), true, uint64(1))
	f.Add(enc.EncodeAll(make([]byte, 1<<20), nil), true, uint64(1))
	f.Add(plain[:200], false, uint64(2))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd}, true, uint64(0))
	reader, err := intake.NewReader(1)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(reader.Close)
	f.Fuzz(func(t *testing.T, body []byte, compressed bool, from uint64) {
		b, err := reader.Read(body, compressed, origin, from)
		var format *intake.FormatError
		switch {
		case err != nil && !errors.As(err, &format):
			t.Errorf("an error of another type: %v", err)
		case err == nil && (b.Len() < 1 || b.Len() > intake.MaxRecords || b.Next() != from+uint64(b.Len()) || b.Head.Hash != b.Hashes[b.Len()-1]):
			t.Errorf("%d records from %d", b.Len(), b.From)
		}
	})
}

// BenchmarkIntake takes a log of a million records in, as one relay sends it.
// The floor beside it writes the same bytes without looking at them.
func BenchmarkIntake(b *testing.B) {
	const n = 64 * intake.MaxRecords // 1 048 576
	public, private := newKey(b)
	encoded, heads := records(b, private, n)
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		b.Fatal(err)
	}
	var bodies [][]byte
	for i := range heads {
		plain := append(bytes.Clone(encoded[i*intake.MaxRecords*ledger.Size:(i+1)*intake.MaxRecords*ledger.Size]), heads[i]...)
		bodies = append(bodies, enc.EncodeAll(plain, nil))
	}
	reader, err := intake.NewReader(1)
	if err != nil {
		b.Fatal(err)
	}
	defer reader.Close()
	b.Run("checked", func(b *testing.B) {
		for b.Loop() {
			taker, _ := taker(b, public)
			for i, body := range bodies {
				got, err := reader.Read(body, true, origin, uint64(i*intake.MaxRecords+1))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := taker.Take(got, 1, time.Unix(1, 0)); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			_, store := taker(b, public)
			for i := range bodies {
				l := central.Log{Origin: origin, Next: uint64((i+1)*intake.MaxRecords + 1)}
				if err := store.Append(l, encoded[i*intake.MaxRecords*ledger.Size:(i+1)*intake.MaxRecords*ledger.Size]); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
}
