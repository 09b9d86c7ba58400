package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

func (t *tool) packInstallCommand() *cobra.Command {
	var venue, repository, data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "install --repository DIR --data DIR", Short: "Install the newest pack on a gate that is not running",
		Long: `Verifies a repository with what the gate trusts and installs the events that have
changed. The pack before stays for "pack rollback". What is damaged, forged or
older than what the gate had is refused, and changes nothing.

A gate that is running does this itself, from the repository that its gate.toml
names; this command is for one that is stopped, or for a USB stick. --venue DIR
stands for --repository DIR/repository.`,
		Example: indent(`
venuegate pack install --venue /srv/stadium --data /srv/stadium/gates/1/data
venuegate pack install --repository /media/stick/repository --data /var/lib/venuegate`),
		Args: between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case (venue == "") == (repository == ""):
				return usagef("give one of --venue and --repository")
			case venue != "":
				repository = central.Repository(venue)
			}
			installed, err := installPacks(cmd.Context(), repository, data, t.now())
			for i := range installed {
				if err := t.printInfo(infoOf(&installed[i]), asJSON); err != nil {
					return err
				}
			}
			if err != nil {
				return packProblem(err, data)
			}
			if len(installed) == 0 {
				_, _ = fmt.Fprintln(t.err, "nothing new: the gate has this version already")
			}
			return nil
		},
	}
	venueFlag(cmd, &venue)
	cmd.Flags().StringVar(&repository, "repository", "", "the signed repository's `DIR`")
	completeDir(cmd, "repository")
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each event that was installed")
	return cmd
}

func (t *tool) packRollbackCommand() *cobra.Command {
	var data string
	var event uint32
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rollback --data DIR --event ID", Short: "Go back to the pack before, on a gate that is not running",
		Long: `Puts an event's previous pack back in use. The version that it replaces is not
installed again by itself; a newer one is. A second rollback undoes the first.`,
		Example: indent("venuegate pack rollback --data /var/lib/venuegate --event 1"),
		Args:    between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			if event == 0 {
				return usagef("--event is missing; venuegate pack info --data %s lists them", orDir(data))
			}
			packs, done, err := ownPacks(data)
			if err != nil {
				return packProblem(err, data)
			}
			info, err := packs.Rollback(gate.EventID(event))
			if err = errors.Join(err, done()); err != nil {
				return packProblem(err, data)
			}
			return t.printInfo(infoOf(&info), asJSON)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().Uint32Var(&event, "event", 0, "the event's `ID`")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

func orDir(dir string) string {
	if dir == "" {
		return "DIR"
	}
	return dir
}

// installPacks installs what is new on a gate that is not running.
func installPacks(ctx context.Context, repository, data string, now time.Time) (installed []store.Info, err error) {
	packs, done, err := ownPacks(data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	if repository, err = filepath.Abs(repository); err != nil {
		return nil, err
	}
	return appliance.InstallPacks(ctx, packs, repository, data, now)
}

// ownPacks opens a gate's packs for a change, with the gate kept from starting
// until done is called. errRunning says that it runs.
func ownPacks(data string) (packs *store.Packs, done func() error, err error) {
	if data == "" {
		return nil, nil, usagef("--data is missing; it is data_dir in the gate's gate.toml")
	}
	if _, err := os.Stat(filepath.Join(data, "trust", "root.json")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errNoGate
	} else if err != nil {
		return nil, nil, fmt.Errorf("look at the gate's data: %w", err)
	}
	unlock, err := holdGate(data)
	if err != nil {
		return nil, nil, err
	}
	packs, err = store.OpenPacks(filepath.Join(data, "packs"))
	if packs == nil {
		return nil, nil, errors.Join(err, unlock())
	}
	// A pack that is damaged can be installed again: what failed is not in use.
	return packs, func() error { return errors.Join(packs.Close(), unlock()) }, nil
}

var (
	errRunning = errors.New("the gate is running")
	errNoGate  = errors.New("this is no gate's data directory: trust/root.json is not in it")
)

// holdGate takes the lock that a running gate holds on its journal.
func holdGate(data string) (unlock func() error, err error) {
	dir := filepath.Join(data, "journal")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock the gate: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("lock the gate: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errRunning
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// packProblem says what to do about an error with a pack.
func packProblem(err error, data string) error {
	var behind *pack.BehindError
	var untrusted *pack.UntrustedError
	var older *store.OlderError
	var missing *pack.MissingError
	switch {
	case errors.Is(err, errRunning):
		return advise(err, "It installs new packs by itself, from the repository named in its gate.toml. To do it by hand, stop it first.")
	case errors.Is(err, errNoGate):
		return advise(err, "data_dir in the gate's gate.toml says where it is; venuegate init makes one.")
	case errors.Is(err, errNoRepository):
		return advise(err, "At the office: venuegate pack build --venue DIR. A gate has one once it took a pack from central, another gate or a stick.")
	case errors.As(err, &behind):
		return advise(err, "The repository is an old copy. Fetch the newest one; the gate keeps what it has.")
	case errors.As(err, &untrusted):
		return advise(err, "The repository is another venue's, or was changed on the way. Fetch it again from the office; the gate keeps what it has.")
	case errors.As(err, &older) && older.RolledBack:
		return advise(err, "Build a new version at the office, or undo with: venuegate pack rollback --data %s --event %d", data, older.Event)
	case errors.As(err, &missing), errors.Is(err, fs.ErrNotExist) && strings.Contains(err.Error(), "metadata"):
		return advise(err, "The copy of the repository is not complete. Copy all of it again.")
	case errors.Is(err, store.ErrNoPrevious):
		return advise(err, "Only one pack was ever installed here.")
	}
	return err
}
