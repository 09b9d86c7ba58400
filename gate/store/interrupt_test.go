package store_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/storetest"
)

var errCut = errors.New("the stick was pulled")

// cutAfter is tickets that end with an error.
func cutAfter(n int) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		for t, err := range tickets(n) {
			if !yield(t, err) {
				return
			}
		}
		yield(gate.Ticket{}, errCut)
	}
}

func changed(n int, change func(i int, t *gate.Ticket)) iter.Seq2[gate.Ticket, error] {
	return storetest.Tickets(n, storetest.Options{Each: change})
}

func TestFailedInstallChangesNothing(t *testing.T) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		tickets iter.Seq2[gate.Ticket, error]
		edit    func(*store.Source)
		want    error
		field   string
	}{
		"cut at once":        {tickets: cutAfter(0), want: errCut},
		"cut in the midst":   {tickets: cutAfter(25_000), want: errCut},
		"cancelled":          {ctx: done, tickets: tickets(10), want: context.Canceled},
		"fewer than said":    {tickets: tickets(10), edit: func(s *store.Source) { s.Tickets = 11 }},
		"no policy":          {tickets: tickets(10), edit: func(s *store.Source) { s.Policy = nil }},
		"another event's":    {tickets: changed(10, func(i int, t *gate.Ticket) { t.Event += gate.EventID(i / 9) }), field: "event"},
		"the same id twice":  {tickets: changed(10, func(_ int, t *gate.Ticket) { t.ID = storetest.FirstID }), field: "id"},
		"a name unmasked":    {tickets: changed(10, func(_ int, t *gate.Ticket) { t.Masked = "张三" }), field: "masked"},
		"one foreign code":   {tickets: changed(10, func(_ int, t *gate.Ticket) { t.Foreign = []gate.Tag{{1}} }), field: "foreign"},
		"5000 on a document": {tickets: changed(5000, func(_ int, t *gate.Ticket) { t.Documents = []gate.DocumentTag{{Type: 1, Tag: gate.Tag{1}}} }), field: "documents"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			packs := openPacks(t, dir)
			install(t, packs, 7, 10)
			src := source(8)
			if c.edit != nil {
				c.edit(&src)
			}
			ctx := c.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			_, err := packs.Install(ctx, src, c.tickets)
			var refused *store.TicketError
			switch {
			case err == nil:
				t.Fatal("installed")
			case c.want != nil && !errors.Is(err, c.want):
				t.Fatalf("error %v", err)
			case c.field != "" && (!errors.As(err, &refused) || refused.Field != c.field):
				t.Fatalf("error %v", err)
			}
			if got := version(t, packs); got != 7 {
				t.Fatalf("version %d is in use", got)
			}
			packFile(t, dir) // and no other file is left
			if got := version(t, openPacks(t, dir)); got != 7 {
				t.Fatalf("after a restart version %d is in use", got)
			}
			install(t, packs, 8, 20)
		})
	}
}

// What an installation leaves behind at each step, when the power goes there,
// is not seen and not in the way.
func TestInterruptedSteps(t *testing.T) {
	other := installed(t, 8, 20)
	whole, err := os.ReadFile(packFile(t, other))
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]map[string][]byte{
		"file made":               {"8-2.pack": nil},
		"file half written":       {"8-2.pack": whole[:len(whole)/2]},
		"file whole, not current": {"8-2.pack": whole},
		"manifest half written":   {"8-2.pack": whole, ".current.json.123": []byte(`{"format"`)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := installed(t, 7, 10)
			for file, data := range files {
				if err := os.WriteFile(filepath.Join(dir, "2026", file), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			packs := openPacks(t, dir)
			if got := version(t, packs); got != 7 {
				t.Fatalf("version %d is in use", got)
			}
			left, err := os.ReadDir(filepath.Join(dir, "2026"))
			if err != nil || len(left) != 2 {
				t.Fatalf("left behind: %v, %v", left, err)
			}
			install(t, packs, 8, 20)
		})
	}
}

// The same of a patch: the one before it is in use, and nothing else is left.
func TestInterruptedPatch(t *testing.T) {
	dir := t.TempDir()
	packs := openPacks(t, dir)
	if _, err := packs.Install(t.Context(), onBase(7), tickets(100)); err != nil {
		t.Fatal(err)
	}
	patch(t, packs, 8, 3)
	whole, err := os.ReadFile(filepath.Join(dir, "2026", "8-2.patch"))
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string]map[string][]byte{
		"file made":               {".9-3.patch.123": nil},
		"file half written":       {".9-3.patch.123": whole[:len(whole)/2]},
		"file whole, not current": {"9-3.patch": whole},
		"manifest half written":   {"9-3.patch": whole, ".current.json.123": []byte(`{"format"`)},
	} {
		t.Run(name, func(t *testing.T) {
			copied := t.TempDir()
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			for file, data := range files {
				if err := os.WriteFile(filepath.Join(copied, "2026", file), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			packs := openPacks(t, copied)
			if v, n := version(t, packs), voided(t, packs, 100); v != 8 || n != 3 {
				t.Fatalf("version %d with %d voided is in use", v, n)
			}
			left, err := os.ReadDir(filepath.Join(copied, "2026"))
			if err != nil || len(left) != 3 {
				t.Fatalf("left behind: %v, %v", left, err)
			}
			patch(t, packs, 9, 4)
		})
	}
}

const childDir = "VENUEGATE_STORE_TEST_DIR"

// TestInstallChild is the process that TestKillInstall kills: it installs one
// version after the other and says so.
func TestInstallChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs as a child of TestKillInstall")
	}
	packs, err := store.OpenPacks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for v := version(t, packs) + 1; ; v++ {
		if _, err := packs.Install(context.Background(), source(v), tickets(int(3000+v))); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("installed %d\n", v)
	}
}

