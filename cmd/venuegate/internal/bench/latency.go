package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/crypto/ticket"
)

// floor is what no gate can do without: the signature check and the chain's
// hashes of a code, and one 256-byte write with fdatasync in a file whose
// blocks exist already.
type floor struct {
	file *os.File
	at   int64
	key  ed25519.PublicKey
	buf  [256]byte
}

// floorBlocks is how many writes the floor's file holds before it begins anew.
const floorBlocks = 1 << 14

func newFloor(dir string) (*floor, error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return nil, err
	}
	zero := make([]byte, 1<<20)
	for range floorBlocks * 256 / len(zero) {
		if _, err := f.Write(zero); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &floor{file: f, key: issuer().Private.Public().(ed25519.PublicKey)}, nil
}

func (f *floor) close() error { return f.file.Close() }

// check does the bare cryptography of one code.
func (f *floor) check(s *shown, long bool) error {
	b := &s.signed.Body
	if long && !s.signed.VerifySignature(f.key) {
		return errors.New("bench: the floor's signature is wrong")
	}
	if walk(b, s.step, s.value) != b.Anchor {
		return errors.New("bench: the floor's chain does not end at its anchor")
	}
	return nil
}

// walk applies the links from a value to the end of its chain, with nothing
// around the hashes: docs/protocol/ticket.md, "The chain".
func walk(b *ticket.Body, step uint32, v ticket.Value) ticket.Value {
	const domain = "VG1 link"
	var m [len(domain) + 8 + 1 + 4 + ticket.ValueSize]byte
	copy(m[:], domain)
	binary.BigEndian.PutUint64(m[8:], b.Ticket)
	m[16] = b.Generation
	copy(m[21:], v[:])
	for i := uint32(b.Steps) - step; i <= uint32(b.Steps); i++ {
		binary.BigEndian.PutUint32(m[17:], i)
		sum := sha256.Sum256(m[:])
		copy(m[21:], sum[:])
	}
	copy(v[:], m[21:])
	return v
}

// write makes 256 bytes durable.
func (f *floor) write() error {
	f.at = (f.at + 1) % floorBlocks
	if _, err := f.file.WriteAt(f.buf[:], f.at*256); err != nil {
		return err
	}
	return unix.Fdatasync(int(f.file.Fd()))
}

// Latency is a distribution of durations.
type Latency struct {
	P50 time.Duration `json:"p50_ns"`
	P90 time.Duration `json:"p90_ns"`
	P99 time.Duration `json:"p99_ns"`
	Max time.Duration `json:"max_ns"`
}

func latencyOf(took []time.Duration) Latency {
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[min(len(took)-1, int(q*float64(len(took))))] }
	return Latency{P50: at(.50), P90: at(.90), P99: at(.99), Max: took[len(took)-1]}
}

// Pair is ours beside the floor of the same run.
type Pair struct {
	Ours  Latency `json:"ours"`
	Floor Latency `json:"floor"`
}

// P50Ratio is our median over the floor's.
func (p Pair) P50Ratio() float64 { return ratio(p.Ours.P50, p.Floor.P50) }

// P99Ratio is our 99th percentile over the floor's.
func (p Pair) P99Ratio() float64 { return ratio(p.Ours.P99, p.Floor.P99) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(1, b)) }

// scans measures a scan to its durable verdict, one at a time, in turn with the
// floor: when the disk drifts, it does so under both.
func (o *Options) scans(ctx context.Context, w *world, r *Report) error {
	f, err := newFloor(w.dir)
	if err != nil {
		return err
	}
	defer func() { _ = f.close() }()
	codes := w.codes
	for _, form := range []struct {
		name string
		long bool
		into *Pair
	}{{"long", true, &r.Long}, {"short", false, &r.Short}} {
		o.say("scanning %d %s codes, one at a time", o.Scans, form.name)
		d := w.desk()
		var ours, floors []time.Duration
		for i := range o.Scans {
			s := &codes[i]
			text := s.short
			if form.long {
				text = s.long
			}
			one := func() error { return admit(ctx, d, text) }
			bare := func() error { return errors.Join(f.check(s, form.long), f.write()) }
			// Whoever goes second finds the disk as the first left it, so they
			// take turns at that too.
			if i%2 == 0 {
				err = errors.Join(timed(&ours, one), timed(&floors, bare))
			} else {
				err = errors.Join(timed(&floors, bare), timed(&ours, one))
			}
			if err != nil {
				return err
			}
		}
		form.into.Ours, form.into.Floor = latencyOf(ours), latencyOf(floors)
		codes = codes[o.Scans:]
	}
	return nil
}

func timed(into *[]time.Duration, do func() error) error {
	begin := time.Now()
	err := do()
	*into = append(*into, time.Since(begin))
	return err
}

// Rate is what lanes do at once.
type Rate struct {
	Lanes    int     `json:"lanes"`
	Scans    int     `json:"scans"`
	Rate     float64 `json:"scans_per_second"`
	One      float64 `json:"one_lane_scans_per_second"`
	Latency  Latency `json:"latency"`
	Multiple float64 `json:"multiple"`
}

// atOnce measures all lanes scanning at once, beside one lane in the same
// minute: a full entrance and a quiet one.
func (o *Options) atOnce(ctx context.Context, w *world, r *Report) error {
	codes := w.codes[2*o.Scans:]
	per := o.perLane()
	for _, form := range []struct {
		name string
		text func(*shown) string
		into *Rate
	}{
		{"long", func(s *shown) string { return s.long }, &r.AtOnceLong},
		{"short", func(s *shown) string { return s.short }, &r.AtOnceShort},
	} {
		o.say("scanning %s codes with %d lanes at once", form.name, o.Lanes)
		one, err := o.together(ctx, w, codes[:per], 1, form.text)
		if err != nil {
			return err
		}
		all, err := o.together(ctx, w, codes[per:per+o.Lanes*per], o.Lanes, form.text)
		if err != nil {
			return err
		}
		all.One = one.Rate
		all.Multiple = all.Rate / all.One
		*form.into = all
		codes = codes[per+o.Lanes*per:]
	}
	return nil
}

// together shares codes out among lanes that all scan at once.
func (o *Options) together(ctx context.Context, w *world, codes []shown, n int, text func(*shown) string) (Rate, error) {
	took := make([][]time.Duration, n)
	errs := make([]error, n)
	var lanes sync.WaitGroup
	begin := time.Now()
	for i := range n {
		mine := codes[i*len(codes)/n : (i+1)*len(codes)/n]
		lanes.Go(func() {
			d := w.desk()
			for k := range mine {
				if err := timed(&took[i], func() error { return admit(ctx, d, text(&mine[k])) }); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	lanes.Wait()
	elapsed := time.Since(begin)
	return Rate{
		Lanes: n, Scans: len(codes), Rate: float64(len(codes)) / elapsed.Seconds(), Latency: latencyOf(slices.Concat(took...)),
	}, errors.Join(errs...)
}
