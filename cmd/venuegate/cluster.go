package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/sync/uplink"
)

func (t *tool) clusterCommand() *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "cluster --data DIR", Short: "See how a running gate stands among the others",
		Long: `Asks the gate that runs on a data directory which other gates it hears, who keeps
the venue's admissions, what it holds of whose records, and what its clock is
worth. Exits 1 when the gate is isolated or not on the network.`,
		Example: indent("venuegate cluster --data /var/lib/venuegate\nvenuegate cluster --data /var/lib/venuegate --json"),
		Args:    between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if data == "" {
				return usagef("--data is missing; it is data_dir in gate.toml")
			}
			said, err := askGate(cmd.Context(), data, http.MethodGet, "/cluster", "", nil)
			if err != nil {
				return err
			}
			var v appliance.ClusterView
			if err := json.Unmarshal(said, &v); err != nil {
				return fmt.Errorf("the gate's answer: %w", err)
			}
			if asJSON {
				err = json.NewEncoder(t.out).Encode(&v)
			} else {
				_, err = io.WriteString(t.out, clusterText(&v, t.now()))
			}
			if err == nil && (v.Isolated != nil || v.Problem != "") {
				err = errNo
			}
			return err
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.AddCommand(t.clusterRecoverCommand())
	return cmd
}

func (t *tool) clusterRecoverCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "recover --data DIR", Short: "Seed the keepers anew from what this gate has on record",
		Long: `For the day on which a majority of the keepers has lost its disks: the keepers then
answer no claims, because they do not know who is inside, and every gate is
isolated. This makes a new state of all records that this gate holds. Run it on
one keeper, once, when "venuegate cluster" shows there that all gates are heard
and none has records that are missing here: who came in at a gate that is off
would be let in again.`,
		Example: indent("venuegate cluster recover --data /var/lib/venuegate"), Args: between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if data == "" {
				return usagef("--data is missing; it is data_dir in gate.toml")
			}
			if _, err := askGate(cmd.Context(), data, http.MethodPost, "/cluster/recover", "", nil); err != nil {
				return err
			}
			_, err := fmt.Fprintln(t.out, "the keepers begin anew from this gate's records")
			return err
		},
	}
	dataFlag(cmd, &data)
	return cmd
}

// clusterText says how a gate stands, the worst first.
func clusterText(v *appliance.ClusterView, now time.Time) string {
	var b strings.Builder
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	switch {
	case v.Isolated != nil:
		say("ISOLATED since %s: the keepers do not answer.", v.Isolated.In(now.Location()).Format("15:04:05"))
		say("  Check this gate's network cable first, then whether the keepers below are switched on.")
	case v.Claims.Role == "alone":
		say("This gate is its own keeper: nobody else is to be asked.")
	default:
		say("The keepers answer.")
	}
	if v.Problem != "" {
		say("NOT ON THE NETWORK: %s", v.Problem)
	}
	if v.Claims.Problem != "" {
		say("Claims: %s", v.Claims.Problem)
	}
	others := max(v.Gates-1, 0)
	say("gate %d at %s, %d of %d other gates heard", v.Gate, orDash(v.Address), v.Heard, others)
	say("clock: %s", clockText(&v.Clock))
	if len(v.Claims.Keepers) > 0 {
		say("\nkeepers (this gate is %s):", v.Claims.Role)
		for _, k := range v.Claims.Keepers {
			state := "up"
			if !k.Up {
				state = "DOWN " + k.Why
			}
			if k.Server == v.Claims.Leader {
				state += ", leads"
			}
			say("  %-8s %s", k.Server, state)
		}
	}
	if n := v.Claims.Lates + v.Claims.Releases; n > 0 {
		say("waiting for the keepers: %s, %s", count(v.Claims.Lates, "record"), count(v.Claims.Releases, "claim"))
	}
	if n := v.Claims.Stranded + v.Claims.Undecided; n > 0 {
		say("staff must decide: %s granted that nobody has recorded", count(n, "claim"))
	}
	if len(v.Peers) > 0 {
		b.WriteString("\n" + peersText(v.Peers, now))
	}
	for _, r := range v.Refused {
		say("not believed: gate %d, epoch %d, from record %s on: %s, %s times", r.Gate, r.Epoch, uplink.Count(r.First), r.Why, uplink.Count(r.Times))
	}
	return b.String()
}

func peersText(peers []appliance.PeerView, now time.Time) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "gate\tname\taddress\theard\tit lacks\twe lack\tclock")
	for i := range peers {
		p := &peers[i]
		heard, offset := "never", "-"
		if p.Heard != nil {
			heard = now.Sub(*p.Heard).Truncate(100*time.Millisecond).String() + " ago"
		}
		if !p.Alive {
			heard += ", AWAY"
		}
		if p.OffsetMS != nil {
			offset = fmt.Sprintf("%+d ms", *p.OffsetMS)
		}
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", p.Gate, orDash(p.Name), orDash(p.Address), heard, uplink.Count(p.Behind), uplink.Count(p.Ahead), offset)
	}
	_ = w.Flush() // to memory
	return b.String()
}

func clockText(c *appliance.ClockView) string {
	switch {
	case c.OffsetMS != 0:
		return fmt.Sprintf("put right by %+d ms, from %s", c.OffsetMS, c.Source)
	case c.Trusted && c.Source != "":
		return "right, by " + c.Source
	case c.Trusted:
		return "right, by the configuration"
	default:
		return "NOBODY VOUCHES FOR IT: nothing keeps it right, and no other gate's is kept right either"
	}
}
