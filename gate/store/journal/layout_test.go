package journal

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate/ledger"
)

// documented returns the bytes of a ```hex block of the protocol's page.
func documented(t testing.TB, name string) []byte {
	t.Helper()
	page, err := os.ReadFile("../../../docs/protocol/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(page), "```hex "+name+"\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatalf("docs/protocol/journal.md has no block %q", name)
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(block), ""))
	if err != nil {
		t.Fatalf("block %q: %v", name, err)
	}
	return b
}

func TestDocumentedFiles(t *testing.T) {
	var rec ledger.Record
	if err := rec.Decode(documented(t, "record")); err != nil {
		t.Fatal(err)
	}
	o := rec.Position.Origin

	b, err := appendFrame(nil, &rec, 2)
	if err != nil {
		t.Fatal(err)
	}
	if want := append(documented(t, "frame header"), documented(t, "record")...); !bytes.Equal(b, want) {
		t.Errorf("frame\n%x, the page has\n%x", b, want)
	}
	f, problem := parseFrame(b, o)
	if problem != "" || f.index != 2 || f.sequence() != 345 || f.written() != 343 {
		t.Errorf("read back: %+v, %s", f, problem)
	}

	header := make([]byte, segmentHeader)
	putSegmentHeader(header, o, 3)
	if want := documented(t, "segment header"); !bytes.Equal(header, want) {
		t.Errorf("segment header\n%x, the page has\n%x", header, want)
	}

	h, ok := parseHead(documented(t, "head"))
	if !ok || h.Position != rec.Position || h.Hash != rec.Hash() {
		t.Errorf("head %+v, %v", h, ok)
	}
	if err := h.Verify(documented(t, "public key")); err != nil {
		t.Error(err)
	}
	copy(h.Signature[:], newSigner().Sign(h.SigningBytes()))
	slot := make([]byte, headSlotUsed)
	if putHead(slot, &h); !bytes.Equal(slot, documented(t, "head")) {
		t.Errorf("head\n%x, the page has\n%x", slot, documented(t, "head"))
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "7", "7-12", "07-000012", "7-000000", "7-0000012", "x-000001", "7-00001x", "7-000001.old", "lost+found", "4294967296-000001"} {
		if o, ok := parseEpochName(name); ok {
			t.Errorf("%q is taken for %v", name, o)
		}
	}
	for _, name := range []string{"7-000012", "0-000001", "4294967295-4294967295"} {
		if o, ok := parseEpochName(name); !ok || epochName(o) != name {
			t.Errorf("%q is read as %v, %v", name, o, ok)
		}
	}
	for _, name := range []string{"", "1.seg", "0000.seg", "0001.seg.tmp", "00001.seg", "-001.seg", "0001"} {
		if n, ok := parseSegmentName(name); ok {
			t.Errorf("%q is taken for segment %d", name, n)
		}
	}
	if n, ok := parseSegmentName("12345.seg"); !ok || n != 12345 {
		t.Errorf("12345.seg is read as %d, %v", n, ok)
	}
}

// FuzzSegment reads a segment of anything: no panic, frames in order of their
// places, and every one as good as its checksum.
func FuzzSegment(f *testing.F) {
	o := ledger.Origin{Gate: testGate, Epoch: 12}
	example := append(documented(f, "frame header"), documented(f, "record")...)
	header := documented(f, "segment header")
	f.Add(append(bytes.Clone(header), example...))
	f.Add(append(append(bytes.Clone(header), example...), make([]byte, 300)...))
	f.Add(append(append(bytes.Clone(header), 0, 144, 1), example...))
	f.Add(header[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		parseSegmentHeader(data)
		parseHead(data)
		next, marked := 0, -1
		scanSegment(data, o, func(off int, f frame) {
			if off < next || off < segmentHeader || off+frameSize > len(data) {
				t.Fatalf("frame at %d, after %d, of %d", off, next, len(data))
			}
			if got := data[off : off+frameSize]; frameSum(got) != uint32(got[4])<<24|uint32(got[5])<<16|uint32(got[6])<<8|uint32(got[7]) {
				t.Fatalf("the frame at %d is bad", off)
			}
			if f.sequence() == 0 || f.written() == 0 {
				t.Fatalf("the frame at %d has sequence %d, index %d", off, f.sequence(), f.index)
			}
			next = off + frameSize
		}, func(off int, problem string) {
			if off <= marked || off < next || off >= len(data) || problem == "" {
				t.Fatalf("damage %q at %d, after %d", problem, off, marked)
			}
			marked = off
		})
	})
}
