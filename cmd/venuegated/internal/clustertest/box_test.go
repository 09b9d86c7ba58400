package clustertest_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/sync/pack"
)

// The lanes of a gate, each with a reader of its own. At the turnstile and at the
// strict lane a gate that is alone refuses; at the kind one it admits and marks.
const (
	turnstile = iota
	strict
	kind
	exit
	lanes
)

// box is one gate: a process at its place on the wire, with its disk and its
// devices.
type box struct {
	id          int
	dir         string
	bench       *bench
	key         *keyring.Gate
	former      []pack.PublicKey
	incarnation uint32
	scanners    [lanes]*hwtest.Scanner
	arm         *hwtest.Turnstile
	follower    *follower

	process *exec.Cmd
	log     *os.File
	ended   chan error
}

func newBox(t *testing.T, b *bench, id int) *box {
	t.Helper()
	x := &box{id: id, dir: filepath.Join(b.dir, fmt.Sprintf("gate-%d", id)), bench: b}
	if err := os.MkdirAll(x.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.log, err = os.Create(filepath.Join(x.dir, "log")); err != nil {
		t.Fatal(err)
	}
	for i := range x.scanners {
		if x.scanners[i], err = hwtest.NewScanner(x.line(i)); err != nil {
			t.Fatal(err)
		}
	}
	x.arm, err = hwtest.NewTurnstile(hwtest.TurnstileOptions{
		Relay: filepath.Join(x.dir, "relay"), Feedback: filepath.Join(x.dir, "feedback"),
		ReadyEvery: 100 * time.Millisecond, PassAfter: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		x.kill()
		for _, s := range x.scanners {
			_ = s.Close()
		}
		_ = x.arm.Close()
		_ = x.log.Close()
	})
	x.install(t)
	x.follower = follow(b.t, filepath.Join(x.data(), "journal"))
	return x
}

func (x *box) data() string { return filepath.Join(x.dir, "data") }

func (x *box) line(lane int) string { return filepath.Join(x.dir, fmt.Sprintf("scanner-%d", lane)) }

func (x *box) lane(i int) gate.LaneID { return gate.LaneID(10*x.id + i) }

// install sets the box up as a new incarnation: with a key, and nothing else.
func (x *box) install(t *testing.T) {
	t.Helper()
	if x.key != nil {
		x.former = append(x.former, pack.PublicKey(x.key.Public()))
	}
	x.incarnation++
	var err error
	if x.key, err = keyring.NewGate(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(x.data(), 0o700), x.key.Save(filepath.Join(x.data(), "identity.key"))); err != nil {
		t.Fatal(err)
	}
}

// enrol gives the gate what an installer gives it: the venue's root, and with
// stick the first pack as well.
func (x *box) enrol(t *testing.T) {
	t.Helper()
	if err := pack.Enrol(filepath.Join(x.data(), pack.DirTrust), x.bench.venue.root(t)); err != nil {
		t.Fatal(err)
	}
	if !x.hasRepository() {
		if err := os.CopyFS(filepath.Join(x.data(), pack.DirIncoming), os.DirFS(x.bench.venue.repository())); err != nil {
			t.Fatal(err)
		}
	}
}

// hasRepository says which gates have the office's repository at hand: the
// others take newer packs from them.
func (x *box) hasRepository() bool { return x.id <= 2 }

// listed is the gate's line in the roster.
func (x *box) listed(t *testing.T) pack.Gate {
	t.Helper()
	public, err := seal.Public(x.key)
	if err != nil {
		t.Fatal(err)
	}
	g := pack.Gate{
		ID: uint32(x.id), Incarnation: x.incarnation, Name: fmt.Sprintf("gate %d", x.id), Role: "gate",
		Key: pack.PublicKey(x.key.Public()), Seal: public, Former: x.former,
		Addresses: []string{x.bench.wire.Listen(x.id).String()},
	}
	for i := range lanes {
		l := pack.Lane{ID: uint16(x.lane(i)), Name: names(fmt.Sprintf("lane %d", i)), Kind: "entry", To: 10, Isolation: "refuse"}
		switch i {
		case kind:
			l.Isolation = "admit"
		case exit:
			l.Kind = "exit"
		}
		g.Lanes = append(g.Lanes, l)
	}
	return g
}

func (x *box) config() string {
	repository := ""
	if x.hasRepository() {
		repository = x.bench.venue.repository()
	}
	text := fmt.Sprintf(`
[gate]
id = %d
data_dir = %q
[pack]
repository = %q
poll = "300ms"
[central]
poll = "500ms"
[cluster]
listen = %q
[clock]
trust = "always"
[web]
listen = ""
[log]
level = "debug"
format = "json"
`, x.id, x.data(), repository, x.bench.wire.Listen(x.id))
	for i := range lanes {
		text += fmt.Sprintf(`
[[lane]]
id = %d
[[lane.reader]]
name = "code %d"
type = "serial"
path = %q
repeat = "10ms"
`, x.lane(i), i, x.line(i))
		if i != turnstile {
			text += "[lane.barrier]\ntype = \"none\"\n"
			continue
		}
		text += fmt.Sprintf(`[lane.barrier]
type = "lcus"
path = %q
pulse = "200ms"
wait = "1s"
[lane.barrier.feedback]
path = %q
`, filepath.Join(x.dir, "relay"), filepath.Join(x.dir, "feedback"))
	}
	return text
}

// start runs the gate's daemon.
func (x *box) start(t *testing.T) {
	t.Helper()
	path := filepath.Join(x.dir, "gate.toml")
	if err := os.WriteFile(path, []byte(x.config()), 0o600); err != nil {
		t.Fatal(err)
	}
	x.process = x.bench.wire.Command(x.id, filepath.Join(x.bench.bin, "venuegated"), "--config", path)
	x.process.Stdout, x.process.Stderr = x.log, x.log
	if err := x.process.Start(); err != nil {
		t.Fatal(err)
	}
	ended, process := make(chan error, 1), x.process
	go func() { ended <- process.Wait() }()
	x.ended = ended
}

// kill ends the process as a power cut would.
func (x *box) kill() {
	if x.process == nil {
		return
	}
	_ = x.process.Process.Kill()
	<-x.ended //nolint:errcheck // it says that it was killed
	x.process = nil
}

// stop ends it in order.
func (x *box) stop(t *testing.T) {
	t.Helper()
	if x.process == nil {
		return
	}
	if err := x.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case err := <-x.ended:
		if err != nil {
			t.Errorf("gate %d ended with %v", x.id, err)
		}
		x.process = nil
	case <-time.After(15 * time.Second):
		t.Errorf("gate %d did not end within 15 s", x.id)
		x.kill()
	}
}

// wipe takes the gate's disk away and sets the box up anew.
func (x *box) wipe(t *testing.T) {
	t.Helper()
	x.kill()
	x.follower.close()
	if err := os.RemoveAll(x.data()); err != nil {
		t.Fatal(err)
	}
	x.install(t)
	next := follow(x.bench.t, filepath.Join(x.data(), "journal"))
	next.lost = slices.Concat(x.follower.lost, x.follower.all())
	x.follower = next
}
