package main

import "github.com/spf13/cobra"

// commands is the table of contents.
func (t *tool) commands() []*cobra.Command {
	return []*cobra.Command{
		t.ticketCommand(),
		t.qrCommand(),
		t.documentCommand(),
		t.versionCommand(),
	}
}
