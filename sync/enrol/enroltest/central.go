// Package enroltest is central's side of an enrolment for tests: it checks what a
// gate sends as docs/protocol/central.yaml has it, and can be told to misbehave.
// Tests of sync/enrol and of the commands use it; nothing else does.
package enroltest

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
)

// Code is a code that is good once.
const Code = "MZXW6YTBOJRGCZTPN5RGC4TCMF"

// Keys is what a Central seals to its gates.
const Keys = `{"network":[{"key":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","use":true}],` +
	`"events":{"1":{"document_key":"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf","code_key":"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"}}}`

// Central is a central that has one place to give: gate 7, North 3.
type Central struct {
	Root  []byte // root.json
	Keys  string // what is sealed
	Fault func(w http.ResponseWriter, r *http.Request) bool
	// Change may spoil an answer.
	Change func(answer map[string]any)

	mu     sync.Mutex
	public string // who used the code
	calls  int
	wrong  []string
}

// New returns a central with a root of its own.
func New() (*Central, error) {
	root, err := root()
	return &Central{Root: root, Keys: Keys}, err
}

// root makes a root of The Update Framework, one key for everything.
func root() ([]byte, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	r := metadata.Root(time.Now().AddDate(1, 0, 0))
	key, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		return nil, err
	}
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		if err := r.Signed.AddKey(key, role); err != nil {
			return nil, err
		}
	}
	signer, err := signature.LoadED25519Signer(private)
	if err != nil {
		return nil, err
	}
	if _, err := r.Sign(signer); err != nil {
		return nil, err
	}
	return r.ToBytes(false)
}

// Calls is how often it was asked, and Wrong what no gate should have sent.
func (c *Central) Calls() (n int, wrong []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls, c.wrong
}

// ServeHTTP answers POST /v1/enrolments: the same code and public key always
// alike.
func (c *Central) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.Fault != nil && c.Fault(w, r) {
		return
	}
	var q struct{ Code, Public, Seal, Name string }
	body, err := io.ReadAll(io.LimitReader(r.Body, 4096))
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	_, keyErr := keyring.ParsePublic(q.Public)
	sealing, sealErr := hex.DecodeString(q.Seal)
	if err != nil || keyErr != nil || sealErr != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/enrolments" ||
		r.Header.Get("Content-Type") != "application/json" {
		c.wrong = append(c.wrong, fmt.Sprintf("%s %s: %v, %v, %v", r.Method, r.URL.Path, err, keyErr, sealErr))
		problem(w, http.StatusUnprocessableEntity, "invalid")
		return
	}
	switch {
	case q.Code != Code:
		problem(w, http.StatusNotFound, "no such enrolment code")
		return
	case c.public != "" && c.public != q.Public:
		problem(w, http.StatusGone, "the enrolment code was used already")
		return
	}
	sealed, err := seal.Seal(sealing, "gate keys", []byte(c.Keys))
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	c.public = q.Public
	answer := map[string]any{
		"venue": "1", "gate": strconv.Itoa(7), "incarnation": "2", "name": "North 3",
		"root": c.Root, "sealed": sealed, "addresses": []string{"10.0.0.17:7946"},
	}
	if c.Change != nil {
		c.Change(answer)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(answer) // whoever asked may be gone
}

func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}
