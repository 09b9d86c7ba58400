package enrol

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
)

// Purpose is what a gate's keys are sealed for.
const Purpose = "gate keys"

// NetworkSecret is the name under which a store holds the network's keys, as
// JSON: a list of {"key", "use"}. An event's keys have its number for a name, and
// are {"document_key", "code_key"}. All keys are in hex.
const NetworkSecret = "network"

// ErrKeys is a sealed message that holds no keys of a gate. What is wrong follows
// it, and never what was in it.
var ErrKeys = errors.New("the keys that came sealed are not in order")

// Keys are what central seals to a gate.
type Keys struct {
	Network []NetworkKey               // of the venue's gossip; exactly one is used to send, if there are any
	Events  map[gate.EventID]EventKeys // of the events that are not over
}

// NetworkKey is a key of the venue's gossip.
type NetworkKey struct {
	Key []byte // 16, 24 or 32 bytes
	Use bool   // to send with; the others are only understood
}

// EventKeys are an event's keys for tags. They make no ticket.
type EventKeys struct {
	DocumentKey []byte // empty: the event has none
	CodeKey     []byte // empty: the event has none
}

// Format keeps the keys out of logs, whatever the verb.
func (k Keys) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[gate keys]") }

// Format keeps the key out of logs, whatever the verb.
func (k NetworkKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[network key]") }

// Format keeps the keys out of logs, whatever the verb.
func (k EventKeys) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[event keys]") }

type keysJSON struct {
	Network []networkJSON        `json:"network"`
	Events  map[string]eventJSON `json:"events"`
}

type networkJSON struct {
	Key string `json:"key"`
	Use bool   `json:"use"`
}

type eventJSON struct {
	DocumentKey string `json:"document_key"`
	CodeKey     string `json:"code_key"`
}

const (
	leastEventKey = 16 // bytes
	mostEventKey  = 64
	mostNetwork   = 16 // keys
	mostEvents    = 1000
)

// OpenKeys opens what was sealed to a gate. The errors are those of seal.Open,
// and [ErrKeys].
func OpenKeys(g *keyring.Gate, sealed []byte) (Keys, error) {
	plain, err := seal.Open(g, Purpose, sealed)
	if err != nil {
		return Keys{}, err
	}
	defer clear(plain)
	return ParseKeys(plain)
}

// ParseKeys reads the message in the envelope. The error is [ErrKeys].
func ParseKeys(plain []byte) (Keys, error) {
	wrong := func(format string, args ...any) (Keys, error) {
		return Keys{}, fmt.Errorf("%w: %s", ErrKeys, fmt.Sprintf(format, args...))
	}
	var in keysJSON
	d := json.NewDecoder(bytes.NewReader(plain))
	if err := d.Decode(&in); err != nil { // the decoder's own words could quote a key
		return wrong("not the JSON object that is expected")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return wrong("something follows them")
	}
	if len(in.Network) > mostNetwork || len(in.Events) > mostEvents {
		return wrong("%d network keys and keys of %d events", len(in.Network), len(in.Events))
	}
	out := Keys{Events: make(map[gate.EventID]EventKeys, len(in.Events))}
	used := 0
	for i, n := range in.Network {
		key, err := hex.DecodeString(n.Key)
		if err != nil || len(key) != 16 && len(key) != 24 && len(key) != 32 {
			return wrong("network key %d is not 16, 24 or 32 bytes of hex", i)
		}
		if n.Use {
			used++
		}
		out.Network = append(out.Network, NetworkKey{key, n.Use})
	}
	if len(in.Network) > 0 && used != 1 {
		return wrong("%d network keys are for use, want one", used)
	}
	for id, e := range in.Events {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != id {
			return wrong("an event's number is none")
		}
		document, documentErr := eventKey(e.DocumentKey)
		code, codeErr := eventKey(e.CodeKey)
		if documentErr != nil || codeErr != nil {
			return wrong("a key of event %d is not %d to %d bytes of hex", n, leastEventKey, mostEventKey)
		}
		out.Events[gate.EventID(n)] = EventKeys{document, code}
	}
	return out, nil
}

func eventKey(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) < leastEventKey || len(key) > mostEventKey {
		return nil, ErrKeys
	}
	return key, nil
}

// Keep makes the keys in a store those that central gave: new ones are put,
// others replaced, and those of events that central does not name any more,
// because they are over, wiped. Keys that are there already are not written
// again. loose is why the machine's own protection could not be used, where it
// should have been: the keys are then kept in plain; see [seal.Store.Put].
func (k Keys) Keep(ctx context.Context, store *seal.Store) (loose, err error) {
	want, err := k.secrets()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		had, err := store.Get(ctx, name)
		if err == nil && bytes.Equal(had, want[name]) {
			continue
		}
		inPlain, err := store.Put(ctx, name, want[name])
		switch {
		case err != nil && inPlain:
			loose = err
		case err != nil:
			return loose, err
		}
	}
	names, err := store.Names()
	if err != nil {
		return loose, err
	}
	for _, name := range names {
		_, kept := want[name]
		if _, err := strconv.ParseUint(name, 10, 32); err != nil && name != NetworkSecret {
			continue // somebody else's
		}
		if !kept {
			if err := store.Wipe(name); err != nil {
				return loose, err
			}
		}
	}
	return loose, nil
}

// secrets returns what a store holds of the keys, by name.
func (k Keys) secrets() (map[string][]byte, error) {
	out := map[string][]byte{}
	add := func(name string, v any) error {
		data, err := json.Marshal(v)
		out[name] = data
		return err
	}
	var errs []error
	if len(k.Network) > 0 {
		list := make([]networkJSON, len(k.Network))
		for i, n := range k.Network {
			list[i] = networkJSON{hex.EncodeToString(n.Key), n.Use}
		}
		errs = append(errs, add(NetworkSecret, list))
	}
	for id, e := range k.Events {
		name := strconv.FormatUint(uint64(id), 10)
		errs = append(errs, add(name, eventJSON{hex.EncodeToString(e.DocumentKey), hex.EncodeToString(e.CodeKey)}))
	}
	return out, errors.Join(errs...)
}

// LoadKeys reads the keys that a store holds. A store without any has none. What
// cannot be had is left out and joined in the error, each a [*seal.SecretError]
// or [ErrKeys]: the rest can be used.
func LoadKeys(ctx context.Context, store *seal.Store) (Keys, error) {
	names, err := store.Names()
	if err != nil {
		return Keys{}, err
	}
	in := Keys{Events: map[gate.EventID]EventKeys{}}
	var errs []error
	for _, name := range names {
		data, err := store.Get(ctx, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		message := fmt.Appendf(nil, `{"events":{"%s":%s}}`, name, data)
		if name == NetworkSecret {
			message = fmt.Appendf(nil, `{"network":%s}`, data)
		} else if _, err := strconv.ParseUint(name, 10, 32); err != nil {
			continue
		}
		one, err := ParseKeys(message)
		if err != nil {
			errs = append(errs, fmt.Errorf("secret %s: %w", name, err))
			continue
		}
		in.Network = append(in.Network, one.Network...)
		maps.Copy(in.Events, one.Events)
	}
	return in, errors.Join(errs...)
}
