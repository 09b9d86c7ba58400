package logs_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// loaded returns a gate with logs of its own and of two others, one of them
// longer than a chunk.
func loaded(t testing.TB) (venue, *logs.Logs) {
	t.Helper()
	v := newVenue(3)
	v[1].write(v[1].start(1), 4000)
	v[1].write(v[1].start(2), 3)
	v[2].write(v[2].start(1), 2999)
	v[3].write(v[3].start(7), 9)
	l, _ := open(t, v.options(t.TempDir()))
	l.Attach(v[1])
	give(t, l, v[2], v[2].last, 1, 1500)
	give(t, l, v[2], v[2].last, 1501, 3000)
	give(t, l, v[3], v[3].last, 1, 10)
	return v, l
}

func export(t testing.TB, dir string, from *logs.Logs) (all []logs.Transfer) {
	t.Helper()
	if err := from.Export(t.Context(), dir, func(tr logs.Transfer) { all = append(all, tr) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func load(t testing.TB, dir string, into *logs.Logs) (all []logs.Transfer) {
	t.Helper()
	if err := into.Import(t.Context(), dir, func(tr logs.Transfer) { all = append(all, tr) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// A stick brings all logs from one gate to another, once, and the second time
// nothing is copied.
func TestStick(t *testing.T) {
	v, l := loaded(t)
	stick := t.TempDir()
	want := []logs.Transfer{
		{Name: "1-000001.vglog", Origin: ledger.Origin{Gate: 1, Epoch: 1}, Last: 4001, New: 4001},
		{Name: "1-000002.vglog", Origin: ledger.Origin{Gate: 1, Epoch: 2}, Last: 4, New: 4},
		{Name: "2-000001.vglog", Origin: ledger.Origin{Gate: 2, Epoch: 1}, Last: 3000, New: 3000},
		{Name: "3-000007.vglog", Origin: ledger.Origin{Gate: 3, Epoch: 7}, Last: 10, New: 10},
	}
	if got := export(t, stick, l); !equalTransfers(got, want) {
		t.Errorf("exported %+v", got)
	}
	opt := v.options(t.TempDir())
	opt.Gate = 4
	other, _ := open(t, opt)
	if got := load(t, stick, other); !equalTransfers(got, want) {
		t.Errorf("imported %+v", got)
	}
	if got, want := other.Vector(), l.Vector(); !maps.Equal(got, want) {
		t.Errorf("vector %v, want %v", got, want)
	}
	if got := opt.Ledger.Total(1).Admitted; got != 4000+3+2999+9 {
		t.Errorf("%d were admitted", got)
	}
	for i := range want {
		want[i].New = 0
	}
	if got := load(t, stick, other); !equalTransfers(got, want) {
		t.Errorf("imported again %+v", got)
	}
	if got := export(t, stick, l); !equalTransfers(got, want) {
		t.Errorf("exported again %+v", got)
	}
	v[1].write(v[1].last, 5)
	want[1].Last, want[1].New = 9, 9
	if got := export(t, stick, l); !equalTransfers(got, want) {
		t.Errorf("exported with more %+v", got)
	}
	if names, err := filepath.Glob(stick + "/*"); err != nil || len(names) != len(want) {
		t.Errorf("on the stick: %v, %v", names, err)
	}
}

func equalTransfers(a, b []logs.Transfer) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Whatever is wrong with one file is named, what comes before it in the file is
// taken, and the other files too.
func TestBadStick(t *testing.T) {
	v, l := loaded(t)
	stick := t.TempDir()
	export(t, stick, l)
	name := filepath.Join(stick, "2-000001.vglog")
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	second := 16 + 4 + 1500*ledger.Size + ledger.HeadSize // where the second chunk begins
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		last   uint64
		want   string
	}{
		{"empty", func([]byte) []byte { return nil }, 0, "byte 0: the file is cut short"},
		{"a header alone", func(b []byte) []byte { return b[:16] }, 0, ""},
		{"cut short in a chunk", func(b []byte) []byte { return b[:len(b)-1] }, 1500, "the file is cut short"},
		{"cut short in a length", func(b []byte) []byte { return b[:second+2] }, 1500, "the file is cut short"},
		{"cut short between chunks", func(b []byte) []byte { return b[:second] }, 1500, ""},
		{"of another kind", func(b []byte) []byte { b[0] = 'X'; return b }, 0, "no file of a log"},
		{"another version", func(b []byte) []byte { b[3] = '2'; return b }, 0, "no file of a log"},
		{"a bit of the header", func(b []byte) []byte { b[7] ^= 1; return b }, 0, "does not match its checksum"},
		{"an impossible length", func(b []byte) []byte { b[second] = 0x7f; return b }, 1500, "no chunk is"},
		{"a bit of a record", func(b []byte) []byte { b[second+1000] ^= 1; return b }, 1500, "refused"},
		{"a bit of a head", func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, 1500, "signature"},
		{"a chunk left out", func(b []byte) []byte { return append(b[:16], b[second:]...) }, 0, "record 1501 stands where 1 belongs"},
		{"a chunk twice", func(b []byte) []byte { return append(b[:second], b[16:]...) }, 1500, "record 1 stands where 1501 belongs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(name, c.change(bytes.Clone(good)), 0o600); err != nil {
				t.Fatal(err)
			}
			opt := v.options(t.TempDir())
			opt.Gate = 4
			other, _ := open(t, opt)
			for _, tr := range load(t, stick, other) {
				switch {
				case tr.Origin.Gate != 2:
					if tr.Err != nil || tr.New == 0 {
						t.Errorf("%+v", tr)
					}
				case tr.Last != c.last || tr.New != c.last || (tr.Err != nil) != (c.want != "") || tr.Err != nil && !strings.Contains(tr.Err.Error(), c.want):
					t.Errorf("%+v", tr)
				}
			}
			if got := other.Vector()[v[2].last.origin]; got != c.last {
				t.Errorf("held up to %d, want %d", got, c.last)
			}
			for _, tr := range export(t, stick, l) { // whatever it was, it is mended
				if tr.Err != nil || tr.Origin.Gate == 2 && tr.New != 3000 {
					t.Errorf("%+v", tr)
				}
			}
			if mended, err := os.ReadFile(name); err != nil || !bytes.Equal(mended, good) {
				t.Errorf("the file is not as it was: %v", err)
			}
		})
	}
	t.Run("another log's name", func(t *testing.T) {
		if err := os.Rename(name, filepath.Join(stick, "2-000005.vglog")); err != nil {
			t.Fatal(err)
		}
		opt := v.options(t.TempDir())
		opt.Gate = 4
		other, _ := open(t, opt)
		for _, tr := range load(t, stick, other) {
			if tr.Origin.Gate == 2 && (tr.Err == nil || !strings.Contains(tr.Err.Error(), "the file is of gate 2, epoch 1")) {
				t.Errorf("%+v", tr)
			}
		}
	})
	t.Run("gone", func(t *testing.T) {
		none := filepath.Join(stick, "none")
		if err := l.Import(t.Context(), none, nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("import: %v", err)
		}
		if err := l.Export(t.Context(), none, nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("export: %v", err)
		}
	})
	t.Run("broken off", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		dir := t.TempDir()
		if err := l.Export(ctx, dir, func(logs.Transfer) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("export: %v", err)
		}
		if names, _ := filepath.Glob(dir + "/*"); len(names) != 0 {
			t.Errorf("left behind: %v", names)
		}
	})
}

// A gate that is running is copied from: what it has written is all there.
func TestOpenCopy(t *testing.T) {
	v, opt := filled(t)
	l, _ := open(t, opt)
	copyOf := opt
	dir := t.TempDir()
	c, recovery, err := logs.OpenCopy(t.Context(), dir, copyOf, ledger.New)
	if err != nil || recovery.Err != nil {
		t.Fatal(err, recovery.Err)
	}
	if got, want := c.Vector(), l.Vector(); !maps.Equal(got, want) {
		t.Errorf("vector %v, want %v", got, want)
	}
	v[2].write(v[2].last, 10)
	give(t, l, v[2], v[2].last, 301, 310) // it goes on
	shut(t, c)
	if names, _ := filepath.Glob(dir + "/*"); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	copyOf.Path = filepath.Join(dir, "none.db")
	c, recovery, err = logs.OpenCopy(t.Context(), dir, copyOf, ledger.New)
	if err != nil || recovery.Err != nil || len(c.Vector()) != 0 {
		t.Fatalf("of nothing: %v, %+v", err, recovery)
	}
	shut(t, c)
	if names, _ := filepath.Glob(dir + "/*"); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	if _, _, err := logs.OpenCopy(t.Context(), filepath.Join(dir, "none"), opt, ledger.New); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("to nowhere: %v", err)
	}
}

// The page's example is what is written.
func TestStickAsSpecified(t *testing.T) {
	page, err := os.ReadFile("../../../docs/protocol/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```hex stick header\n(.*?)```").FindSubmatch(page)
	if m == nil {
		t.Fatal("there is no example")
	}
	want, err := hex.DecodeString(string(regexp.MustCompile(`\s`).ReplaceAll(m[1], nil)))
	if err != nil {
		t.Fatal(err)
	}
	v := newVenue(0)
	v[7] = newBox(7)
	v[7].start(12)
	opt := v.options(t.TempDir())
	opt.Gate = 7
	l, _ := open(t, opt)
	l.Attach(v[7])
	stick := t.TempDir()
	export(t, stick, l)
	got, err := os.ReadFile(filepath.Join(stick, "7-000012.vglog"))
	if err != nil || !bytes.HasPrefix(got, want) {
		t.Errorf("%x, %v, want %x", got[:20], err, want)
	}
}
