package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"text/template"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

// gateDir is what one gate needs, ready to be copied to its box: nothing in it
// can make a ticket.
type gateDir struct {
	dir        string // absolute
	repository string
}

func (g gateDir) config() string { return filepath.Join(g.dir, "gate.toml") }

func (g gateDir) data() string { return filepath.Join(g.dir, "data") }

// make writes the gate's configuration and data directory.
func (g gateDir) make(office *central.Office, roster pack.Gate, key *keyring.Gate) error {
	for _, sub := range []string{"secrets", "packs", "journal"} {
		if err := os.MkdirAll(filepath.Join(g.data(), sub), 0o700); err != nil {
			return fmt.Errorf("make the gate's directory: %w", err)
		}
	}
	if err := key.Save(filepath.Join(g.data(), "identity.key")); err != nil {
		return err
	}
	root, err := office.Root()
	if err != nil {
		return err
	}
	if err := pack.Enrol(filepath.Join(g.data(), "trust"), root); err != nil {
		return err
	}
	for _, e := range office.Events() {
		secrets, err := office.Secrets(gate.EventID(e.ID))
		if err != nil {
			return err
		}
		file := filepath.Join(g.data(), "secrets", strconv.FormatUint(uint64(e.ID), 10)+".json")
		if err := writeNew(file, secrets.Encode()); err != nil {
			return fmt.Errorf("write the event's keys: %w", err)
		}
	}
	text, err := g.toml(roster)
	if err != nil {
		return err
	}
	if err := writeNew(g.config(), text); err != nil {
		return fmt.Errorf("write the gate's configuration: %w", err)
	}
	return nil
}

//go:embed gate.toml.tmpl
var gateTemplate string

// toml returns the gate's configuration: a lane for each of the roster's, whose
// devices are still to be named.
func (g gateDir) toml(roster pack.Gate) ([]byte, error) {
	quote := func(text string) (string, error) { // a JSON string is a TOML string
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err := enc.Encode(text)
		return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
	}
	t, err := template.New("gate.toml").Funcs(template.FuncMap{"quote": quote}).Parse(gateTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{"Gate": roster, "Data": g.data(), "Repository": g.repository})
	if err != nil {
		return nil, fmt.Errorf("gate.toml: %w", err)
	}
	// What a gate would refuse is found here, not at the gate.
	if _, err := config.Parse(b.Bytes()); err != nil {
		return nil, fmt.Errorf("gate.toml: %w", err)
	}
	return b.Bytes(), nil
}

// writeNew writes a file of mode 0600 that was not there, and syncs it.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
