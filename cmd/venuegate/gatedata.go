package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/logs"
	"github.com/venuegate/venuegate/sync/pack"
)

// errNoAnswer is returned when no gate runs on a data directory.
var errNoAnswer = errors.New("no gate answers")

// askGate asks the gate that runs on a data directory, through its control
// socket.
func askGate(ctx context.Context, data, method, path, contentType string, body []byte) ([]byte, error) {
	client := http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", appliance.ControlSocket(data))
		}},
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, method, "http://gate"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, advise(fmt.Errorf("%w on %s: %w", errNoAnswer, data, errors.Unwrap(err)),
			"Is venuegated running on that directory, and are you its user? With the package's user: sudo -u venuegate, before the command.")
	}
	defer func() { _ = answer.Body.Close() }()
	const most = 64 << 20
	said, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 != 2 {
		return nil, errors.New(strings.TrimSpace(string(said[:min(len(said), 4096)])))
	}
	return said, nil
}

// askOrRead asks a running gate for a JSON array, or reads the files of one that
// does not run. errNo means that not all could be read, and that standard error
// says what.
func (t *tool) askOrRead(ctx context.Context, data, path string, into any, read func(*gateData)) error {
	if data == "" {
		return usagef("--data is missing; it is data_dir in the gate's gate.toml")
	}
	said, err := askGate(ctx, data, http.MethodGet, path, "", nil)
	switch {
	case err == nil:
		return json.Unmarshal(said, into)
	case errors.Is(err, fs.ErrPermission) || !errors.Is(err, errNoAnswer):
		return err
	}
	d := gateData{dir: data, ledger: ledger.New(), packs: map[gate.EventID]*store.Pack{}}
	defer d.close()
	whole, err := d.open(t.err)
	if err != nil {
		return err
	}
	read(&d)
	if !whole {
		return errNo
	}
	return nil
}

// gateData is what stands in the files of a gate that does not run.
type gateData struct {
	dir    string
	ledger *ledger.Ledger
	venue  *pack.Venue // nil: none is installed
	packs  map[gate.EventID]*store.Pack
}

func (d *gateData) close() {
	for _, p := range d.packs {
		_ = p.Close() // it was only read
	}
}

// open reads packs, the gate's own journal, and what it holds of other gates'.
// What cannot be read is told, and the rest is read.
func (d *gateData) open(problems io.Writer) (whole bool, err error) {
	whole = true
	tell := func(err error) {
		whole = false
		_, _ = fmt.Fprintln(problems, err)
	}
	d.openPacks(tell)
	d.ledger.Trust(d.authority())
	dir := filepath.Join(d.dir, "journal")
	var own gate.GateID
	found, err := journal.Read(dir, func(r *ledger.Record, h ledger.Hash) error {
		own = r.Position.Gate
		return d.ledger.Restore(r, h)
	})
	if err != nil {
		return false, journalMissing(err, dir)
	}
	for _, damage := range found.Damage {
		tell(fmt.Errorf("%v", damage))
	}
	path := filepath.Join(d.dir, "logs.db")
	if _, err := os.Stat(path); err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			tell(err)
		}
		return whole, nil
	}
	l, recovery, err := logs.Open(logs.Options{Path: path, Gate: own, Ledger: d.ledger, Keys: d.keys})
	if err != nil {
		tell(fmt.Errorf("other gates' records: %w", err))
		return whole, nil
	}
	if recovery.Err != nil {
		tell(recovery.Err)
	}
	return whole, l.Close()
}

func (d *gateData) openPacks(tell func(error)) {
	root := filepath.Join(d.dir, "packs")
	entries, err := os.ReadDir(root)
	if err != nil {
		tell(fmt.Errorf("the gate's packs: %w", err))
		return
	}
	var newest uint64
	for _, e := range entries {
		event, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil || !e.IsDir() {
			continue
		}
		p, err := store.OpenInstalled(root, gate.EventID(event))
		if err != nil {
			tell(err)
			continue
		}
		d.packs[gate.EventID(event)] = p
		if venue, err := pack.DecodeVenue(p.Venue()); err != nil {
			tell(fmt.Errorf("event %s: %w", e.Name(), err))
		} else if v := p.Info().Version; d.venue == nil || v > newest {
			d.venue, newest = venue, v
		}
	}
}

// authority says whose orders count, by the newest pack's roster.
func (d *gateData) authority() ledger.Authority {
	if d.venue == nil {
		return ledger.Authority{}
	}
	return ledger.Authority{
		Staff: func(id uint32) (ed25519.PublicKey, bool, bool) {
			for _, s := range d.venue.Staff {
				if s.ID == id {
					return ed25519.PublicKey(s.Key), slices.Contains(s.Roles, "supervisor"), true
				}
			}
			return nil, false, false
		},
		Gate: func(id gate.GateID) bool {
			return slices.ContainsFunc(d.venue.Gates, func(g pack.Gate) bool { return g.ID == uint32(id) })
		},
	}
}

// keys returns the keys that a gate has and had.
func (d *gateData) keys(id gate.GateID, _ uint32) (keys []ed25519.PublicKey) {
	if d.venue == nil {
		return nil
	}
	for _, g := range d.venue.Gates {
		if g.ID != uint32(id) {
			continue
		}
		keys = append(keys, ed25519.PublicKey(g.Key))
		for _, k := range g.Former {
			keys = append(keys, ed25519.PublicKey(k))
		}
	}
	return keys
}

// limits says what tickets allow by the packs. A ticket that no pack knows lets
// one person in once.
func (d *gateData) limits() ledger.Limits {
	var t gate.Ticket
	return ledger.Limits{
		Ticket: func(event gate.EventID, id gate.TicketID, _ gate.SessionID) (open, entries int) {
			p := d.packs[event]
			if p == nil {
				return 1, 1
			}
			if known, err := p.Ticket(id, &t); err != nil || !known {
				return 1, 1
			}
			return p.Policy().Limits(&t)
		},
		OnePerson: func(event gate.EventID) bool {
			p := d.packs[event]
			return p != nil && p.Policy().OnePerson
		},
	}
}
