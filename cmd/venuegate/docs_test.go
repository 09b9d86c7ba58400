package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command has a help text with an example, and stands in docs/cli.md.
func TestEveryCommandIsExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(*cobra.Command)
	seen := 0
	walk = func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s: no short or long text, or no example", cmd.CommandPath())
		}
		if !cmd.HasSubCommands() {
			seen++
			if !strings.Contains(string(page), cmd.CommandPath()) {
				t.Errorf("%s is not in docs/cli.md", cmd.CommandPath())
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&tool{}).root())
	if seen < 15 {
		t.Errorf("only %d commands", seen)
	}
}
