package main

import "github.com/spf13/cobra"

func (t *tool) ticketCommand() *cobra.Command {
	return t.group("ticket", "Issue, show, verify and draw tickets", `
Works with single tickets: issue one from a venue's list, show the code that a
phone would show, verify a code, or draw one as a QR.`, `
venuegate ticket issue --venue /srv/stadium
venuegate ticket show --venue /srv/stadium 1000000001`,
		t.ticketIssueCommand(), t.ticketShowCommand(), t.ticketVerifyCommand(), t.ticketQRCommand(),
		t.ticketVoidCommand(), t.ticketRefundCommand(), t.ticketTransferCommand())
}
