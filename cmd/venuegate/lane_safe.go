package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
)

// restWithin is how long one barrier may take.
const restWithin = 3 * time.Second

func (t *tool) laneSafeCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "safe --config FILE", Short: "Put every barrier of a stopped gate to rest",
		Long: `Switches off the relays and lines of a gate's barriers, lamps and buzzers. A gate
that is killed while it opens one of them can leave it switched on; systemd runs
this whenever the gate has ended. It is refused while the gate runs.

A barrier that is held open because of a fire or an evacuation stays open. Boards
that time their openings themselves are left alone. Nothing is recorded.

Exits 1 when a barrier could not be put to rest.`,
		Example: indent("venuegate lane safe --config /etc/venuegate/gate.toml"),
		Args:    between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usagef("--config is missing; it is the gate's gate.toml")
			}
			c, err := config.Load(file)
			if err != nil {
				return err
			}
			return t.laneSafe(cmd.Context(), c)
		},
	}
	configFlag(cmd, &file)
	return cmd
}

func (t *tool) laneSafe(ctx context.Context, c *config.Config) error {
	release, err := keepGateOut(c.Gate.DataDir)
	if err != nil {
		return err
	}
	failed := false
	for _, r := range appliance.Rest(ctx, c, restWithin) {
		text := "is at rest"
		switch {
		case r.Barrier == "":
			continue
		case r.Err != nil:
			failed = true
			text = fmt.Sprintf("FAILED: %v", r.Err)
		case r.Kept != "":
			text = "stays as it is: " + r.Kept
		}
		if _, err := fmt.Fprintf(t.out, "lane %d: %s %s\n", r.Lane, r.Barrier, text); err != nil {
			return errors.Join(err, release())
		}
	}
	if err := release(); err != nil {
		return err
	}
	if failed {
		return errNo
	}
	return nil
}
