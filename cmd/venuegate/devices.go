package main

import (
	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/hw/find"
)

func (t *tool) devicesCommand() *cobra.Command {
	cmd := t.devicesListCommand()
	cmd.AddCommand(t.devicesStanzaCommand(), t.devicesTestCommand())
	return cmd
}

func rootFlag(cmd *cobra.Command, root *string) {
	cmd.Flags().StringVar(root, "root", "/", "look at `DIR`/sys and DIR/dev, as in a container that sees its host there")
	completeDir(cmd, "root")
}

func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "config", "", "the gate's `FILE`, gate.toml")
}

// describe says in a few words what a device is.
func describe(d find.Device) string {
	_, what := find.Guess(d)
	name := d.Model
	if d.Maker != "" {
		name = d.Maker + " " + d.Model
	}
	switch {
	case what == "":
		return name
	case name == "":
		return what
	}
	return what + " (" + name + ")"
}
