package central_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// box is a gate's box, and what was sealed to it last.
type box struct {
	key    *keyring.Gate
	public []byte
}

func newBox(t *testing.T) box {
	t.Helper()
	key, err := keyring.NewGate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := seal.Public(key)
	if err != nil {
		t.Fatal(err)
	}
	return box{key, public}
}

// network returns the network's keys in what is sealed to the box: the one to
// use, and how many there are.
func (b box) network(t *testing.T, sealed []byte) (use string, all int) {
	t.Helper()
	plain, err := seal.Open(b.key, central.PurposeKeys, sealed)
	if err != nil {
		t.Fatal(err)
	}
	var keys struct {
		Network []struct {
			Key string
			Use bool
		}
	}
	if err := json.Unmarshal(plain, &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys.Network {
		if k.Use {
			use = k.Key
		}
	}
	return use, len(keys.Network)
}

// failing is a book of which an entry cannot be changed, as on a full disk.
type failing struct {
	central.Book
	at int // the change that fails, from 1; 0: none
	n  int
}

var errDisk = errors.New("no space left on device")

func (f *failing) ChangeEntry(name string, into any, change func() error) error {
	if f.n++; f.n == f.at {
		return errDisk
	}
	return f.Book.ChangeEntry(name, into, change)
}

func newOffice(t *testing.T) (*central.Office, *central.Bolt) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "venue")
	venue, event, err := central.Demo(noon, newBox(t).key.Public())
	if err != nil {
		t.Fatal(err)
	}
	made, err := central.Create(dir, venue, []*pack.Event{event}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Publish(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	o, book, err := central.Serve(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := book.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(o.NoteGates(book, noon), central.EnsureNetwork(book, noon, rand.Reader)); err != nil {
		t.Fatal(err)
	}
	return o, book
}

func enrolBox(t *testing.T, o *central.Office, book central.Book, id uint32, b box) (central.Enrolled, error) {
	t.Helper()
	code, err := o.Invite(book, central.Invitation{Gate: id, Name: "East", Made: noon, Expires: noon.Add(time.Hour)}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return o.Enrol(book, code, b.key.Public(), b.public, noon)
}

// A box that was replaced may be anywhere: the network gets another key, and the
// one before opens for an hour and no longer.
func TestReplacedBoxLosesTheNetwork(t *testing.T) {
	o, book := newOffice(t)
	first, second := newBox(t), newBox(t)
	e, err := enrolBox(t, o, book, 7, first)
	if err != nil {
		t.Fatal(err)
	}
	old, _ := first.network(t, e.Sealed)
	if e, err = enrolBox(t, o, book, 7, second); err != nil {
		t.Fatal(err)
	}
	use, all := second.network(t, e.Sealed)
	if use == old || all != 2 {
		t.Errorf("%d keys, the one in use is new: %v", all, use != old)
	}
	if e.Gate.Incarnation != 2 || len(e.Gate.Former) != 1 || !first.key.Public().Equal(ed25519.PublicKey(e.Gate.Former[0])) {
		t.Errorf("%+v", e.Gate)
	}
	if _, err := o.PublishDocuments(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		due   bool
	}{{59 * time.Minute, false}, {61 * time.Minute, true}} {
		if due, err := o.KeysDue(book, noon.Add(c.after)); err != nil || due != c.due {
			t.Errorf("after %v: due %v, %v", c.after, due, err)
		}
	}
}

// What a full disk interrupts can be done again, wherever it stopped.
func TestGatesOnFullDisk(t *testing.T) {
	for at := 1; at <= 4; at++ {
		o, book := newOffice(t)
		first, second := newBox(t), newBox(t)
		if _, err := enrolBox(t, o, book, 7, first); err != nil {
			t.Fatal(err)
		}
		code, err := o.Invite(book, central.Invitation{Gate: 7, Made: noon, Expires: noon.Add(time.Hour)}, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		full := &failing{Book: book, at: at}
		_, err = o.Enrol(full, code, second.key.Public(), second.public, noon)
		if full.n >= at && !errors.Is(err, errDisk) {
			t.Errorf("change %d: %v", at, err)
		}
		e, err := o.Enrol(book, code, second.key.Public(), second.public, noon)
		if err != nil || e.Gate.Incarnation < 2 || len(e.Gate.Former) != 1 {
			t.Errorf("again after change %d: %+v, %v", at, e.Gate, err)
		}
		full = &failing{Book: book, at: at}
		err = o.StrikeOff(full, 7, noon, rand.Reader)
		if full.n < at {
			continue // it took fewer changes
		}
		if !errors.Is(err, errDisk) {
			t.Errorf("strike off, change %d: %v", at, err)
		}
		if err := o.StrikeOff(book, 7, noon, rand.Reader); err != nil {
			t.Errorf("strike off again after change %d: %v", at, err)
		}
	}
}
