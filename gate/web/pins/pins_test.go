package pins

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate"
)

func TestPINs(t *testing.T) {
	dir := t.TempDir()
	book, err := Open(dir)
	if err != nil || book.Any() {
		t.Fatalf("an empty directory: %v, somebody has a PIN: %v", err, book.Any())
	}
	if err := book.Check(1, "271828"); !errors.Is(err, ErrWrong) {
		t.Errorf("nobody has a PIN: %v", err)
	}
	other, err := Open(dir) // another process
	if err != nil {
		t.Fatal(err)
	}
	for staff, pin := range map[uint32]gate.Private{1: "271828", 7: "夜班长号码六"} {
		if err := other.Set(staff, pin); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		staff uint32
		pin   gate.Private
		want  error
	}{
		{1, "271828", nil},
		{1, "271829", ErrWrong},
		{1, "", ErrWrong},
		{7, "夜班长号码六", nil},
		{7, "271828", ErrWrong},
		{2, "271828", ErrWrong},
		{1, gate.Private(strings.Repeat("9", 1<<20)), ErrWrong},
	} {
		if err := book.Check(test.staff, test.pin); !errors.Is(err, test.want) {
			t.Errorf("staff %d: %v, want %v", test.staff, err, test.want)
		}
	}
	raw, err := os.ReadFile(File(dir))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("271828")) {
		t.Error("the PIN is in the file")
	}
	if info, err := os.Stat(File(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	if had, err := other.Remove(1); err != nil || !had {
		t.Errorf("removed: %v, %v", had, err)
	}
	if err := book.Check(1, "271828"); !errors.Is(err, ErrWrong) {
		t.Errorf("once removed: %v", err)
	}
	if !book.Has(7) || book.Has(1) {
		t.Error("7 has a PIN, 1 has none any more")
	}
	if had, err := other.Remove(1); err != nil || had {
		t.Errorf("removed twice: %v, %v", had, err)
	}
}

func TestWeakPINs(t *testing.T) {
	book, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, pin := range []gate.Private{"", "12345", "123456", "987654", "111111", "121212", "abcdef", "\xff\xfe271828", gate.Private(strings.Repeat("1a2", 30))} {
		if err := book.Set(1, pin); !errors.Is(err, ErrWeak) {
			t.Errorf("a PIN of %d bytes was taken: %v", len(pin.Reveal()), err)
		}
	}
	if book.Any() {
		t.Error("a PIN was set all the same")
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	book, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	salt, hash := strings.Repeat("00", saltSize), strings.Repeat("00", hashSize)
	for content, want := range map[string]string{
		``:                                "JSON",
		`{"format":2}`:                    "format",
		`{"format":1,"staff":[{"id":0}]}`: "staff[0].id",
		`{"format":1,"staff":[{"id":1,"salt":"zz"}]}`:                                                                     "staff[0].salt",
		`{"format":1,"staff":[{"id":1,"salt":"` + salt + `"}]}`:                                                           "staff[0].argon2id",
		`{"format":1,"staff":[{"id":1,"salt":"` + salt + `","argon2id":"` + hash + `","memory_kib":4000000,"passes":1}]}`: "memory_kib",
		`{"format":1,"staff":[{"id":1,"salt":"` + salt + `","argon2id":"` + hash + `","memory_kib":64,"passes":4000}]}`:   "passes",
	} {
		if err := os.WriteFile(File(dir), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := book.Check(1, "271828"); err == nil || errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %s", content, err, want)
		}
		if book.Any() {
			t.Errorf("%s: somebody has a PIN", content)
		}
		if err := book.Set(1, "271828"); err == nil {
			t.Errorf("%s: a file that cannot be read was overwritten", content)
		}
	}
}

func FuzzDecode(f *testing.F) {
	book := []entry{{ID: 7, Salt: make([]byte, saltSize), Hash: make([]byte, hashSize), MemoryKiB: memoryKiB, Passes: passes}}
	f.Add(encode(book))
	f.Add([]byte(`{"format":1,"staff":[]}`))
	f.Add([]byte(`{"format":1,"staff":[{"id":1,"salt":"00"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := decode(raw)
		if err != nil {
			return
		}
		again, err := decode(encode(entries))
		if err != nil || len(again) != len(entries) {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		for _, e := range entries {
			if e.MemoryKiB > maxMemoryKiB || e.Passes > maxPasses || len(e.Salt) != saltSize || len(e.Hash) != hashSize {
				t.Fatalf("an entry out of bounds was taken: memory %d, passes %d", e.MemoryKiB, e.Passes)
			}
		}
	})
}
