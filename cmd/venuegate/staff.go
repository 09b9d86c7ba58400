package main

import "github.com/spf13/cobra"

func (t *tool) staffCommand() *cobra.Command {
	return t.group("staff", "Let the venue's staff act at the gates", `
Who the staff are and what they may do stands in the venue's venue.json, under
"staff". These commands give them what proves who they are.`, `
venuegate staff pin --data /var/lib/venuegate 12
venuegate staff key 12.pem`, t.staffPINCommand(), t.staffKeyCommand())
}
