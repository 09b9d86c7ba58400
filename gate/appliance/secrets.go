package appliance

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
)

// secretsFile is an event's keys on the gate's disk: <data>/secrets/<event>.json.
// They make tags of documents and foreign codes, and no ticket.
type secretsFile struct {
	DocumentKey string `json:"document_key"` // hex
	CodeKey     string `json:"code_key"`     // hex
}

// secretsOf returns an event's keys; loose is the path of a file that others may
// read.
type secretsOf func(event gate.EventID) (s lane.Secrets, loose string, err error)

// leastKey is the shortest key that is believed to be one, in bytes.
const leastKey = 16

// secretsPath returns where an event's keys lie.
func secretsPath(dataDir string, event gate.EventID) string {
	return filepath.Join(dataDir, dirSecrets, strconv.FormatUint(uint64(event), 10)+".json")
}

// loadSecrets reads an event's keys. An event without a file has none: codes of
// our own still work there. loose is the path when others may read the file.
func loadSecrets(dataDir string, event gate.EventID) (s lane.Secrets, loose string, err error) {
	path := secretsPath(dataDir, event)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return lane.Secrets{}, "", nil
	}
	if err != nil {
		return lane.Secrets{}, "", fmt.Errorf("event keys: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return lane.Secrets{}, "", fmt.Errorf("event keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		loose = path
	}
	decoder := json.NewDecoder(f)
	decoder.DisallowUnknownFields()
	var file secretsFile
	if err := decoder.Decode(&file); err != nil {
		// The decoder's own words could quote a key.
		return lane.Secrets{}, loose, fmt.Errorf("event keys %s: not the JSON object that is expected", path)
	}
	if s, err = file.keys(); err != nil {
		return lane.Secrets{}, loose, fmt.Errorf("event keys %s: %w", path, err)
	}
	return s, loose, nil
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

func secretKey(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	key, err := hex.DecodeString(text)
	switch {
	case err != nil:
		return nil, errors.New("is not hex")
	case len(key) < leastKey:
		return nil, fmt.Errorf("has %d bytes, want at least %d", len(key), leastKey)
	}
	return key, nil
}