// TestPatchChild is the process that TestKillPatch kills: it patches one pack
// again and again, with another whole one now and then.
func TestPatchChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs as a child of TestKillPatch")
	}
	packs, err := store.OpenPacks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for v := version(t, packs) + 1; ; v++ {
		if v%50 == 1 {
			_, err = packs.Install(context.Background(), onBase(v), tickets(1000))
		} else {
			_, err = packs.Patch(context.Background(), onBase(v), voids(int(v%50)))
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("installed %d\n", v)
	}
}

// A process that is killed at any instant leaves the version that it last said
// was installed, or the one after it, and that one whole.
func TestKillInstall(t *testing.T) {
	killed(t, "TestInstallChild", func(p *store.Packs, info store.Info) {
		if info.Tickets != int(3000+info.Version) {
			t.Fatalf("version %d has %d tickets", info.Version, info.Tickets)
		}
	})
}

// The same of patches, each with the changes of its version and no others.
func TestKillPatch(t *testing.T) {
	killed(t, "TestPatchChild", func(p *store.Packs, info store.Info) {
		want := int(info.Version % 50)
		if want == 1 {
			want = 0
		}
		if got := voided(t, p, 1000); got != want || info.Changes != want {
			t.Fatalf("version %d has %d tickets voided, and says %d changes", info.Version, got, info.Changes)
		}
	})
}

// killed kills a child that installs one version after the other, again and
// again, and checks what each leaves.
func killed(t *testing.T, name string, check func(*store.Packs, store.Info)) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	said := uint64(0)
	for round := 0; round < 12 || said == 0 && round < 200; round++ { // a slow machine gets longer
		child := exec.Command(os.Args[0], "-test.run", "^"+name+"$")
		child.Env = append(os.Environ(), childDir+"="+dir)
		var out, problems strings.Builder
		child.Stdout, child.Stderr = &out, &problems
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(60+37*round) * time.Millisecond) // a moment that nothing depends on
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := child.Wait(); err == nil || strings.Contains(out.String(), "FAIL") {
			t.Fatalf("the child ended by itself: %v\n%s%s", err, &out, &problems)
		}
		for line := range strings.Lines(out.String()) {
			if _, err := fmt.Sscanf(line, "installed %d\n", &said); err != nil {
				t.Fatalf("the child said %q", line)
			}
		}
		packs, err := store.OpenPacks(dir)
		if err != nil {
			t.Fatal(err)
		}
		v := packs.Acquire()
		got := uint64(0)
		if p, ok := v.Event(storetest.Event); ok {
			got = p.Info().Version
			check(packs, p.Info())
		}
		if got != said && got != said+1 {
			t.Fatalf("version %d is in use, the child had said %d", got, said)
		}
		if err := errors.Join(v.Release(), packs.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if said == 0 {
		t.Fatal("no installation was ever finished")
	}
}

// Scans go on while packs are installed and rolled back. Each scan sees one
// version from its beginning to its end, and a version that was replaced stays
// readable for those who hold it.
func TestSwapBetweenScans(t *testing.T) {
	packs := openPacks(t, t.TempDir())
	install(t, packs, 1, 100)
	held := packs.Acquire()
	stop := make(chan struct{})
	var scans sync.WaitGroup
	for range 4 {
		scans.Go(func() {
			var ticket gate.Ticket
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				v := packs.Acquire()
				p, ok := v.Event(storetest.Event)
				if !ok {
					t.Error("no pack")
				} else if known, err := p.Ticket(storetest.ID(i%p.Info().Tickets), &ticket); !known || err != nil {
					t.Errorf("ticket %d of %d: %v", i, p.Info().Tickets, err)
				}
				if err := v.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := uint64(2); n < 20; n++ {
		if n%4 == 1 {
			patch(t, packs, n, int(5*n)) // over the installation before
		} else if _, err := packs.Install(t.Context(), onBase(n), tickets(int(100*n))); err != nil {
			t.Error(err)
		}
		if n%3 == 0 {
			if _, err := packs.Rollback(storetest.Event); err != nil {
				t.Error(err)
			}
		}
	}
	close(stop)
	scans.Wait()
	var ticket gate.Ticket
	if p, err := held.Ticket(storetest.ID(99), &ticket); p == nil || err != nil || p.Info().Version != 1 {
		t.Fatalf("the version that was held: %v, %v", p, err)
	}
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestRemove(t *testing.T) {
	dir := t.TempDir()
	packs := openPacks(t, dir)
	install(t, packs, 7, 10)
	if err := packs.Remove(storetest.Event); err != nil {
		t.Fatal(err)
	}
	if got := version(t, packs); got != 0 {
		t.Fatalf("version %d is in use", got)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}
