package appliance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/sync/pack"
)

// peersAsked is how many other gates are asked for a newer pack in one look: a
// new one spreads to fifty gates within a few looks all the same.
const peersAsked = 2

// ways are those on which packs reach this gate. They belong to the goroutine
// that looks for packs.
type ways struct {
	self       *keyring.Gate
	id         gate.GateID
	dataDir    string
	neighbours *neighbours
	officeTLS  func(*config.Central) (*tls.Config, error)
	// addressOf returns where gossip would send to a gate now; invalid: nowhere.
	addressOf func(gate.GateID) (at string, ok bool)

	central     pack.Fetcher
	centralURL  string
	dirs        map[string]*pack.Dir
	peers       map[string]*pack.HTTP // by gate and address
	userAgent   string
	centralNext time.Time
	dirNext     time.Time
}

// now returns the ways to ask at this moment, and when to look again.
func (w *ways) now(c *config.Config, now time.Time) []pack.Way {
	var all []pack.Way
	if !now.Before(w.dirNext) {
		w.dirNext = now.Add(time.Duration(c.Pack.Poll))
		if dir := c.Pack.Repository; dir != "" {
			all = append(all, pack.Way{Name: "directory " + dir, From: w.directory(dir), Distance: pack.Here})
		}
		incoming := filepath.Join(w.dataDir, pack.DirIncoming)
		if _, err := os.Stat(incoming); err == nil {
			all = append(all, pack.Way{Name: "directory " + incoming, From: w.directory(incoming), Distance: pack.Here})
		}
	}
	if !now.Before(w.centralNext) {
		w.centralNext = now.Add(time.Duration(c.Central.Poll))
		if url := c.Central.URL; url != "" {
			all = append(all, pack.Way{Name: centralName, From: w.office(c), Distance: pack.Away})
		}
		all = append(all, w.gates()...)
	}
	return all
}

const centralName = "central"

// next returns how long to wait for the next look.
func (w *ways) next(now time.Time) time.Duration {
	at := w.dirNext
	if w.centralNext.Before(at) {
		at = w.centralNext
	}
	return max(at.Sub(now), 10*time.Millisecond)
}

// nowhere is a way that cannot even be tried.
type nowhere struct{ err error }

func (n nowhere) Fetch(context.Context, string, int64) ([]byte, error) { return nil, n.err }

// directory opens a directory anew each time it was not there before.
func (w *ways) directory(dir string) pack.Fetcher {
	if d, ok := w.dirs[dir]; ok {
		if _, err := os.Stat(dir); err == nil {
			return d
		}
		_ = d.Close()
		delete(w.dirs, dir)
	}
	d, err := pack.OpenDir(dir)
	if err != nil {
		return nowhere{err}
	}
	w.dirs[dir] = d
	return d
}

// office is the way to central.
func (w *ways) office(c *config.Config) pack.Fetcher {
	if w.central != nil && w.centralURL == c.Central.URL {
		return w.central
	}
	w.closeCentral()
	settings, err := w.officeTLS(&c.Central)
	if err != nil {
		return nowhere{err}
	}
	h, err := pack.NewHTTP(pack.HTTPOptions{
		Base: strings.TrimSuffix(c.Central.URL, "/") + "/v1/repository/", TLS: settings,
		Authorize: func(method, target string) string {
			return keyring.SignCall(w.self, uint32(w.id), method, target, time.Now(), nil)
		},
		Parts: filepath.Join(w.dataDir, "parts"), UserAgent: w.userAgent,
	})
	if err != nil {
		return nowhere{err}
	}
	w.central, w.centralURL = h, c.Central.URL
	return h
}

// gates returns some other gates that can be reached.
func (w *ways) gates() []pack.Way {
	if w.addressOf == nil {
		return nil
	}
	var all []pack.Way
	known := w.neighbours.now().gates
	ids := make([]gate.GateID, 0, len(known))
	for id := range known {
		if id != w.id {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for _, id := range ids {
		if len(all) == peersAsked {
			break
		}
		if from := w.peer(id); from != nil {
			all = append(all, pack.Way{Name: fmt.Sprintf("gate %d", id), From: from, Distance: pack.Nearby})
		}
	}
	return all
}

func (w *ways) peer(id gate.GateID) pack.Fetcher {
	at, ok := w.addressOf(id)
	key := w.neighbours.keyOf(id)
	if !ok || key == nil {
		return nil
	}
	name := fmt.Sprintf("%d %x %s", id, key[:8], at)
	if had, ok := w.peers[name]; ok {
		return had
	}
	client, err := keyring.ClientTLS(w.self, key, packProtocol)
	if err != nil {
		return nowhere{err}
	}
	h, err := pack.NewPeer(at, client, pack.HTTPOptions{Parts: filepath.Join(w.dataDir, "parts"), UserAgent: w.userAgent})
	if err != nil {
		return nowhere{err}
	}
	for other, had := range w.peers { // an address of before
		if strings.HasPrefix(other, fmt.Sprintf("%d ", id)) {
			_ = had.Close()
			delete(w.peers, other)
		}
	}
	w.peers[name] = h
	return h
}

// brought removes what somebody brought by hand, once the gate has it in use.
func (w *ways) brought(report *pack.Report) {
	incoming := filepath.Join(w.dataDir, pack.DirIncoming)
	for i := range report.Ways {
		r := &report.Ways[i]
		if r.Name != "directory "+incoming || (r.State != pack.StateCurrent && r.State != pack.StateNewer) {
			continue
		}
		if d, ok := w.dirs[incoming]; ok {
			_ = d.Close()
			delete(w.dirs, incoming)
		}
		_ = os.RemoveAll(incoming) // what stays is tried again, and removed then
	}
}

func (w *ways) closeCentral() {
	if h, ok := w.central.(*pack.HTTP); ok {
		_ = h.Close()
	}
	w.central = nil
}

// close gives back what the ways hold.
func (w *ways) close() {
	w.closeCentral()
	for _, d := range w.dirs {
		_ = d.Close()
	}
	for _, p := range w.peers {
		_ = p.Close()
	}
}

// rejected reports whether what was found on a way deserves a warning: somebody
// offers what is not right. A way that nobody answers on is no news; central is,
// and has a warning of its own.
func rejected(w *pack.WayReport) bool {
	switch w.State {
	case pack.StateCurrent, pack.StateNewer, pack.StateSlow, pack.StateResting:
		return false
	case pack.StateUnreachable:
		return !errors.Is(w.Err, context.Canceled) && strings.HasPrefix(w.Name, "directory ") && !errors.Is(w.Err, fs.ErrNotExist)
	case pack.StateBehind:
		// A gate that has not heard of the newest version yet.
		return !strings.HasPrefix(w.Name, "gate ")
	default:
		return true
	}
}
