package gossip

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
)

const (
	memoryVersion = 1
	maxMemory     = 1 << 20 // bytes
)

// memory is the file that keeps where peers were last.
type memory struct {
	Version int            `json:"version"`
	Peers   []rememberedAt `json:"peers"`
}

type rememberedAt struct {
	Gate    Peer           `json:"gate"`
	Address netip.AddrPort `json:"address"`
}

func parseMemory(b []byte) (memory, error) {
	var m memory
	if len(b) > maxMemory {
		return m, fmt.Errorf("gossip: peers file: more than %d bytes", maxMemory)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("gossip: peers file: %w", err)
	}
	if m.Version != memoryVersion {
		return m, fmt.Errorf("gossip: peers file: version %d, not %d", m.Version, memoryVersion)
	}
	for i, p := range m.Peers {
		if !p.Address.IsValid() || p.Address.Port() == 0 || p.Address.Addr().IsUnspecified() || p.Address.Addr().IsMulticast() {
			return m, fmt.Errorf("gossip: peers file: entry %d: gate %d has no address that can be called", i, p.Gate)
		}
	}
	return m, nil
}

// recall gives the peers the addresses of the file. One that cannot be read is
// no reason to stay down: the roster has addresses too.
func (p *peers) recall(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("gossip: peers file: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxMemory+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("gossip: peers file: %w", err)
	}
	m, err := parseMemory(b)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range m.Peers {
		if s := p.table[r.Gate]; s != nil {
			s.learned = r.Address
			s.place()
		}
	}
	return nil
}

// remember writes the file if an address changed.
func (p *peers) remember(name string) error {
	p.mu.Lock()
	changed := p.changed
	p.changed = false
	m := memory{Version: memoryVersion, Peers: []rememberedAt{}}
	for _, s := range p.order {
		if s.learned.IsValid() {
			m.Peers = append(m.Peers, rememberedAt{s.peer, s.learned})
		}
	}
	p.mu.Unlock()
	if name == "" || !changed {
		return nil
	}
	err := writeMemory(name, m)
	if err != nil {
		p.mu.Lock()
		p.changed = true
		p.mu.Unlock()
	}
	return err
}

// writeMemory replaces the file: after a power cut there is the old or the new.
func writeMemory(name string, m memory) (err error) {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("gossip: peers file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("gossip: peers file: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("gossip: peers file: %w", errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), name); err != nil {
		return err
	}
	dir, derr := os.Open(filepath.Dir(name))
	if derr != nil {
		return nil // renamed; only the order on the disk is in doubt
	}
	return errors.Join(dir.Sync(), dir.Close())
}
