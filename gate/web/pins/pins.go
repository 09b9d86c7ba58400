// Package pins keeps the PINs by which a venue's staff sign in at one gate.
//
// A PIN is this gate's own: it is set on the gate, is kept in the gate's data
// directory as a hash (Argon2id, RFC 9106, with a salt of its own), and is in no
// pack, so that no pack holds anything worth guessing. Who the staff are and what
// they may do is the pack's word; a PIN of somebody whom the pack does not name
// opens nothing.
//
// A hash slows guessing down and does not stop it: whoever can read the file can
// try the million PINs of six digits in hours. The file is for the gate's own
// user, and the page limits how often anybody may try.
//
// gate/appliance checks PINs with it, `venuegate staff pin` and the demo set them.
package pins

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/venuegate/venuegate/gate"
)

// ErrWrong is all that is said of a PIN that does not fit, and of somebody who
// has none.
var ErrWrong = errors.New("pins: wrong number or PIN")

// What a hash costs: 19 MiB and two passes, some 30 ms on a gate's processor.
const (
	memoryKiB = 19 << 10
	passes    = 2
	saltSize  = 16
	hashSize  = 32
)

// File is where a gate's PINs lie.
func File(dataDir string) string { return filepath.Join(dataDir, "staff.json") }

// Book is the PINs of one gate. It sees by itself when the file was changed.
type Book struct {
	path string

	mu      sync.Mutex
	seen    stamp
	entries []entry
}

// stamp tells whether a file is another one.
type stamp struct {
	at   time.Time
	size int64
}

// Open returns the PINs of a data directory; nobody has any where there is no
// file yet.
func Open(dataDir string) (*Book, error) {
	b := &Book{path: File(dataDir)}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b, b.refresh()
}

// Any reports whether anybody has a PIN. A file that cannot be read holds none.
func (b *Book) Any() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refresh() == nil && len(b.entries) > 0
}

// Has reports whether one of the staff has a PIN.
func (b *Book) Has(staff uint32) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refresh() == nil && slices.ContainsFunc(b.entries, func(e entry) bool { return e.ID == staff })
}

// Check returns nil for the right PIN, ErrWrong for a wrong one, and takes as long
// for somebody who has none.
func (b *Book) Check(staff uint32, pin gate.Private) error {
	b.mu.Lock()
	err := b.refresh()
	one := entry{Salt: make([]byte, saltSize), MemoryKiB: memoryKiB, Passes: passes}
	for i := range b.entries {
		if b.entries[i].ID == staff {
			one = b.entries[i]
		}
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	if len(pin.Reveal()) > maxPIN {
		return ErrWrong
	}
	got := argon2.IDKey([]byte(pin.Reveal()), one.Salt, one.Passes, one.MemoryKiB, 1, hashSize)
	if len(one.Hash) == 0 || subtle.ConstantTimeCompare(got, one.Hash) != 1 {
		return ErrWrong
	}
	return nil
}

// Set gives one of the staff a PIN, in place of an earlier one.
func (b *Book) Set(staff uint32, pin gate.Private) error {
	if err := Good(pin); err != nil {
		return err
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // it never fails
	one := entry{
		ID: staff, Salt: salt, MemoryKiB: memoryKiB, Passes: passes,
		Hash: argon2.IDKey([]byte(pin.Reveal()), salt, passes, memoryKiB, 1, hashSize),
	}
	return b.change(staff, &one)
}

// Remove takes a PIN away. It reports whether there was one.
func (b *Book) Remove(staff uint32) (bool, error) {
	had := b.Has(staff)
	return had, b.change(staff, nil)
}

// What a PIN is made of: so many characters, of at least three kinds.
const (
	minPIN   = 6
	maxPIN   = 64
	minKinds = 3
)

// ErrWeak is why a PIN is not taken.
var ErrWeak = fmt.Errorf("a PIN has %d to %d characters, of at least %d kinds, and does not count up or down", minPIN, maxPIN, minKinds)

// Good returns nil for what can be a PIN, and ErrWeak.
func Good(private gate.Private) error {
	pin := private.Reveal()
	kinds := map[rune]bool{}
	up, down := true, true
	var last rune
	for i, r := range pin {
		if i > 0 {
			up, down = up && r == last+1, down && r == last-1
		}
		kinds[r], last = true, r
	}
	n := utf8.RuneCountInString(pin)
	if n < minPIN || len(pin) > maxPIN || len(kinds) < minKinds || up || down || !utf8.ValidString(pin) {
		return ErrWeak
	}
	return nil
}

// refresh reads the file where it is another one than was read last.
func (b *Book) refresh() error {
	info, err := os.Stat(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		b.seen, b.entries = stamp{}, nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	now := stamp{info.ModTime(), info.Size()}
	if now == b.seen {
		return nil
	}
	raw, err := readFile(b.path)
	if err != nil {
		return err
	}
	entries, err := decode(raw)
	if err != nil {
		return fmt.Errorf("pins: %s: %w", b.path, err)
	}
	b.seen, b.entries = now, entries
	return nil
}

// change writes the file anew, whole or not at all.
func (b *Book) change(staff uint32, with *entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = stamp{}
	if err := b.refresh(); err != nil {
		return err
	}
	next := slices.DeleteFunc(slices.Clone(b.entries), func(e entry) bool { return e.ID == staff })
	if with != nil {
		next = append(next, *with)
	}
	if len(next) > maxStaff {
		return fmt.Errorf("pins: %d people have one already", maxStaff)
	}
	slices.SortFunc(next, func(a, b entry) int { return int(int64(a.ID) - int64(b.ID)) })
	if err := replaceFile(b.path, encode(next)); err != nil {
		return err
	}
	b.seen, b.entries = stamp{}, nil
	return b.refresh()
}
