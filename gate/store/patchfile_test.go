package store

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/venuegate/venuegate/gate/store/storetest"
)

// somePatch is a patch file of n tickets.
func somePatch(t testing.TB, n int) []byte {
	t.Helper()
	p := &patch{}
	for x, err := range storetest.Tickets(n, storetest.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		value, err := appendTicket(nil, &x)
		if err != nil {
			t.Fatal(err)
		}
		p.take(&x, value)
	}
	p.sort()
	info := Info{Event: storetest.Event, Version: 8, Changes: n, Content: p.content("under")}
	data, err := encodePatch(p, "under", info)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What decodes encodes to a file that decodes to the same; nothing panics.
func FuzzDecodePatch(f *testing.F) {
	for _, n := range []int{0, 1, 2, 40} {
		data := somePatch(f, n)
		f.Add(data)
		f.Add(data[:len(data)-1])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, h, err := decodePatch(data)
		if err != nil {
			return
		}
		again, err := encodePatch(p, h.Over, h.Info)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := bytes.Cut(data, []byte{'\n'})
		if _, same, _ := bytes.Cut(again, []byte{'\n'}); !bytes.Equal(rest, same) {
			t.Fatalf("\n got %x\nwant %x", same, rest)
		}
		if _, g, err := decodePatch(again); err != nil || g != h {
			t.Fatalf("header %+v, want %+v, %v", g, h, err)
		}
	})
}

// A file is refused for each thing in it that encodePatch does not write, even
// where the sum is right.
func TestDecodePatchRefuses(t *testing.T) {
	whole := somePatch(t, 3)
	head, rest, _ := bytes.Cut(whole, []byte{'\n'})
	file := func(head, rest []byte) []byte { return bytes.Join([][]byte{head, rest}, []byte{'\n'}) }
	flip := func(b []byte, at int) []byte { b = bytes.Clone(b); b[at] ^= 1; return b }
	length, n := binary.Uvarint(rest[idSize:])
	first := rest[:idSize+n+int(length)]
	for name, data := range map[string][]byte{
		"empty":            nil,
		"no line":          head,
		"no header":        file([]byte("{"), rest),
		"another format":   file(bytes.Replace(head, []byte(`"format":1`), []byte(`"format":9`), 1), rest),
		"another number":   file(bytes.Replace(head, []byte(`"changes":3`), []byte(`"changes":2`), 1), rest),
		"over another":     file(bytes.Replace(head, []byte(`"over":"under"`), []byte(`"over":"other"`), 1), rest),
		"a ticket's id":    file(head, flip(rest, 7)),
		"a ticket's value": file(head, flip(rest, len(rest)-1)),
		"cut":              file(head, rest[:len(rest)-1]),
		"longer":           file(head, append(bytes.Clone(rest), 0)),
		"a ticket twice":   file(head, slices.Concat(first, rest)),
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := decodePatch(data); err == nil {
				t.Fatal("accepted")
			}
		})
	}
	if p, h, err := decodePatch(whole); err != nil || len(p.ids) != 3 || h.Info.Version != 8 || p.ids[0] != storetest.FirstID {
		t.Fatalf("%+v, %+v, %v", p, h, err)
	}
}
