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
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

func (t *tool) packInfoCommand() *cobra.Command {
	var venue, repository, data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "info [--data DIR] [--repository DIR]", Short: "Say what is installed on a gate, or what a repository holds",
		Long: `With --data, says which packs are installed on a gate; it may be running. With
--repository (or --venue), verifies a repository and says what it holds: by what
the gate of --data trusts, or else by its own first root, which proves only that
it is whole. Neither changes anything.`,
		Example: indent(`
venuegate pack info --data /var/lib/venuegate
venuegate pack info --repository /media/stick/repository --data /var/lib/venuegate`),
		Args: between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if venue != "" && repository != "" || venue+repository+data == "" {
				return usagef("give --data, --repository, --venue, or --data with one of the others")
			}
			if venue != "" {
				repository = central.Repository(venue)
			}
			infos, err := installedInfos(data)
			if repository != "" {
				infos, err = repositoryInfos(cmd.Context(), repository, data, t.now())
			}
			for i := range infos {
				if err := t.printInfo(&infos[i], asJSON); err != nil {
					return err
				}
			}
			if err == nil && len(infos) == 0 {
				err = advise(errors.New("there is no pack"), "Install one: venuegate pack install --repository DIR --data %s", orDir(data))
			}
			return packProblem(err, data)
		},
	}
	venueFlag(cmd, &venue)
	cmd.Flags().StringVar(&repository, "repository", "", "the signed repository's `DIR`")
	completeDir(cmd, "repository")
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object an event")
	return cmd
}

// packInfo is what is printed of a pack.
type packInfo struct {
	Event      gate.EventID `json:"event"`
	Version    uint64       `json:"version"`
	Tickets    int          `json:"tickets"`
	Documents  *int         `json:"documents,omitempty"`     // installed packs only
	Foreign    *int         `json:"foreign_codes,omitempty"` // installed packs only
	Built      time.Time    `json:"built,omitzero"`
	Expires    time.Time    `json:"expires,omitzero"`
	Installed  time.Time    `json:"installed,omitzero"`
	Source     string       `json:"source"`
	VerifiedBy string       `json:"verified_by"`
	Digest     string       `json:"digest"`
	Warnings   []string     `json:"warnings,omitempty"`
}

func infoOf(i *store.Info) *packInfo {
	return &packInfo{
		Event: i.Event, Version: i.Version, Tickets: i.Tickets, Documents: &i.Documents, Foreign: &i.Foreign,
		Built: i.Built, Expires: i.Expires, Installed: i.Installed, Source: i.Source, VerifiedBy: i.VerifiedBy, Digest: i.Digest,
	}
}

func (t *tool) printInfo(i *packInfo, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(t.out).Encode(i)
	}
	line := fmt.Sprintf("event %d  version %d  %s", i.Event, i.Version, count(i.Tickets, "ticket"))
	if i.Documents != nil {
		line += "  " + count(*i.Documents, "document") + "  " + count(*i.Foreign, "foreign code")
	}
	for _, row := range []struct {
		name string
		at   time.Time
	}{{"signed", i.Built}, {"expires", i.Expires}, {"installed", i.Installed}} {
		if !row.at.IsZero() {
			line += fmt.Sprintf("\n  %-10s %s", row.name, row.at.UTC().Format(time.RFC3339))
		}
	}
	line += fmt.Sprintf("\n  %-10s %s\n  %-10s %s", "from", i.Source, "trusted by", i.VerifiedBy)
	for _, w := range i.Warnings {
		line += fmt.Sprintf("\n  %-10s %s", "warning", w)
	}
	_, err := fmt.Fprintln(t.out, line)
	return err
}

// installedInfos reads what is installed without disturbing a gate that runs:
// it opens the files that are in use, and neither checks nor cleans up.
func installedInfos(data string) ([]packInfo, error) {
	if data == "" {
		return nil, nil
	}
	root := filepath.Join(data, "packs")
	entries, err := os.ReadDir(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errNoGate
	case err != nil:
		return nil, fmt.Errorf("look at the gate's packs: %w", err)
	}
	var infos []packInfo
	var errs []error
	for _, e := range entries {
		event, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil || !e.IsDir() {
			continue
		}
		p, err := store.OpenInstalled(root, gate.EventID(event))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		info := p.Info()
		infos = append(infos, *infoOf(&info))
		errs = append(errs, p.Close())
	}
	slices.SortFunc(infos, func(a, b packInfo) int { return int(a.Event) - int(b.Event) })
	return infos, errors.Join(errs...)
}

// repositoryInfos verifies a repository. What a gate trusts is copied first, so
// that looking changes nothing of it.
func repositoryInfos(ctx context.Context, repository, data string, now time.Time) (infos []packInfo, err error) {
	rootFile, by := filepath.Join(repository, "metadata", "1.root.json"), "itself, root"
	if data != "" {
		rootFile, by = filepath.Join(data, "trust", "root.json"), "the gate, root"
	}
	root, err := os.ReadFile(rootFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && data != "":
		return nil, errNoGate
	case errors.Is(err, fs.ErrNotExist):
		return nil, advise(errors.New("this is no repository: metadata/1.root.json is not in it"), "venuegate pack build makes one below the venue's directory.")
	case err != nil:
		return nil, fmt.Errorf("read the root: %w", err)
	}
	trust, err := os.MkdirTemp("", "venuegate-trust-")
	if err != nil {
		return nil, fmt.Errorf("verify the repository: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(trust)) }()
	if err := pack.Enrol(trust, root); err != nil {
		return nil, err
	}
	from, err := pack.OpenDir(repository)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	repo, err := pack.Open(ctx, from, trust, now)
	if err != nil {
		return nil, err
	}
	for _, e := range repo.Events() {
		info := packInfo{
			Event: e.ID, Version: repo.Version(), Tickets: e.Tickets, Expires: repo.Expires(),
			Source: "directory " + repository, VerifiedBy: fmt.Sprintf("%s %d", by, repo.Root()), Digest: e.Digest,
		}
		for _, w := range repo.Warnings() {
			info.Warnings = append(info.Warnings, fmt.Sprintf("the signature of %s expired at %s", w.Role, w.Expired.UTC().Format(time.RFC3339)))
		}
		infos = append(infos, info)
	}
	return infos, nil
}
