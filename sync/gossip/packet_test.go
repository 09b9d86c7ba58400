package gossip

import (
	"bytes"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// examples are the packets that docs/protocol/gossip.md shows.
var examples = []struct {
	name   string
	hex    string
	packet packet
}{
	{
		"records",
		"01 01 00000007 0102030405060708" +
			"00000007 0000000c 0000000000000159 000000000000015a 63 68 75 6e 6b",
		packet{
			kind: KindRecords, sender: 7, number: 0x0102030405060708,
			origin: Origin{7, 12}, first: 345, last: 346, chunk: []byte("chunk"),
		},
	},
	{
		"head",
		"01 02 00000007 0102030405060709" + "07 0c da02",
		packet{kind: KindHead, sender: 7, number: 0x0102030405060709, entries: []entry{{Origin{7, 12}, 346}}},
	},
	{
		"vector",
		"01 03 00000007 010203040506070a" + "0000000000000000 ffffffffffffffff" +
			"03 01 b960" + "04 0b 05" + "00 01 da02",
		packet{
			kind: KindVector, sender: 7, number: 0x010203040506070a, to: lastOrigin,
			entries: []entry{{Origin{3, 1}, 12345}, {Origin{7, 11}, 5}, {Origin{7, 12}, 346}},
		},
	},
	{
		"want",
		"01 04 00000009 0000000000000001" + "00000007 0000000c 0000000000000150 000000000000015a",
		packet{kind: KindWant, sender: 9, number: 1, wants: []want{{Origin{7, 12}, 336, 346}}},
	},
	{
		"range",
		"01 05 00000007 010203040506070b" + "00000007 0000000c 0000000000000001 0000000000000002 0000",
		packet{kind: KindRange, sender: 7, number: 0x010203040506070b, origin: Origin{7, 12}, first: 1, last: 2, chunk: []byte{0, 0}},
	},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExamples(t *testing.T) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			want := unhex(t, e.hex)
			if got := e.packet.encode(); !bytes.Equal(got, want) {
				t.Errorf("encoded\n%x, want\n%x", got, want)
			}
			got, err := parse(want)
			if err != nil || !reflect.DeepEqual(got, e.packet) {
				t.Errorf("parsed %+v, %v", got, err)
			}
		})
	}
}

func TestRefusedPackets(t *testing.T) {
	head := "01 02 00000007 0000000000000001"
	vector := "01 03 00000007 0000000000000001"
	wants := "01 04 00000007 0000000000000001"
	chunk := "01 01 00000007 0000000000000001"
	for _, c := range []struct {
		name, hex string
		offset    int
		reason    Reason
	}{
		{"empty", "", 0, ReasonShort},
		{"ends in the header", "01 02 00000007", 6, ReasonShort},
		{"version", "02" + head[2:], 0, ReasonVersion},
		{"kind", "01 06" + head[5:], 1, ReasonKind},
		{"no chunk", chunk + "00000007 0000000c 0000000000000001 0000000000000001", 38, ReasonShort},
		{"epoch 0", chunk + "00000007 00000000 0000000000000001 0000000000000001 00", 18, ReasonField},
		{"first 0", chunk + "00000007 00000001 0000000000000000 0000000000000001 00", 22, ReasonField},
		{"last before first", chunk + "00000007 00000001 0000000000000002 0000000000000001 00", 30, ReasonField},
		{"last beyond all", chunk + "00000007 00000001 0000000000000001 0000010000000000 00", 30, ReasonField},
		{"more records than bytes", chunk + "00000007 00000001 0000000000000001 0000000000000002 00", 30, ReasonField},
		{"head ends in a number", head + "07 0c da", 16, ReasonShort},
		{"head ends between numbers", head + "07 0c", 16, ReasonShort},
		{"long form", head + "87 00 0c 01", 14, ReasonField},
		{"gate beyond 32 bits", head + "8080808010 0c 01", 14, ReasonField},
		{"number beyond 64 bits", head + "ffffffffffffffffffff01 0c 01", 14, ReasonField},
		{"gates beyond 32 bits in sum", head + "ffffffff0f 01 01" + "01 01 01", 21, ReasonField},
		{"epoch 0 in head", head + "07 00 01", 15, ReasonField},
		{"no record", head + "07 01 00", 16, ReasonField},
		{"the same line twice", head + "07 01 01 00 00 01", 18, ReasonField},
		{"vector without origins", vector + "00000000 00000000 ffffffff", 26, ReasonShort},
		{"vector from behind to", vector + "00000002 00000000 00000001 00000000", 22, ReasonField},
		{"line before from", vector + "0000000200000000 ffffffffffffffff 01 01 01", 30, ReasonField},
		{"line after to", vector + "00000000 00000000 00000001 00000001 01 02 01", 30, ReasonField},
		{"no wants", wants, 14, ReasonField},
		{"half a want", wants + "00000007 0000000c", 14, ReasonField},
		{"too many wants", wants + strings.Repeat("00000007 0000000c 0000000000000001 0000000000000001", 33), 14, ReasonField},
		{"want nothing", wants + "00000007 0000000c 0000000000000000 0000000000000001", 22, ReasonField},
		{"too long", head + strings.Repeat("01 01 01", 500), MaxDatagram, ReasonOversized},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(unhex(t, c.hex))
			var wrong *PacketError
			if !errors.As(err, &wrong) {
				t.Fatalf("error %v", err)
			}
			if wrong.Offset != c.offset || wrong.Reason != c.reason {
				t.Errorf("byte %d, %s (%v); want byte %d, %s", wrong.Offset, wrong.Reason, err, c.offset, c.reason)
			}
		})
	}
}

