package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/storetest"
	"github.com/venuegate/venuegate/sync/pack"
)

// Part is a measurement that wants a process of its own.
type Part string

// The parts.
const (
	PartPublish Part = "publish" // sign a pack repository, as the office does
	PartInstall Part = "install" // verify that repository, build the pack, verify it, swap it in
	PartStart   Part = "start"   // open a gate with a full journal
	PartIdle    Part = "idle"    // run a gate that nobody comes to
)

// Whole is what a process of its own took.
type Whole struct {
	Seconds float64 `json:"seconds"`   // of the work itself
	CPU     float64 `json:"cpu_share"` // of one core, over the work
	PeakMB  float64 `json:"peak_mb"`   // largest resident size of the process
	Done    int     `json:"done"`      // tickets or records
}

// inChild runs a part in a process of its own and adds what the system says of
// that process.
func (o *Options) inChild(ctx context.Context, part Part, dir string) (Whole, error) {
	args := slices.Concat(o.Self[1:], []string{string(part), dir, strconv.Itoa(o.Tickets), strconv.Itoa(o.scannable())})
	cmd := exec.CommandContext(ctx, o.Self[0], args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return Whole{}, fmt.Errorf("bench: %s: %w", part, err)
	}
	var w Whole
	if err := json.Unmarshal(out.Bytes(), &w); err != nil {
		return w, fmt.Errorf("bench: %s: %w", part, err)
	}
	return w, nil
}

// RunPart does one part, in the process that inChild started.
func RunPart(ctx context.Context, part Part, dir string, n, scannable int) (Whole, error) {
	var done int
	var err error
	before := cpuTime()
	begin := time.Now()
	switch part {
	case PartPublish:
		done, err = publish(ctx, dir, tickets{n, scannable})
	case PartInstall:
		done, err = install(ctx, dir)
	case PartStart:
		done, err = start(ctx, dir)
	case PartIdle:
		// Starting is not idling: the clock runs from when it is done.
		err = idle(ctx, dir, func() { before, begin = cpuTime(), time.Now() })
	default:
		err = fmt.Errorf("bench: no part is called %q", part)
	}
	took := time.Since(begin)
	return Whole{
		Seconds: took.Seconds(), CPU: (cpuTime() - before).Seconds() / took.Seconds(), PeakMB: peakMB(), Done: done,
	}, err
}

// publish signs a repository with all tickets and enrols the gate.
func publish(ctx context.Context, dir string, k tickets) (int, error) {
	data := filepath.Join(dir, "data")
	key, err := gateKey(data)
	if err != nil {
		return 0, err
	}
	venue, event, err := documents(key.Public())
	if err != nil {
		return 0, err
	}
	keys, err := pack.CreateKeys(filepath.Join(dir, "keys"))
	if err != nil {
		return 0, err
	}
	repository := filepath.Join(dir, "repository")
	made, err := pack.Build(ctx, repository, keys, pack.Content{
		Venue: venue, Events: []pack.EventContent{{Event: event, Tickets: k.all()}},
	}, time.Now())
	if err != nil {
		return 0, err
	}
	root, err := os.ReadFile(filepath.Join(repository, "metadata", "1.root.json"))
	if err != nil {
		return 0, err
	}
	return made.Tickets, pack.Enrol(filepath.Join(data, "trust"), root)
}

// install does what a gate does with a new repository.
func install(ctx context.Context, dir string) (int, error) {
	data := filepath.Join(dir, "data")
	packs, err := store.OpenPacks(filepath.Join(data, "packs"))
	if err != nil {
		return 0, err
	}
	installed, err := appliance.InstallPacks(ctx, packs, filepath.Join(dir, "repository"), data, time.Now())
	if err == nil && len(installed) != 1 {
		err = fmt.Errorf("bench: %d packs were installed, want 1", len(installed))
	}
	if err != nil {
		return 0, errors.Join(err, packs.Close())
	}
	return installed[0].Tickets, packs.Close()
}

// all returns the tickets of the pack.
func (k tickets) all() iter.Seq2[gate.Ticket, error] {
	is := issuer()
	return func(yield func(gate.Ticket, error) bool) {
		i := 0
		for t, err := range storetest.Tickets(k.n, storetest.Options{}) {
			if err == nil {
				err = k.real(&is, i, &t)
			}
			if !yield(t, err) {
				return
			}
			i++
		}
	}
}

// writeJournal fills a journal with admissions, as a season would.
func writeJournal(ctx context.Context, dir string, records int) error {
	data := filepath.Join(dir, "data")
	if err := os.RemoveAll(filepath.Join(data, "journal")); err != nil {
		return err
	}
	key, err := gateKey(data)
	if err != nil {
		return err
	}
	j, _, err := journal.Open(journal.Options{Dir: filepath.Join(data, "journal"), Gate: 1, Signer: key})
	if err != nil {
		return err
	}
	const writers = 256 // one flush serves them all
	errs := make([]error, writers)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := w; i < records && errs[w] == nil; i += writers {
				r := ledger.Record{
					Kind: ledger.KindGrant, Wall: showTime, Event: storetest.Event, Ticket: storetest.ID(i), Generation: 1,
					Session: 1, Entry: 1, Step: uint32(i % 8640), Count: 1, Lane: laneID, To: 11,
					Outcome: gate.Admit, Reason: gate.ReasonAdmitted, Marks: gate.MarkOverride, Pack: 1,
				}
				_, errs[w] = j.Append(ctx, &r)
			}
		})
	}
	group.Wait()
	return errors.Join(errors.Join(errs...), j.Close())
}

func gateConfig(dir string) *config.Config {
	c := config.Default()
	c.Gate.ID, c.Gate.Name, c.Gate.DataDir = 1, "bench", filepath.Join(dir, "data")
	c.Web.Listen = "127.0.0.1:0"
	c.Lanes = []config.Lane{{
		ID:      laneID,
		Readers: []config.Reader{{Name: "code", Type: "serial", Device: config.Device{Path: filepath.Join(dir, "no such port")}}},
		Barrier: config.Barrier{Type: "none"},
	}}
	return &c
}

// start opens a gate and returns how many records its journal held.
func start(ctx context.Context, dir string) (int, error) {
	a, err := appliance.New(ctx, appliance.Options{Config: gateConfig(dir), Log: zerolog.Nop()})
	if err != nil {
		return 0, err
	}
	inside := a.State().Counts.In
	return inside, a.Close()
}

// idleFor is how long an idle gate is watched.
const idleFor = 10 * time.Second

func idle(ctx context.Context, dir string, ready func()) error {
	a, err := appliance.New(ctx, appliance.Options{Config: gateConfig(dir), Log: zerolog.Nop()})
	if err != nil {
		return err
	}
	ready()
	ctx, cancel := context.WithTimeout(ctx, idleFor)
	defer cancel()
	return errors.Join(a.Run(ctx), a.Close())
}
