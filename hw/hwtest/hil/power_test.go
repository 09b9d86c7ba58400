package hil_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest/hil"
	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

const (
	mostCuts   = 8
	fewestCuts = 3 // one of each kind but the last, on a machine that is busy
	// cutTakes is what a cut with its boot takes at most; another is begun only
	// when so much time is left, and lieTakes for the disk that lies.
	cutTakes = 20 * time.Second
	lieTakes = 40 * time.Second
	// afterlife is how long the machine outlives its disk: an arm that moves
	// then moves on a record that is not there.
	afterlife = 300 * time.Millisecond
)

// books are what the visitors know: who was let in, and who tried.
type books struct {
	mu      sync.Mutex
	tried   map[string]paper // by ticket
	entered map[string]paper // the relay was switched on
	last    paper            // who entered last
}

func newBooks() *books { return &books{tried: map[string]paper{}, entered: map[string]paper{}} }

// power cuts the power again and again, on one disk, and looks whether everybody
// for whom an arm moved is in the journal.
func (b *bench) power(t *testing.T) {
	disk, known := b.disk(t), newBooks()
	cuts := 0
	scenario(t, "power cuts: whoever was let in is in the journal, once", func(t *testing.T) string {
		var total hil.Loss
		for ; cuts < mostCuts && !t.Failed(); cuts++ {
			if cuts >= fewestCuts && b.left() < cutTakes+lieTakes {
				break
			}
			l := b.cut(t, disk, known, b.trap(cuts))
			total.Kept, total.Lost = total.Kept+l.Kept, total.Lost+l.Lost
		}
		found := b.audit(t, disk, known)
		for _, f := range found {
			t.Error(f)
		}
		return fmt.Sprintf("%d cuts, %d visitors let in, %d unflushed sectors kept and %d lost", cuts, len(known.entered), total.Kept, total.Lost)
	})
	scenario(t, "a disk that lies about flushing loses some, and this bench sees it", func(t *testing.T) string {
		disk, known := b.disk(t), newBooks()
		g := boot(b.ctx, t, b.spec(t, disk))
		g.start(t)
		disk.Lie(true)
		for range 3 {
			b.enter(g, known, reader1, relay1, b.venue.visitor(t), disk.Gone())
		}
		disk.Cut()
		g.Off()
		disk.Lie(false)
		found := b.audit(t, disk, known)
		if len(known.entered) == 0 || len(found) == 0 {
			t.Errorf("%d visitors were let in and nothing was found missing", len(known.entered))
		}
		return fmt.Sprintf("%d visitors let in, %d complaints", len(known.entered), len(found))
	})
}

// left is how much time the bench has.
func (b *bench) left() time.Duration {
	end, _ := b.ctx.Deadline()
	return time.Until(end)
}

// moment is when the power goes: in a write, in a flush, or just after a relay
// was switched on.
type moment struct {
	trap    hil.Trap
	early   bool // counted from the daemon's start, which installs the pack
	entries int
}

// trap chooses a moment. The first one is while the pack is installed.
func (b *bench) trap(n int) moment {
	switch {
	case n == 0:
		return moment{trap: hil.Trap{Writes: 1 + b.random.IntN(60)}, early: true}
	case n%3 == 1:
		return moment{entries: 1 + b.random.IntN(10)}
	case n%3 == 2:
		return moment{trap: hil.Trap{Flushes: 1 + b.random.IntN(40)}}
	default:
		return moment{trap: hil.Trap{Writes: 1 + b.random.IntN(60)}}
	}
}

