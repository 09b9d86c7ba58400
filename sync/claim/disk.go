package claim

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// remembered is what a gate keeps about its keepers over a restart.
type remembered struct {
	cluster cluster
	member  Server // the keeper that this gate is in the cluster; zero: none
}

// disk keeps a keeper's log and what a gate remembers.
type disk interface {
	load() (remembered, error)
	save(remembered) error
	// open opens the log of a cluster, empty at first.
	open(c cluster, log io.Writer) (*stores, error)
	// drop puts the log of a cluster aside.
	drop(c cluster) error
}

// stores is where Raft keeps its state.
type stores struct {
	logs   raft.LogStore
	stable raft.StableStore
	snaps  raft.SnapshotStore
	close  func() error
}

// Memory is a disk in memory: what a simulated box keeps over a restart. A
// wiped box gets a new one.
type Memory struct {
	mu   sync.Mutex
	mem  remembered
	logs map[cluster]*stores
}

// NewMemory returns an empty disk.
func NewMemory() *Memory { return &Memory{logs: map[cluster]*stores{}} }

func (m *Memory) load() (remembered, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mem, nil
}

func (m *Memory) save(r remembered) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mem = r
	return nil
}

func (m *Memory) open(c cluster, _ io.Writer) (*stores, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.logs[c]; s != nil {
		return s, nil
	}
	log := raft.NewInmemStore()
	s := &stores{logs: log, stable: log, snaps: &memorySnapshots{}, close: func() error { return nil }}
	m.logs[c] = s
	return s, nil
}

func (m *Memory) drop(c cluster) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.logs, c)
	return nil
}

// memorySnapshots keeps the newest whole snapshot in memory.
type memorySnapshots struct {
	mu     sync.Mutex
	latest *memorySink
}

type memorySink struct {
	of   *memorySnapshots
	meta raft.SnapshotMeta
	buf  bytes.Buffer
}

func (s *memorySnapshots) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &memorySink{of: s, meta: raft.SnapshotMeta{
		Version: version, ID: fmt.Sprintf("%d-%d", term, index), Index: index, Term: term,
		Configuration: configuration, ConfigurationIndex: configurationIndex,
	}}, nil
}

func (s *memorySnapshots) List() ([]*raft.SnapshotMeta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil {
		return nil, nil
	}
	meta := s.latest.meta
	return []*raft.SnapshotMeta{&meta}, nil
}

func (s *memorySnapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil || s.latest.meta.ID != id {
		return nil, nil, fmt.Errorf("claim: there is no snapshot %s", id)
	}
	meta := s.latest.meta
	return &meta, io.NopCloser(bytes.NewReader(s.latest.buf.Bytes())), nil
}

func (k *memorySink) Write(b []byte) (int, error) { return k.buf.Write(b) }
func (k *memorySink) ID() string                  { return k.meta.ID }
func (k *memorySink) Cancel() error               { return nil }

func (k *memorySink) Close() error {
	k.of.mu.Lock()
	defer k.of.mu.Unlock()
	k.meta.Size = int64(k.buf.Len())
	if k.of.latest == nil || k.of.latest.meta.Index <= k.meta.Index {
		k.of.latest = k
	}
	return nil
}

// folder is a disk in a directory: keepers.json, and a folder for the log of
// each cluster.
type folder string

const rememberedName = "keepers.json"

type rememberedFile struct {
	Generation uint32 `json:"generation,omitempty"`
	Cluster    string `json:"cluster,omitempty"`
	Member     string `json:"member,omitempty"`
}

func (d folder) load() (remembered, error) {
	path := filepath.Join(string(d), rememberedName)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return remembered{}, nil
	}
	if err != nil {
		return remembered{}, fmt.Errorf("claim: %w", err)
	}
	var f rememberedFile
	if err := json.Unmarshal(b, &f); err != nil {
		return remembered{}, fmt.Errorf("claim: %s: %w", path, err)
	}
	r := remembered{cluster: cluster{Generation: f.Generation}}
	if id, err := hex.DecodeString(f.Cluster); err != nil || len(id) != len(r.cluster.ID) {
		return remembered{}, fmt.Errorf("claim: %s: cluster: want %d hex digits", path, 2*len(r.cluster.ID))
	}
	_, _ = hex.Decode(r.cluster.ID[:], []byte(f.Cluster))
	if f.Member != "" {
		if r.member, err = ParseServer(f.Member); err != nil {
			return remembered{}, fmt.Errorf("claim: %s: member: %w", path, err)
		}
	}
	return r, nil
}

// save writes the file anew, so that there is always one that is whole.
func (d folder) save(r remembered) error {
	f := rememberedFile{Generation: r.cluster.Generation, Cluster: hex.EncodeToString(r.cluster.ID[:])}
	if r.member != (Server{}) {
		f.Member = r.member.String()
	}
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	path := filepath.Join(string(d), rememberedName)
	if err := writeSynced(path+".new", append(b, '\n')); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	return syncFolder(string(d))
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d folder) path(c cluster) string {
	return filepath.Join(string(d), fmt.Sprintf("keeper-%d-%x", c.Generation, c.ID[:4]))
}

func (d folder) open(c cluster, log io.Writer) (*stores, error) {
	path := d.path(c)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	bolt, err := raftboltdb.NewBoltStore(filepath.Join(path, "log.db"))
	if err != nil {
		return nil, fmt.Errorf("claim: keepers' log: %w", err)
	}
	snaps, err := raft.NewFileSnapshotStore(path, 2, log)
	if err != nil {
		return nil, fmt.Errorf("claim: snapshots: %w", errors.Join(err, bolt.Close()))
	}
	return &stores{logs: bolt, stable: bolt, snaps: snaps, close: bolt.Close}, nil
}

func (d folder) drop(c cluster) error {
	path := d.path(c)
	if err := os.RemoveAll(path + ".old"); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("claim: %w", err)
	}
	return nil
}
