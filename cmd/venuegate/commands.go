package main

import "github.com/spf13/cobra"

// commands is the table of contents.
func (t *tool) commands() []*cobra.Command {
	return []*cobra.Command{
		t.initCommand(),
		t.demoCommand(),
		t.ticketCommand(),
		t.packCommand(),
		t.logCommand(),
		t.laneCommand(),
		t.staffCommand(),
		t.qrCommand(),
		t.documentCommand(),
		t.devicesCommand(),
		t.benchCommand(),
		t.versionCommand(),
	}
}
