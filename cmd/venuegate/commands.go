package main

import "github.com/spf13/cobra"

// commands is the table of contents.
func (t *tool) commands() []*cobra.Command {
	return []*cobra.Command{
		t.initCommand(),
		t.demoCommand(),
		t.ticketCommand(),
		t.packCommand(),
		t.centralCommand(),
		t.logCommand(),
		t.clusterCommand(),
		t.conflictsCommand(),
		t.laneCommand(),
		t.enrolCommand(),
		t.uplinkCommand(),
		t.supervisorCommand(),
		t.staffCommand(),
		t.qrCommand(),
		t.documentCommand(),
		t.devicesCommand(),
		t.benchCommand(),
		t.simulateCommand(),
		t.versionCommand(),
	}
}
