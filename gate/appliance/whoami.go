package appliance

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/sync/pack"
)

// errNotInRoster says that the roster knows neither the gate's id nor its key,
// as one that is older than the gate does.
var errNotInRoster = errors.New("neither its id nor its key is in the roster")

// loadIdentity reads the gate's key, or says how to make one.
func loadIdentity(path string) (*keyring.Gate, error) {
	key, err := keyring.LoadGate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("this gate has no key at %s: leave gate.id out of the configuration and hold the office's enrolment code up to a reader, or copy the data directory that was made for it", path)
	}
	return key, err
}

// openIdentity loads the gate's key and compares it and the configured id with
// the roster. It comes before the journal, which is bound to the id from its
// first record on.
func (a *Appliance) openIdentity(_ context.Context, o *Options) error {
	key, err := loadIdentity(filepath.Join(o.Config.Gate.DataDir, "identity.key"))
	if err != nil {
		return err
	}
	a.key = key
	err = a.packs.roster().identify(o.Config.Gate.ID, key.Public())
	if errors.Is(err, errNotInRoster) {
		return nil // checkUp shows it
	}
	return err
}

// identify compares a gate's id and public key with the roster.
func (r *roster) identify(id gate.GateID, key ed25519.PublicKey) error {
	if r.gates == nil {
		return nil
	}
	for _, g := range r.gates {
		if ed25519.PublicKey(g.Key).Equal(key) {
			if g.ID == uint32(id) {
				return nil
			}
			return wrongID("is %d, but identity.key is gate %d's (%s) in the roster: set gate.id = %d, or use the data directory that was made for gate %d",
				id, g.ID, g.Name, g.ID, id)
		}
	}
	for _, g := range r.gates {
		if g.ID == uint32(id) {
			return wrongID("is %d, but identity.key is not the key of gate %d (%s) in the roster: use the data directory that was made for it, "+
				"or put the public half of this key in the venue's file and build the pack anew", id, id, g.Name)
		}
	}
	return fmt.Errorf("gate %d: %w", id, errNotInRoster)
}

// wrongID is a mistake of the configuration: no restart mends it.
func wrongID(format string, args ...any) error {
	return config.Errors{{Path: "gate.id", Problem: fmt.Sprintf(format, args...)}}
}

// laneTrouble says why a lane is not one of a gate's, or nothing.
func (r *roster) laneTrouble(of gate.GateID, id gate.LaneID) string {
	for _, g := range r.gates {
		if g.ID == uint32(of) && hasLane(g.Lanes, id) {
			return ""
		}
	}
	for _, g := range r.gates {
		if hasLane(g.Lanes, id) {
			return fmt.Sprintf("it is a lane of gate %d, %s", g.ID, g.Name)
		}
	}
	if r.gates == nil {
		return ""
	}
	return "no gate has it"
}

func hasLane(lanes []pack.Lane, id gate.LaneID) bool {
	return slices.ContainsFunc(lanes, func(l pack.Lane) bool { return l.ID == uint16(id) })
}

// checkRoster makes the warnings about the roster those of now.
func (a *Appliance) checkRoster(now time.Time, r *roster, c *config.Config) {
	if err := r.identify(c.Gate.ID, a.key.Public()); err != nil {
		a.health.Set(now, health.GateUnknown, "", health.Detail{Cause: err.Error()})
	} else {
		a.health.Clear(now, health.GateUnknown, "")
	}
	here := map[string]bool{}
	for subject, why := range r.unlisted(c.Gate.ID, c.Lanes) {
		here[subject] = true
		a.health.Set(now, health.LaneUnknown, subject, health.Detail{Cause: why})
	}
	for _, run := range a.lanes.all() {
		id := run.config.ID
		if why := r.laneTrouble(c.Gate.ID, id); why != "" {
			number := strconv.Itoa(int(id))
			here[number] = true
			a.health.Set(now, health.LaneUnknown, number, health.Detail{Cause: why})
		}
	}
	for _, w := range a.health.Current() {
		if w.Code == health.LaneUnknown && !here[w.Subject] {
			a.health.Clear(now, health.LaneUnknown, w.Subject)
		}
	}
}
