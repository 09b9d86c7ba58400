package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

func (t *tool) packCommand() *cobra.Command {
	return t.group("pack", "Build, install and look at event packs", `
A pack is the signed list of tickets, rules and keys that a gate works from. The
office builds it into a repository; gates take it from there, over the network or
from a USB stick. Trust comes from the signatures, never from the way it came.`, `
venuegate pack build --venue /srv/stadium
venuegate pack info --data /srv/stadium/gates/1/data`,
		t.packBuildCommand(), t.packInstallCommand(), t.packInfoCommand(), t.packRollbackCommand(),
		t.packExportCommand(), t.packImportCommand())
}

func (t *tool) packBuildCommand() *cobra.Command {
	var venue string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "build --venue DIR", Short: "Sign the venue's tickets and publish them in its repository",
		Long: `Signs the venue's documents and its tickets as they are now, and publishes them in
DIR/repository. Gates that watch that directory install it by themselves. Only
what has changed is written; a build that fails leaves the version before it.`,
		Example: indent("venuegate pack build --venue /srv/stadium"),
		Args:    between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			office, err := openVenue(venue)
			if err != nil {
				return err
			}
			r, err := office.Publish(cmd.Context(), t.now())
			var key *pack.KeyError
			if errors.As(err, &key) {
				return advise(err, "Signing keys lie in %s; bring the ones that are kept elsewhere.", central.Keys(venue))
			}
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(builtJSON{r.Version, r.Root, r.Tickets, r.Written, r.Kept, central.Repository(office.Dir())})
			}
			_, err = fmt.Fprintf(t.out, "version %d, %s in %s\n%s written, %d as before\n",
				r.Version, count(r.Tickets, "ticket"), central.Repository(office.Dir()), count(r.Written, "shard"), r.Kept)
			return err
		},
	}
	venueFlag(cmd, &venue)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

type builtJSON struct {
	Version    uint64 `json:"version"`
	Root       uint64 `json:"root"`
	Tickets    int    `json:"tickets"`
	Written    int    `json:"shards_written"`
	Kept       int    `json:"shards_kept"`
	Repository string `json:"repository"`
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
