package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/sync/central"
)

func (t *tool) ticketIssueCommand() *cobra.Command {
	var venue string
	var asJSON bool
	var f orderFlags
	cmd := &cobra.Command{
		Use: "issue --venue DIR [flags]", Short: "Issue tickets and print their numbers",
		Long: `Adds tickets to the venue's list and prints their numbers, one a line. Gates know
them after the next "pack build"; until then their long codes work.

Of documents, names and other platforms' codes only keyed tags are kept, and a
masked name for staff. Give them as - and type them on standard input, one a
line (documents, then the name, then codes), so that they stay out of the
shell's history.

--json prints what a wallet needs: the signed body, and the lease or the text
that it can show. Whoever has that has the ticket.`,
		Example: indent(`
venuegate ticket issue --venue /srv/stadium
venuegate ticket issue --venue /srv/stadium --document - --name - --seat C/12/7`),
		Args: between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			order, seed, err := t.order(&f)
			if err != nil {
				return err
			}
			now, err := t.timeFlag("at", f.at)
			if err != nil {
				return err
			}
			office, err := openVenue(venue)
			if err != nil {
				return err
			}
			orders := make([]central.Order, f.count)
			for i := range orders {
				orders[i] = order
			}
			issued, err := office.Issue(now, orders...)
			if err != nil {
				return documentProblem(err)
			}
			return t.printIssued(office, issued, seed, asJSON)
		},
	}
	venueFlag(cmd, &venue)
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a ticket, with all that its wallet needs")
	return cmd
}

// issuedJSON is what a wallet needs of a ticket.
type issuedJSON struct {
	Ticket     string     `json:"ticket"`
	Event      string     `json:"event"`
	Generation uint8      `json:"generation"`
	Proof      string     `json:"proof"`
	Body       string     `json:"body"`       // body and signature, hex
	IssuerKey  string     `json:"issuer_key"` // as --issuer-key takes it
	T0         *time.Time `json:"t0,omitempty"`
	Period     uint8      `json:"period_seconds,omitempty"`
	Steps      uint16     `json:"steps,omitempty"`
	Lease      *leaseJSON `json:"lease,omitempty"`       // proof chain
	Text       string     `json:"text,omitempty"`        // proof static
	HolderSeed string     `json:"holder_seed,omitempty"` // proof holder, where the key was made here
}

type leaseJSON struct {
	Last  uint32    `json:"last"`  // J
	Value string    `json:"value"` // x[N-1-J], hex
	Until time.Time `json:"until"` // end of step J
}

func (t *tool) printIssued(office *central.Office, issued []central.Issued, seed []byte, asJSON bool) error {
	out := bufio.NewWriter(t.out)
	for i := range issued {
		if !asJSON {
			if _, err := fmt.Fprintln(out, issued[i].Ticket.ID); err != nil {
				return err
			}
			continue
		}
		line, err := walletOf(office, &issued[i])
		if err != nil {
			return err
		}
		line.HolderSeed = hex.EncodeToString(seed)
		if err := json.NewEncoder(out).Encode(line); err != nil {
			return err
		}
	}
	if seed != nil && !asJSON {
		_, _ = fmt.Fprintf(t.err, "the phone's key was made here; its seed, kept nowhere: %x\n", seed)
	}
	return out.Flush()
}

func walletOf(office *central.Office, i *central.Issued) (issuedJSON, error) {
	b := &i.Signed.Body
	line := issuedJSON{
		Ticket: i.Ticket.ID.String(), Event: fmt.Sprint(b.Event), Generation: b.Generation, Proof: b.Proof.String(),
		Body: bodyHex(&i.Signed), Period: b.Period, Steps: b.Steps,
	}
	for _, e := range office.Events() {
		if key, ok := e.Issuers.IssuerKey(b.KeyID); ok && e.ID == b.Event {
			line.IssuerKey = fmt.Sprintf("%d=%x", key.ID, []byte(key.Public))
		}
	}
	if b.Proof != ticket.ProofStatic {
		t0 := time.Unix(int64(b.T0), 0).UTC()
		line.T0 = &t0
	}
	if l := i.Lease; l != (ticket.Lease{}) {
		until := time.Unix(int64(b.T0)+int64(l.Last+1)*int64(b.Period), 0).UTC()
		line.Lease = &leaseJSON{l.Last, hex.EncodeToString(l.Value[:]), until}
	}
	var err error
	if b.Proof == ticket.ProofStatic {
		line.Text, err = ticket.StaticText(&i.Signed)
	}
	return line, err
}
