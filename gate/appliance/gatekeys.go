package appliance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/pack"
)

// dirSecrets is where a gate's secrets are at rest, below its data directory:
// enrolment puts the first there, packs bring later ones.
const dirSecrets = "secrets"

// vault keeps the secrets that the venue gave this gate, sealed to it when it
// was enrolled and in the signed repository: the network's keys, and the events'
// keys for tags. They are in memory for use, and at rest.
type vault struct {
	self  *keyring.Gate
	store *seal.Store

	mu  sync.Mutex
	raw []byte // as it was sealed last
	now enrol.Keys
}

// findGuard looks for the machine's own way to keep secrets.
func findGuard(ctx context.Context) seal.Guard {
	const patience = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if systemd, err := seal.FindSystemd(ctx, ""); err == nil {
		return systemd
	}
	return nil
}

// openVault reads the secrets that are at rest. With an error and a vault, some
// of them cannot be used.
func openVault(ctx context.Context, dataDir string, self *keyring.Gate, guard seal.Guard) (*vault, error) {
	store, err := seal.OpenStore(filepath.Join(dataDir, dirSecrets), guard)
	if err != nil {
		return nil, err
	}
	v := &vault{self: self, store: store}
	v.now, err = enrol.LoadKeys(ctx, store)
	return v, unlessByHand(err)
}

// unlessByHand leaves out of joined errors those about files that others may
// read: somebody put them there by hand, and loadSecrets takes and reports them.
func unlessByHand(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	return errors.Join(slices.DeleteFunc(slices.Clone(joined.Unwrap()), func(e error) bool {
		var mode *seal.ModeError
		return errors.As(e, &mode)
	})...)
}

// renew takes what a verified repository has sealed to this gate. It reports
// whether anything is new.
func (v *vault) renew(ctx context.Context, repo *pack.Repository, id gate.GateID) (bool, error) {
	sealed, err := repo.Sealed(ctx, uint32(id))
	var missing *pack.MissingError
	if errors.As(err, &missing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if bytes.Equal(sealed, v.raw) {
		return false, nil
	}
	keys, err := enrol.OpenKeys(v.self, sealed)
	if err != nil {
		return false, err
	}
	changed := !reflect.DeepEqual(keys, v.now)
	v.raw, v.now = sealed, keys
	if _, err := keys.Keep(ctx, v.store); err != nil {
		return changed, fmt.Errorf("the gate's keys are in use, but cannot be kept: %w", err)
	}
	return changed, nil
}

// network returns the keys of the network, the one to use first, and nil where
// there is none.
func (v *vault) network() [][]byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	var keys [][]byte
	for _, n := range v.now.Network {
		if n.Use {
			keys = slices.Insert(keys, 0, n.Key)
		} else {
			keys = append(keys, n.Key)
		}
	}
	return keys
}

// event returns an event's keys for tags.
func (v *vault) event(id gate.EventID) (lane.Secrets, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.now.Events[id]
	return lane.Secrets{DocumentKey: k.DocumentKey, CodeKey: k.CodeKey}, ok
}

// forget wipes the keys of an event that is over.
func (v *vault) forget(id gate.EventID) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.now.Events, id)
	return v.store.Wipe(strconv.FormatUint(uint64(id), 10))
}

// eventKeys returns an event's keys: those that were sealed to this gate, else
// those that somebody put on its disk by hand.
func (a *Appliance) eventKeys(event gate.EventID) (s lane.Secrets, loose string, err error) {
	if a.vault != nil {
		if s, ok := a.vault.event(event); ok {
			return s, "", nil
		}
	}
	return loadSecrets(a.config().Gate.DataDir, event)
}

// loose returns the files in which secrets that came sealed stand in plain.
func (v *vault) loose() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.now.Network) == 0 {
		return nil // central sealed nothing to this gate
	}
	files, err := v.store.Loose()
	if err != nil {
		return nil
	}
	return files
}
