package appliance

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/pack"
)

const (
	sealPurpose = "gate keys"
	keptName    = "gate-keys"
	keyringDir  = "keys"
)

// gateKeys are the secrets that the venue gave this gate, sealed to it in the
// signed repository: the network's keys, and the events' keys for tags.
type gateKeys struct {
	Network []networkKey           `json:"network"`
	Events  map[string]secretsFile `json:"events"`
}

type networkKey struct {
	Key string `json:"key"` // 64 hex digits
	Use bool   `json:"use"`
}

// parseGateKeys reads what was sealed. No error quotes it.
func parseGateKeys(data []byte) (*gateKeys, error) {
	var k gateKeys
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, errors.New("sealed keys: not the JSON object that is expected")
	}
	for i, n := range k.Network {
		if key, err := hex.DecodeString(n.Key); err != nil || len(key) != gossip.KeySize {
			return nil, fmt.Errorf("sealed keys: network[%d].key is not %d hex digits", i, 2*gossip.KeySize)
		}
	}
	for _, event := range slices.Sorted(maps.Keys(k.Events)) {
		if _, err := k.Events[event].keys(); err != nil {
			return nil, fmt.Errorf("sealed keys: events.%s.%w", event, err)
		}
	}
	return &k, nil
}

func (f secretsFile) keys() (s lane.Secrets, err error) {
	if s.DocumentKey, err = secretKey(f.DocumentKey); err != nil {
		return lane.Secrets{}, fmt.Errorf("document_key %w", err)
	}
	if s.CodeKey, err = secretKey(f.CodeKey); err != nil {
		return lane.Secrets{}, fmt.Errorf("code_key %w", err)
	}
	return s, nil
}

// network returns the keys of the network, the one to use first, and nil where
// there is none.
func (k *gateKeys) network() [][]byte {
	if k == nil {
		return nil
	}
	var keys [][]byte
	for _, n := range k.Network {
		key, err := hex.DecodeString(n.Key)
		if err != nil {
			continue // parseGateKeys has seen to it
		}
		if n.Use && len(keys) > 0 {
			keys = slices.Insert(keys, 0, key)
		} else {
			keys = append(keys, key)
		}
	}
	return keys
}

// vault keeps the gate's secrets: in memory for use, and at rest.
type vault struct {
	self  *keyring.Gate
	store *seal.Store

	mu  sync.Mutex
	raw []byte // as it was sealed last
	now *gateKeys
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

// openVault reads the secrets that are at rest.
func openVault(ctx context.Context, dataDir string, self *keyring.Gate, guard seal.Guard) (*vault, error) {
	store, err := seal.OpenStore(filepath.Join(dataDir, keyringDir), guard)
	if err != nil {
		return nil, err
	}
	v := &vault{self: self, store: store}
	plain, err := store.Get(ctx, keptName)
	switch {
	case errors.Is(err, seal.ErrNoSecret):
		return v, nil
	case err != nil:
		return v, err
	}
	v.now, err = parseGateKeys(plain)
	return v, err
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
	plain, err := seal.Open(v.self, sealPurpose, sealed)
	if err != nil {
		return false, err
	}
	keys, err := parseGateKeys(plain)
	if err != nil {
		return false, err
	}
	v.raw, v.now = sealed, keys
	if _, err := v.store.Put(ctx, keptName, plain); err != nil {
		return true, fmt.Errorf("the gate's keys are in use, but cannot be kept: %w", err)
	}
	return true, nil
}

// keys returns the secrets in use, or nil.
func (v *vault) keys() *gateKeys {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// event returns an event's keys for tags.
func (v *vault) event(id gate.EventID) (lane.Secrets, bool) {
	k := v.keys()
	if k == nil {
		return lane.Secrets{}, false
	}
	file, ok := k.Events[strconv.FormatUint(uint64(id), 10)]
	if !ok {
		return lane.Secrets{}, false
	}
	s, err := file.keys()
	return s, err == nil
}

// eventKeys returns an event's keys: those on the gate's disk where somebody put
// them there by hand, else those that were sealed to it.
func (a *Appliance) eventKeys(event gate.EventID) (s lane.Secrets, loose string, err error) {
	s, loose, err = loadSecrets(a.config().Gate.DataDir, event)
	if err == nil && s.DocumentKey == nil && s.CodeKey == nil && a.vault != nil {
		s, _ = a.vault.event(event)
	}
	return s, loose, err
}

// loose returns the files in which secrets stand in plain.
func (v *vault) loose() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	files, err := v.store.Loose()
	if err != nil {
		return nil
	}
	return files
}