// cut boots the gate, checks its journal, lets visitors in at both lanes until
// the power goes, and switches the machine off.
func (b *bench) cut(t *testing.T, disk *hil.Disk, known *books, when moment) hil.Loss {
	t.Helper()
	disk.PowerOn()
	disk.Arm(hil.Trap{})
	g := boot(b.ctx, t, b.spec(t, disk))
	defer g.Off()
	if when.early {
		disk.Arm(when.trap)
		call[wire.None](t, g, "Start", wire.File{Text: gateConfig()})
		// The daemon may hang in a write by now, or have started in spite of it.
		select {
		case <-disk.Gone():
		case <-time.After(patience):
			t.Log("the pack was installed with fewer writes than the trap had")
		}
		return disk.Cut()
	}
	g.start(t)
	for _, f := range g.check(t, known) {
		t.Error(f)
	}
	disk.Arm(when.trap)
	var both sync.WaitGroup
	visitors := [2][]paper{}
	for i := range 2 * 20 {
		visitors[i%2] = append(visitors[i%2], b.venue.visitor(t))
	}
	for lane, line := range visitors {
		both.Go(func() {
			for i, p := range line {
				if !b.enter(g, known, []string{reader1, reader2}[lane], []string{relay1, relay2}[lane], p, disk.Gone()) {
					return
				}
				if i+1 == when.entries {
					disk.Cut()
				}
			}
		})
	}
	both.Wait()
	select {
	case <-disk.Gone():
	default:
		t.Logf("%d visitors at each lane were too few for the trap %+v", len(visitors[0]), when)
	}
	return disk.Cut()
}

// enter lets a visitor try to get in, and reports whether the relay was switched
// on. Once the disk is gone, the relay has a last moment.
func (b *bench) enter(g *guest, known *books, reader, relay string, p paper, gone <-chan struct{}) bool {
	known.mu.Lock()
	known.tried[p.Ticket] = p
	known.mu.Unlock()
	if _, err := g.Adapter(reader).Write([]byte(p.Text + "\r\n")); err != nil {
		return false
	}
	r := g.relays[relay]
	entered := func() {
		known.mu.Lock()
		defer known.mu.Unlock()
		known.entered[p.Ticket], known.last = p, p
	}
	select {
	case <-r.on:
		entered()
	case <-time.After(patience):
		return false
	case <-gone:
		select {
		case <-r.on:
			entered()
		case <-time.After(afterlife):
		}
		return false
	}
	select { // the lane takes the next one when the pulse is over
	case <-r.off:
		return true
	case <-time.After(patience):
		return false
	case <-gone:
		return false
	}
}

// audit boots the gate a last time and returns what is wrong with its journal.
func (b *bench) audit(t *testing.T, disk *hil.Disk, known *books) []string {
	t.Helper()
	disk.PowerOn()
	disk.Arm(hil.Trap{})
	g := boot(b.ctx, t, b.spec(t, disk))
	defer g.Off()
	g.start(t)
	return g.check(t, known)
}

// check returns what the journal of a gate that has started lacks or has too
// much of, and shows it the ticket that was used last.
func (g *guest) check(t *testing.T, known *books) []string {
	t.Helper()
	out := call[wire.Output](t, g, "Run", wire.Command{Args: []string{"/bin/venuegate", "log", "--json", "--data", "/gate/data"}})
	var found []string
	if out.Code != 0 {
		found = append(found, fmt.Sprintf("venuegate log ends with %d: %s", out.Code, out.Stderr))
	}
	admitted := map[string]int{}
	next := map[int]int{}
	for line := range bytes.Lines(out.Stdout) {
		var r struct {
			Epoch, Sequence int
			What, Ticket    string
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("venuegate log: %v", err)
		}
		if next[r.Epoch]++; r.Sequence != next[r.Epoch] {
			found = append(found, fmt.Sprintf("record %d of epoch %d stands where %d should", r.Sequence, r.Epoch, next[r.Epoch]))
		}
		if r.What == "admit" {
			admitted[r.Ticket]++
		}
	}
	missing := slices.DeleteFunc(slices.Sorted(maps.Keys(known.entered)), func(ticket string) bool { return admitted[ticket] > 0 })
	if len(missing) > 0 {
		found = append(found, fmt.Sprintf("the arm moved for %d tickets that the journal does not have, such as %s", len(missing), missing[0]))
	}
	for ticket, times := range admitted {
		if _, tried := known.tried[ticket]; !tried || times > 1 {
			found = append(found, fmt.Sprintf("ticket %s was admitted %d times", ticket, times))
		}
	}
	if known.last.Ticket == "" || len(found) > 0 {
		return found
	}
	g.scan(t, reader1, known.last.Text)
	s := g.until(t, "the last ticket gets a verdict", func(s *state) bool { return s.Lanes[0].Last != nil })
	if v := s.Lanes[0].Last; v.Outcome != "refuse" || v.Reason != "already_inside" {
		found = append(found, fmt.Sprintf("the ticket used last gets %s, %s", v.Outcome, v.Reason))
	}
	return found
}
