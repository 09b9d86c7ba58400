package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/cmd/venuegate/internal/bench"
)

// benchCommand measures this machine's disk and processor under a gate.
func (t *tool) benchCommand() *cobra.Command {
	var o bench.Options
	var asJSON bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast a gate is on this machine",
		Long: `
Measures a scan to its durable verdict beside the bare primitives that it cannot
do without, in the same run on the same disk; and how long a gate takes to
install a pack and to start. Needs about 1 GB in --dir, which must be on the
disk that a gate would use: nothing is durable on tmpfs.`,
		Example: "  venuegate bench --dir /var/lib/venuegate",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			o.Self, o.Log = []string{self, c.Name(), partCommand}, t.err
			report, err := bench.Run(c.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(report)
			}
			return report.Print(t.out)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Dir, "dir", ".", "directory on the disk to measure; a temporary one is made in it")
	f.IntVar(&o.Tickets, "tickets", 1_000_000, "tickets in the pack")
	f.IntVar(&o.Scans, "scans", 5000, "scans of each form of code")
	f.IntVar(&o.Lanes, "lanes", 8, "lanes that scan at once")
	f.IntVar(&o.Records, "records", 1_000_000, "records in the journal that a start reads")
	f.BoolVar(&o.Peers, "peers", true, "measure Python and Node with SQLite too, where they are installed")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	c.AddCommand(t.benchPart())
	return c
}

const partCommand = "part"

// benchPart runs one measurement in a process of its own, for bench.
func (t *tool) benchPart() *cobra.Command {
	return &cobra.Command{
		Use:    partCommand + " PART DIR TICKETS SCANNABLE",
		Hidden: true,
		Args:   cobra.ExactArgs(4),
		RunE: func(c *cobra.Command, args []string) error {
			tickets, err := strconv.Atoi(args[2])
			if err != nil {
				return fmt.Errorf("tickets: %w", err)
			}
			scannable, err := strconv.Atoi(args[3])
			if err != nil {
				return fmt.Errorf("scannable: %w", err)
			}
			whole, err := bench.RunPart(c.Context(), bench.Part(args[0]), args[1], tickets, scannable)
			if err != nil {
				return err
			}
			return json.NewEncoder(t.out).Encode(whole)
		},
	}
}