// What was parsed encodes to the bytes that it was parsed from.
func FuzzParse(f *testing.F) {
	for _, e := range examples {
		f.Add(unhex(f, e.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err != nil {
			var wrong *PacketError
			if !errors.As(err, &wrong) || wrong.Reason == "" || wrong.Offset > len(b) && len(b) > headerSize {
				t.Fatalf("error %#v", err)
			}
			return
		}
		if got := p.encode(); !bytes.Equal(got, b) {
			t.Fatalf("%x became %x", b, got)
		}
	})
}

// Entries are the part of a packet that takes counting.
func FuzzEntries(f *testing.F) {
	f.Add([]byte{7, 12, 0xda, 2})
	f.Add(appendEntries(nil, Vector{{1, 1}: 1, {1, 2}: MaxSequence, {math.MaxUint32, math.MaxUint32}: 3}.entries()))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p packet
		if err := p.parseEntries(b, 0); err != nil {
			return
		}
		if got := appendEntries(nil, p.entries); !bytes.Equal(got, b) {
			t.Fatalf("%x became %x", b, got)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(clockAnswer{time.UnixMicro(1_795_000_000_123_456), true}.encode())
	f.Add(clockAnswer{time.UnixMicro(0), false}.encode())
	f.Add([]byte{1, 2, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseAnswer(b)
		if err != nil {
			return
		}
		if got := a.encode(); !bytes.Equal(got, b) {
			t.Fatalf("%x became %x", b, got)
		}
	})
}

// The page shows the packets that are tested here.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/protocol/gossip.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for i, block := range strings.Split(string(page), "```") {
		if i%2 == 1 {
			shown = append(shown, strings.Join(strings.Fields(block), ""))
		}
	}
	for _, e := range examples[:4] {
		if !slices.Contains(shown, strings.ReplaceAll(e.hex, " ", "")) {
			t.Errorf("the page does not show the %s packet %s", e.name, e.hex)
		}
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte(`{"version":1,"peers":[{"gate":2,"address":"10.0.0.2:7946"}]}`))
	f.Add([]byte(`{"version":1,"peers":[{"gate":2,"address":"[fe80::1%eth0]:1"}]}`))
	f.Add([]byte(`{"version":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMemory(b)
		if err != nil {
			return
		}
		for _, p := range m.Peers {
			if !p.Address.IsValid() || p.Address.Port() == 0 {
				t.Fatalf("address %v", p.Address)
			}
		}
	})
}

// drawVector draws vectors short and long, of few gates and many.
func drawVector(t *rapid.T) Vector {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	gates := rapid.SampledFrom([]uint32{1, 50, math.MaxUint32}).Draw(t, "gates")
	v := Vector{}
	for range rapid.SampledFrom([]int{0, 1, 50, 300, 3000, 20_000}).Draw(t, "size") {
		v[Origin{r.Uint32N(gates), 1 + r.Uint32N(math.MaxUint32>>r.IntN(32))}] = 1 + r.Uint64N(MaxSequence>>r.IntN(40))
	}
	v[lastOrigin] = MaxSequence
	return v
}

// However a vector is split, its parts fit, say all of it, and leave no origin
// between them.
func TestVectorPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawVector(t)
		size := rapid.IntRange(100, MaxState).Draw(t, "size")
		got, from := Vector{}, Origin{}
		packets := vectorPackets(v.entries(), size)
		for _, p := range packets {
			b := p.encode()
			if len(b) > size {
				t.Fatalf("%d bytes, at most %d", len(b), size)
			}
			read, err := parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if read.from != from {
				t.Fatalf("begins at %v, want %v", read.from, from)
			}
			from = read.to.next()
			for _, e := range read.entries {
				got[e.origin] = e.last
			}
		}
		if last := packets[len(packets)-1].to; last != lastOrigin {
			t.Fatalf("ends at %v", last)
		}
		if len(got) != len(v) || len(v) > 0 && !reflect.DeepEqual(got, v) {
			t.Fatalf("%d lines became %d", len(v), len(got))
		}
	})
}

// Chunks that wait come out in order, once, and take no more room than there is.
func TestHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := held{chunks: map[Origin][]packet{}}
		o := Origin{1, 1}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for range rapid.IntRange(0, 200).Draw(t, "chunks") {
			first := 2 + r.Uint64N(120)
			h.add(packet{origin: o, first: first, last: first + first%5, chunk: make([]byte, 10)})
		}
		if h.bytes != 10*len(h.chunks[o]) || len(h.chunks[o]) > maxHeld {
			t.Fatalf("%d bytes for %d chunks", h.bytes, len(h.chunks[o]))
		}
		have := rapid.Uint64Range(0, 70).Draw(t, "have")
		for {
			p, ok := h.take(o, have)
			if !ok {
				break
			}
			if p.first > have+1 || p.last <= have {
				t.Fatalf("%d to %d came when %d was held", p.first, p.last, have)
			}
			have = p.last
		}
		for _, p := range h.chunks[o] {
			if p.first <= have+1 {
				t.Fatalf("%d still waits when %d is held", p.first, have)
			}
		}
		h.drop(o)
		if h.bytes != 0 {
			t.Fatalf("%d bytes are left of nothing", h.bytes)
		}
	})
}

func TestReplays(t *testing.T) {
	r := replays{seed: maphash.MakeSeed()}
	b := make([]byte, 8)
	for i := range 3 * maxReplays {
		b[0], b[1], b[2] = byte(i), byte(i>>8), byte(i>>16)
		if r.seenBefore(b) {
			t.Fatalf("packet %d is new", i)
		}
		if !r.seenBefore(b) {
			t.Fatalf("packet %d is not", i)
		}
	}
	if len(r.seen) != maxReplays || len(r.ring) != maxReplays {
		t.Fatalf("%d remembered", len(r.seen))
	}
}
