package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

// stickRepository is the folder on a stick that holds the repository.
const stickRepository = "repository"

func (t *tool) packExportCommand() *cobra.Command {
	var venue, data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "export DIR --data DIR", Short: "Copy the newest pack to a USB stick",
		Long: `Copies what a gate has verified (--data; it may be running), or what the office
has published (--venue), to DIR/repository on a stick. Only what the stick lacks
is copied; a copy that broke off goes on with the next call, and until it is done
the stick holds what it held before. The stick needs no care: "pack import"
believes signatures only.`,
		Example: indent(`
venuegate pack export /media/stick --data /var/lib/venuegate
venuegate pack export /media/stick --venue /srv/stadium`),
		Args: between(1, 1, "one: the stick's directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from := filepath.Join(data, pack.DirMirror)
			switch {
			case (venue == "") == (data == ""):
				return usagef("give one of --data and --venue")
			case venue != "":
				from = central.Repository(venue)
			}
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return advise(errors.New("there is no such directory to copy to"), "Is the stick mounted?")
			}
			moved, err := t.exportPack(cmd.Context(), from, data, filepath.Join(args[0], stickRepository))
			if err != nil {
				return packProblem(err, data)
			}
			return t.printMoved(moved, asJSON)
		},
	}
	venueFlag(cmd, &venue)
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

// moved is what export and import did to a copy of the repository.
type moved struct {
	Version    uint64 `json:"version"`
	Changed    bool   `json:"changed"`
	Bytes      int64  `json:"bytes"`
	Repository string `json:"repository"`
	Newer      bool   `json:"had_newer,omitempty"` // what was there already is newer
}

func (t *tool) printMoved(m moved, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(t.out).Encode(m)
	}
	did := fmt.Sprintf("%s copied", size(m.Bytes))
	switch {
	case m.Newer:
		did = "nothing copied: this one is newer"
	case !m.Changed:
		did = "nothing copied: it was there already"
	}
	_, err := fmt.Fprintf(t.out, "version %d in %s, %s\n", m.Version, m.Repository, did)
	return err
}

func size(n int64) string {
	switch {
	case n >= 10e6:
		return fmt.Sprintf("%d MB", n/1e6)
	case n >= 10e3:
		return fmt.Sprintf("%d kB", n/1e3)
	}
	return fmt.Sprintf("%d bytes", n)
}

func (t *tool) exportPack(ctx context.Context, from, data, to string) (done moved, err error) {
	trust, err := borrowTrust(data, from)
	if err != nil {
		return moved{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(trust)) }()
	if err := ownStick(ctx, to, trust, t); err != nil {
		return moved{}, err
	}
	return t.copyPack(ctx, from, to, trust)
}

// borrowTrust copies what a gate trusts, or believes a repository's own first
// root, so that looking and copying changes nothing of a gate that may run.
func borrowTrust(data, repository string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "venuegate-trust-"); err != nil {
		return "", fmt.Errorf("verify the repository: %w", err)
	}
	if data != "" {
		err = copyTrust(filepath.Join(data, pack.DirTrust), dir)
	} else {
		var root []byte
		if root, err = os.ReadFile(filepath.Join(repository, "metadata", "1.root.json")); err == nil {
			err = pack.Enrol(dir, root)
		} else if errors.Is(err, fs.ErrNotExist) {
			err = errNoRepository
		}
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// copyTrust copies what is trusted while a gate may be writing to it.
func copyTrust(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "[a-z]*.json")) // none half written
	if err != nil {
		return err
	}
	if !slices.Contains(files, filepath.Join(from, "root.json")) {
		return errNoGate
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(f)), data, 0o600)
		}
		if err != nil {
			return fmt.Errorf("copy what the gate trusts: %w", err)
		}
	}
	return nil
}

var errNoRepository = errors.New("no pack was published here yet")

// ownStick refuses a stick with the pack of another venue, which somebody may
// still need.
func ownStick(ctx context.Context, repository, trust string, t *tool) error {
	if _, err := os.Stat(filepath.Join(repository, "metadata", "timestamp.json")); err != nil {
		return nil
	}
	dir, err := pack.OpenDir(repository)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if _, err = pack.Open(ctx, dir, trust, t.now()); errors.As(err, new(*pack.UntrustedError)) {
		return advise(errors.New("the stick holds a pack that is not this venue's"), "Take another stick, or remove %s from this one.", repository)
	}
	return nil
}

// copyPack brings a repository into a mirror.
func (t *tool) copyPack(ctx context.Context, from, to, trust string) (done moved, err error) {
	source, err := pack.OpenDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return moved{}, errNoRepository
	}
	if err != nil {
		return moved{}, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	mirror, err := pack.OpenMirror(to, trust)
	if err != nil {
		return moved{}, err
	}
	defer func() { err = errors.Join(err, mirror.Close()) }()
	_, report, err := mirror.Sync(ctx, []pack.Way{{Name: from, From: source}}, t.now())
	way := report.Ways[0]
	switch {
	case way.Err != nil:
		return moved{}, way.Err
	case err != nil:
		return moved{}, err
	}
	return moved{
		Version: report.Version, Changed: report.Changed, Bytes: way.Bytes, Repository: to, Newer: way.State == pack.StateBehind,
	}, nil
}
