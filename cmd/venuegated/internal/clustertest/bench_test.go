package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/cmd/venuegated/internal/clustertest"
	"github.com/venuegate/venuegate/gate/appliance"
)

// gates is how many there are. Those up to 3 are keepers.
const (
	gates   = 5
	keepers = 3
)

// total is how long the bench may take.
const total = 5 * time.Minute

// bench is a venue with its gates on a wire.
type bench struct {
	t     *testing.T      // of the whole bench: gates outlive a scenario
	ctx   context.Context //nolint:containedctx // lives as long as the test
	dir   string
	bin   string
	wire  *clustertest.Wire
	venue *venue
	boxes []*box // by id; the first is nil
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// TestCluster is "make cluster-test".
func TestCluster(t *testing.T) {
	if os.Getenv("VENUEGATE_CLUSTER") == "" {
		t.Skip("make cluster-test runs this: it needs root, for minutes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), total)
	defer cancel()
	begin := time.Now()
	wire, err := clustertest.NewWire(ctx, gates)
	var missing *clustertest.UnavailableError
	switch {
	case errors.As(err, &missing):
		say("skipped: %s", missing.Why)
		t.Skip(missing.Why)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(wire.Close)
	b := &bench{t: t, ctx: ctx, dir: directory(t), bin: binaries(t), wire: wire}
	b.venue = newVenue(t, filepath.Join(b.dir, "venue"))
	b.boxes = []*box{nil}
	for id := 1; id <= gates; id++ {
		b.boxes = append(b.boxes, newBox(t, b, id))
	}
	b.list(t)
	b.venue.publish(t)
	for _, x := range b.boxes[1:] {
		x.enrol(t)
		x.start(t)
	}
	b.settle(t, b.boxes[1:]...)
	say("%d gates in network namespaces, %d of them keepers, agree after %.1f s", gates, keepers, time.Since(begin).Seconds())
	for _, s := range []struct {
		name string
		do   func(t *testing.T) string
	}{
		{"one ticket at five gates at once lets one visitor in", b.together},
		{"whoever left, and whoever did not go through, may come in at any gate", b.ends},
		{"packets get lost, and one gate's line is slow", b.lossy},
		{"two gates are cut off from a majority of the keepers", b.split},
		{"one gate's cable is pulled, and another hears nobody", b.oneWay},
		{"the leader of the keepers is killed", b.leaderKilled},
		{"a majority of the keepers is killed", b.keepersKilled},
		{"a gate that was off catches up", b.off},
		{"a keeper comes back without its disk", b.wiped},
		{"the network's key is changed", b.newKey},
		{"nothing is lost, and nothing hidden", b.accounts},
	} {
		if !scenario(t, s.name, s.do) {
			b.explain(t)
			break // what follows builds on it
		}
	}
	say("%.0f s in all", time.Since(begin).Seconds())
}

// scenario runs one thing that must hold and prints a line about it.
func scenario(t *testing.T, name string, do func(t *testing.T) (figures string)) bool {
	return t.Run(name, func(t *testing.T) {
		begin, figures := time.Now(), ""
		defer func() {
			result := "pass"
			if t.Failed() {
				result = "FAIL"
			}
			line := fmt.Sprintf("%s %5.1f s  %s", result, time.Since(begin).Seconds(), name)
			if figures != "" {
				line += ": " + figures
			}
			say("%s", line)
		}()
		figures = do(t)
	})
}

// directory is where the gates are; VENUEGATE_CLUSTER_DIR keeps it.
func directory(t *testing.T) string {
	dir := os.Getenv("VENUEGATE_CLUSTER_DIR")
	if dir == "" {
		return t.TempDir()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if old, err := os.ReadDir(dir); err == nil && len(old) > 0 {
		t.Fatalf("VENUEGATE_CLUSTER_DIR: %s is not empty", dir)
	}
	return dir
}

// binaries is the folder with the daemon and the tool that are tested.
func binaries(t *testing.T) string {
	dir := os.Getenv("VENUEGATE_CLUSTER_BIN")
	if dir == "" {
		dir = "../../../../bin"
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"venuegated", "venuegate"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("%v\nmake build makes it", err)
		}
	}
	return dir
}

// list puts the gates as they are into the roster.
func (b *bench) list(t *testing.T) {
	b.venue.roster.Gates = nil
	for _, x := range b.boxes[1:] {
		b.venue.roster.Gates = append(b.venue.roster.Gates, x.listed(t))
	}
}

// await polls until ok says that it is so, and returns how long that took.
func (b *bench) await(t *testing.T, within time.Duration, what string, ok func() (yes bool, now string)) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		yes, now := ok()
		took := time.Since(begin)
		if yes {
			return took
		}
		if took > within {
			t.Fatalf("waited %s in vain: %s\n%s", within, what, now)
		}
		select {
		case <-b.ctx.Done():
			t.Fatalf("waited until the bench's time was up: %s\n%s", what, now)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// healing is how long gates may take to be of one mind again after whatever
// happened has ended.
const healing = 15 * time.Second

// settle waits until gates that run agree: they hear each other, the keepers
// answer, nobody has anything to hand in, and all hold the same records.
func (b *bench) settle(t *testing.T, boxes ...*box) time.Duration {
	t.Helper()
	return b.await(t, 2*healing, "the gates agree", func() (bool, string) {
		views := make([]appliance.ClusterView, len(boxes))
		for i, x := range boxes {
			v, err := x.cluster(b.ctx)
			if err != nil {
				return false, err.Error()
			}
			views[i] = v
			if why := unsettled(&v, len(boxes)-1); why != "" {
				return false, fmt.Sprintf("gate %d: %s", x.id, why)
			}
			if !slices.Equal(v.Logs, views[0].Logs) {
				return false, fmt.Sprintf("gate %d holds %v, gate %d %v", boxes[0].id, views[0].Logs, x.id, v.Logs)
			}
		}
		return true, ""
	})
}

func unsettled(v *appliance.ClusterView, others int) string {
	c := &v.Claims
	switch {
	case v.Problem != "":
		return "not on the network: " + v.Problem
	case v.Isolated != nil:
		return fmt.Sprintf("isolated since %s: %s", v.Isolated.Format(time.TimeOnly), c.Problem)
	case c.Leader == "" || c.Role == "alone":
		return fmt.Sprintf("no leader; role %s; %s", c.Role, c.Problem)
	case v.Heard < others:
		return fmt.Sprintf("hears %d of %d others", v.Heard, others)
	case c.Lates+c.Releases+c.Stranded+c.Undecided > 0:
		return fmt.Sprintf("%d records to hand in, %d claims to give back, %d stranded, %d undecided", c.Lates, c.Releases, c.Stranded, c.Undecided)
	}
	return ""
}

// at is a place where a code is held up.
type at struct {
	box  *box
	lane int
}

// atOnce holds one code up at several places in the same moment.
func (b *bench) atOnce(t *testing.T, w *visitor, places ...at) []answer {
	t.Helper()
	text, step := w.code(t)
	answers, errs := make([]answer, len(places)), make([]error, len(places))
	var all sync.WaitGroup
	for i, p := range places {
		all.Go(func() { answers[i], errs[i] = p.box.scan(t, p.lane, text, w.ticket, step) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return answers
}

// freed shows a visitor's next code at a lane until it is accepted.
func (b *bench) freed(t *testing.T, p at, w *visitor) time.Duration {
	t.Helper()
	text, step := w.code(t)
	return b.await(t, healing, fmt.Sprintf("ticket %s may come in at gate %d", w.ticket, p.box.id), func() (bool, string) {
		a, err := p.box.scan(t, p.lane, text, w.ticket, step)
		if err != nil {
			t.Fatal(err)
		}
		return a.admitted(), a.String()
	})
}

// explain prints how the gates stand and the end of their logs.
func (b *bench) explain(t *testing.T) {
	for _, x := range b.boxes[1:] {
		if v, err := x.ask(context.Background(), "cluster"); err == nil {
			t.Logf("gate %d: %s", x.id, v)
		}
		text, err := os.ReadFile(x.log.Name())
		if err == nil {
			t.Logf("the end of gate %d's log:\n%s", x.id, text[max(0, len(text)-4000):])
		}
	}
}
