package central_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

// GB 11643's example, and an invented name: whatever looks for personal data in
// a venue's files looks for these.
const (
	number  = "11010519491231002X"
	name    = "张无忌"
	latin   = "Eriksson Anna Maria"
	foreign = "SHOP-2026-0042-XQ"
)

var evening = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC) // 19:30 in Shanghai

func demo(t testing.TB) *central.Office {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	venue, event, err := central.Demo(evening, public)
	if err != nil {
		t.Fatal(err)
	}
	o, err := central.Create(filepath.Join(t.TempDir(), "venue"), venue, []*pack.Event{event}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func issue(t testing.TB, o *central.Office, order central.Order) central.Issued {
	t.Helper()
	issued, err := o.Issue(evening, order)
	if err != nil {
		t.Fatal(err)
	}
	return issued[0]
}

func chain() central.Order { return central.Order{Proof: ticket.ProofChain} }

// What the office shows, a gate with the published pack takes.
func TestShownCodesVerify(t *testing.T) {
	o := demo(t)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		order central.Order
		long  bool
		form  ticket.Form
	}{
		{"short", chain(), false, ticket.FormShort},
		{"long", chain(), true, ticket.FormLong},
		{"holder", central.Order{Proof: ticket.ProofHolder, HolderKey: [32]byte(public)}, false, ticket.FormLong},
		{"static", central.Order{Proof: ticket.ProofStatic}, false, ticket.FormStatic},
		{"real name", central.Order{Proof: ticket.ProofChain, Party: 2, Holder: central.Holder{
			Documents: []central.Document{{Type: identity.Resident, Country: "CHN", Number: number}}, Name: name,
		}}, true, ticket.FormLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := issue(t, o, c.order)
			shown, err := o.Show(i.Ticket.ID, evening, c.long, private)
			if err != nil {
				t.Fatal(err)
			}
			code, err := ticket.Parse(shown.Text)
			if err != nil {
				t.Fatal(err)
			}
			v := ticket.Verifier{Keys: o.Events()[0].Issuers}
			r := v.Verify(&code, &ticket.Held{Body: i.Signed.Body}, evening, ticket.DefaultMargins())
			if !r.OK || r.Form != c.form || shown.Form != c.form || r.SkewSeconds != 0 {
				t.Errorf("%s, form %s, skew %d; want a good %s", r.Reason, r.Form, r.SkewSeconds, c.form)
			}
			if again, err := o.Signed(i.Ticket.ID); err != nil || again != i.Signed {
				t.Errorf("the signed body is another the second time: %v", err)
			}
		})
	}
}

