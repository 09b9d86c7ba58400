package central

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

const keySize = 32 // bytes of every key made here

// Secrets are an event's keys for tags. Gates hold them too; they make no
// ticket. They are deleted when the event is over.
type Secrets struct {
	DocumentKey []byte
	CodeKey     []byte
}

type secretsJSON struct {
	DocumentKey string `json:"document_key"`
	CodeKey     string `json:"code_key"`
}

// Encode returns the content of the file that a gate keeps under
// secrets/<event id>.json.
func (s Secrets) Encode() []byte {
	data, _ := json.MarshalIndent(secretsJSON{hex.EncodeToString(s.DocumentKey), hex.EncodeToString(s.CodeKey)}, "", "  ")
	return append(data, '\n')
}

// Format keeps the keys out of logs, whatever the verb.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[event keys]") }

func newSecrets(random io.Reader) (Secrets, error) {
	keys := make([]byte, 2*keySize)
	if _, err := io.ReadFull(random, keys); err != nil {
		return Secrets{}, fmt.Errorf("make the event's keys: %w", err)
	}
	return Secrets{DocumentKey: keys[:keySize:keySize], CodeKey: keys[keySize:]}, nil
}

// loadSecrets reads an event's keys. No error quotes the file.
func loadSecrets(path string) (Secrets, error) {
	var file secretsJSON
	if err := readKeys(path, &file); err != nil {
		return Secrets{}, err
	}
	document, err1 := hex.DecodeString(file.DocumentKey)
	code, err2 := hex.DecodeString(file.CodeKey)
	if err1 != nil || err2 != nil || len(document) != keySize || len(code) != keySize {
		return Secrets{}, fmt.Errorf("%s: want document_key and code_key of %d hex digits", path, 2*keySize)
	}
	return Secrets{DocumentKey: document, CodeKey: code}, nil
}

type issuerJSON struct {
	ID       string `json:"id"`
	Seed     string `json:"seed"`      // of the Ed25519 private key
	IssueKey string `json:"issue_key"` // seeds every chain
}

func newIssuer(id uint16, random io.Reader) (ticket.Issuer, error) {
	keys := make([]byte, ed25519.SeedSize+keySize)
	if _, err := io.ReadFull(random, keys); err != nil {
		return ticket.Issuer{}, fmt.Errorf("make the issuer's keys: %w", err)
	}
	return ticket.Issuer{
		KeyID: id, Private: ed25519.NewKeyFromSeed(keys[:ed25519.SeedSize]), IssueKey: keys[ed25519.SeedSize:],
	}, nil
}

func saveIssuer(dir string, is ticket.Issuer) error {
	data, err := json.MarshalIndent(issuerJSON{
		ID: strconv.Itoa(int(is.KeyID)), Seed: hex.EncodeToString(is.Private.Seed()), IssueKey: hex.EncodeToString(is.IssueKey),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("issuer %d: %w", is.KeyID, err)
	}
	return writeFile(filepath.Join(dir, dirIssuers, strconv.Itoa(int(is.KeyID))+".json"), append(data, '\n'))
}

// loadIssuers reads the private keys of all issuers by their ids.
func loadIssuers(dir string) (map[uint16]ticket.Issuer, error) {
	entries, err := os.ReadDir(filepath.Join(dir, dirIssuers))
	if err != nil {
		return nil, fmt.Errorf("issuers' keys: %w", err)
	}
	issuers := map[uint16]ticket.Issuer{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		id, err := strconv.ParseUint(name, 10, 16)
		if !ok || err != nil {
			continue
		}
		path := filepath.Join(dir, dirIssuers, e.Name())
		var file issuerJSON
		if err := readKeys(path, &file); err != nil {
			return nil, err
		}
		seed, err1 := hex.DecodeString(file.Seed)
		issueKey, err2 := hex.DecodeString(file.IssueKey)
		if err1 != nil || err2 != nil || len(seed) != ed25519.SeedSize || len(issueKey) != keySize || file.ID != name {
			return nil, fmt.Errorf("%s: want id %s, and seed and issue_key of %d hex digits", path, name, 2*keySize)
		}
		issuers[uint16(id)] = ticket.Issuer{KeyID: uint16(id), Private: ed25519.NewKeyFromSeed(seed), IssueKey: issueKey}
	}
	if len(issuers) == 0 {
		return nil, fmt.Errorf("%s holds no issuer's key", filepath.Join(dir, dirIssuers))
	}
	return issuers, nil
}

// readKeys reads a file of keys; the decoder's own errors could quote one.
func readKeys(path string, into any) error {
	data, err := readSecret(path)
	var mode *ModeError
	switch {
	case errors.As(err, &mode):
		return err
	case err != nil:
		return fmt.Errorf("read keys: %w", err)
	}
	if json.Unmarshal(data, into) != nil {
		return fmt.Errorf("%s: not the JSON object that is expected", path)
	}
	return nil
}

// publicKey is what an event.json says of an issuer.
func publicKey(is ticket.Issuer, event uint32) keyring.IssuerKey {
	return keyring.IssuerKey{
		ID: is.KeyID, Algorithm: keyring.Ed25519, Public: is.Private.Public().(ed25519.PublicKey), Events: []uint32{event},
	}
}