// A lease shows what the office shows, up to its end.
func TestLease(t *testing.T) {
	o := demo(t)
	tomorrow := chain()
	tomorrow.Sessions = []gate.SessionID{2}
	for _, c := range []struct {
		name  string
		order central.Order
		at    time.Time
		until time.Time // of the last step; zero: no lease yet
	}{
		{"doors are open: to the end", chain(), evening, time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)},
		{"before doors: six hours", tomorrow, time.Date(2026, 11, 22, 14, 59, 50, 0, time.UTC), time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)},
		{"long before: nothing yet", tomorrow, evening.Add(-10 * time.Hour), time.Time{}},
		{"codes have begun, doors have not", tomorrow, time.Date(2026, 11, 22, 15, 30, 0, 0, time.UTC), time.Date(2026, 11, 22, 21, 30, 10, 0, time.UTC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := issue(t, o, c.order)
			l, err := o.Lease(i.Ticket.ID, c.at)
			var window *central.WindowError
			if c.until.IsZero() {
				if !errors.As(err, &window) {
					t.Errorf("%v, want a WindowError", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			b := i.Signed.Body
			end := time.Unix(int64(b.T0)+int64(l.Last+1)*int64(b.Period), 0)
			if !end.Equal(c.until) {
				t.Errorf("reaches to %s, want %s", end.UTC(), c.until)
			}
			value, err := l.At(l.Last)
			if err != nil {
				t.Fatal(err)
			}
			text, err := ticket.ShortText(b.Ticket, b.Generation, l.Last, value)
			if err != nil {
				t.Fatal(err)
			}
			if shown, err := o.Show(i.Ticket.ID, end.Add(-time.Second), false, nil); err != nil || shown.Text != text {
				t.Errorf("the phone shows another code than the office: %v", err)
			}
		})
	}
}

// A refunded ticket gets no lease, and the office knows when its phone goes
// dark by itself.
func TestRefundGoesDark(t *testing.T) {
	o := demo(t)
	i := issue(t, o, chain())
	changed, err := o.Refund(i.Ticket.ID)
	if err != nil {
		t.Fatal(err)
	}
	b := i.Signed.Body
	want := b.DarkAt(i.Lease.Last, ticket.DefaultMargins()).UTC()
	if i.Lease.Last == 0 || !changed.DarkAt.Equal(want) || changed.Ticket.Status != gate.StatusRefunded {
		t.Errorf("dark at %s, want %s; status %d", changed.DarkAt, want, changed.Ticket.Status)
	}
	var status *central.StatusError
	if _, err := o.Lease(i.Ticket.ID, evening); !errors.As(err, &status) || status.Status != gate.StatusRefunded {
		t.Errorf("a lease of a refunded ticket: %v", err)
	}
	if _, err := o.Void(i.Ticket.ID); !errors.As(err, &status) {
		t.Errorf("void after refund: %v", err)
	}
	paper := issue(t, o, central.Order{})
	if changed, err := o.Void(paper.Ticket.ID); err != nil || !changed.DarkAt.IsZero() {
		t.Errorf("paper goes dark at %s by itself: %v", changed.DarkAt, err)
	}
}

func TestTransfer(t *testing.T) {
	o := demo(t)
	order := chain()
	order.Holder = central.Holder{Documents: []central.Document{{Type: identity.Resident, Number: number}}, Name: name}
	order.Foreign = []gate.Private{foreign}
	old := issue(t, o, order)
	oldCode, err := o.Show(old.Ticket.ID, evening, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	issued, changed, err := o.Transfer(old.Ticket.ID, central.Holder{Name: latin}, [32]byte{}, evening)
	if err != nil {
		t.Fatal(err)
	}
	got := issued.Ticket
	if got.Generation != 2 || got.ID != old.Ticket.ID || len(got.Documents) != 0 || got.RealName || len(got.Foreign) != 0 || got.Masked != "E* A* M*" {
		t.Errorf("after the transfer: generation %d, %d documents, %q", got.Generation, len(got.Documents), got.Masked)
	}
	if issued.Signed.Body.Anchor == old.Signed.Body.Anchor || issued.Lease.Generation != 2 {
		t.Error("the new phone has the old chain")
	}
	if changed.DarkAt.IsZero() {
		t.Error("nobody knows when the old phone goes dark")
	}
	code, err := ticket.Parse(oldCode.Text)
	if err != nil {
		t.Fatal(err)
	}
	v := ticket.Verifier{Keys: o.Events()[0].Issuers}
	if r := v.Verify(&code, &ticket.Held{Body: issued.Signed.Body}, evening, ticket.DefaultMargins()); r.Reason != ticket.ReasonSuperseded {
		t.Errorf("the old code: %s", r.Reason)
	}
	err = central.NewFiles(o.Dir()).Change(central.DemoEvent, got.ID, func(t *gate.Ticket) error {
		t.Generation = 255
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Transfer(got.ID, central.Holder{}, [32]byte{}, evening); !errors.Is(err, central.ErrLastGeneration) {
		t.Errorf("past generation 255: %v", err)
	}
}

func TestOrdersThatCannotBeFilled(t *testing.T) {
	o := demo(t)
	document := func(typ identity.Type, number gate.Private) central.Order {
		return central.Order{Holder: central.Holder{Documents: []central.Document{{Type: typ, Country: "CHN", Number: number}}}}
	}
	for _, c := range []struct {
		name  string
		order central.Order
		at    time.Time
		want  string
	}{
		{"event", central.Order{Event: 9}, evening, "event 9: no such event; there are 1"},
		{"class", central.Order{Class: 9}, evening, "no class 9"},
		{"zone group", central.Order{ZoneGroup: 9}, evening, "no zone group 9"},
		{"session", central.Order{Sessions: []gate.SessionID{9}}, evening, "no session 9"},
		{"some and any", central.Order{Sessions: []gate.SessionID{1}, AnySession: true}, evening, "some, and any"},
		{"channel", central.Order{Channel: 9}, evening, "no channel 9"},
		{"proof", central.Order{Proof: 3}, evening, "proof: unknown"},
		{"no holder key", central.Order{Proof: ticket.ProofHolder}, evening, "holder key: missing"},
		{"weak holder key", central.Order{Proof: ticket.ProofHolder, HolderKey: [32]byte{1}}, evening, "small order"},
		{"all over", chain(), evening.AddDate(0, 0, 8), "all of the event's are over"},
		{"mistyped number", document(identity.Resident, "110105194912310021"), evening, "wrong check character"},
		{"no number", document(identity.Passport, "护照"), evening, "a character that cannot be in it"},
		{"long seat", central.Order{Seat: gate.Seat{Area: strings.Repeat("A", 65)}}, evening, "too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := o.Issue(c.at, chain(), c.order)
			if c.order.Event != 0 || c.at != evening {
				_, err = o.Issue(c.at, c.order)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "1949") {
				t.Errorf("the error quotes the number: %v", err)
			}
		})
	}
	// All or none: nothing of the above is on the list.
	if i := issue(t, o, chain()); i.Ticket.ID != 1_000_000_001 {
		t.Errorf("the first ticket is %s", i.Ticket.ID)
	}
}

// A week is the most that a code of ten-second steps can last.
func TestAnySession(t *testing.T) {
	o := demo(t)
	order := chain()
	order.AnySession = true
	i := issue(t, o, order)
	b := i.Signed.Body
	if len(i.Ticket.Sessions) != 0 || b.Steps != (7*24+2)*360 {
		t.Errorf("%d sessions, %d steps", len(i.Ticket.Sessions), b.Steps)
	}
}

// Nothing on the disk says who holds a ticket, and nothing that a gate or the
// public gets could make one.
func TestFilesHoldNoPersonAndNoKey(t *testing.T) {
	o := demo(t)
	order := central.Order{
		Proof: ticket.ProofStatic, Foreign: []gate.Private{foreign},
		Holder: central.Holder{Documents: []central.Document{{Type: identity.Resident, Number: number}}, Name: name},
	}
	paper := issue(t, o, order)
	order.Proof, order.Holder.Name = ticket.ProofChain, latin
	rotating := issue(t, o, order)
	shown, err := o.Show(rotating.Ticket.ID, evening, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := ticket.StaticText(&paper.Signed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Publish(context.Background(), evening); err != nil {
		t.Fatal(err)
	}
	never := map[string][]byte{
		"number": []byte(number), "name": []byte(name), "surname": []byte("Eriksson"), "foreign code": []byte(foreign),
		"signature": paper.Signed.Signature[:], "signature in hex": hexOf(paper.Signed.Signature[:]), "static text": []byte(text),
		"a shown code": []byte(shown.Text), "lease": rotating.Lease.Value[:], "lease in hex": hexOf(rotating.Lease.Value[:]),
	}
	files := grep(t, o.Dir(), never)
	if files < 20 {
		t.Errorf("only %d files were looked at", files)
	}
	secrets := map[string][]byte{}
	issuer, err := os.ReadFile(filepath.Join(o.Dir(), "issuer", "1.json"))
	if err != nil {
		t.Fatal(err)
	}
	for i, field := range strings.Split(string(issuer), `"`) {
		if len(field) == 64 {
			key, err := hex.DecodeString(field)
			if err != nil {
				t.Fatal(err)
			}
			secrets["issuer "+string(rune('a'+i))], secrets["issuer in hex "+string(rune('a'+i))] = key, []byte(field)
		}
	}
	if len(secrets) != 4 {
		t.Fatalf("%d secrets of the issuer", len(secrets))
	}
	secrets["a role's key"] = []byte("PRIVATE KEY")
	if files := grep(t, central.Repository(o.Dir()), secrets); files < 8 {
		t.Errorf("only %d files in the repository were looked at", files)
	}
}

func hexOf(b []byte) []byte { return []byte(hex.EncodeToString(b)) }

// grep looks for what must not be there in every file and returns how many
// there were.
func grep(t *testing.T, dir string, never map[string][]byte) (files int) {
	t.Helper()
	zstdMagic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	unpack, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unpack.Close()
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if bytes.HasPrefix(data, zstdMagic) {
			if data, err = unpack.DecodeAll(data, nil); err != nil {
				return err
			}
		}
		for what, text := range never {
			if bytes.Contains(data, text) {
				t.Errorf("%s: %s is in it", path, what)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestModes(t *testing.T) {
	o := demo(t)
	issue(t, o, chain())
	err := filepath.WalkDir(o.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && filepath.Base(path) != "roles.json" {
			t.Errorf("%s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir(), "issuer", "1.json")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	var mode *central.ModeError
	if _, err := central.Open(o.Dir()); !errors.As(err, &mode) || mode.Path != path {
		t.Errorf("a key that others may read: %v", err)
	}
}

// Two offices over one directory, as two processes would have, lose nothing and
// give no id twice.
func TestTwoOfficesAtOnce(t *testing.T) {
	first := demo(t)
	second, err := central.Open(first.Dir())
	if err != nil {
		t.Fatal(err)
	}
	const each = 6
	var wg sync.WaitGroup
	var mu sync.Mutex
	var ids []gate.TicketID
	for _, o := range []*central.Office{first, second, first, second} {
		wg.Go(func() {
			for range each {
				issued, err := o.Issue(evening, central.Order{})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, issued[0].Ticket.ID)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 4*each {
		t.Errorf("%d different ids, want %d", len(slices.Compact(ids)), 4*each)
	}
	for _, id := range ids {
		if _, err := first.Ticket(id); err != nil {
			t.Error(err)
		}
	}
}

func TestCreateRefusals(t *testing.T) {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	venue, event, err := central.Demo(evening, public)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := central.Create(dir, venue, []*pack.Event{event}, rand.Reader); !errors.Is(err, central.ErrNotEmpty) {
		t.Errorf("in a directory with a file: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	// What fails half-way leaves nothing behind.
	event.TimeZone = "Nowhere"
	if _, err := central.Create(dir, venue, []*pack.Event{event}, rand.Reader); err == nil {
		t.Error("an event in no time zone")
	}
	if _, err := central.Create(filepath.Join(dir, "new"), venue, []*pack.Event{event}, rand.Reader); err == nil {
		t.Error("an event in no time zone")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := central.Open(dir); !errors.Is(err, central.ErrNoVenue) {
		t.Errorf("an empty directory: %v", err)
	}
}

func TestDamagedList(t *testing.T) {
	o := demo(t)
	issue(t, o, chain())
	path := filepath.Join(o.Dir(), "event", "1", "tickets.jsonl")
	for _, text := range []string{"{}\n", "nonsense " + number + "\n", `{"id":"1","gen":1,"masked":"` + name + "\"}\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var line *central.LineError
		_, err := o.Issue(evening, chain())
		if !errors.As(err, &line) || line.Line != 1 {
			t.Fatalf("%v, want a LineError", err)
		}
		if strings.Contains(err.Error(), number) || strings.Contains(err.Error(), name) {
			t.Errorf("the error quotes the line: %v", err)
		}
	}
}
