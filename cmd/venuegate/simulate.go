package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/cmd/venuegate/internal/simulate"
)

// simulateFlags are what the command line says.
type simulateFlags struct {
	options        simulate.Options
	seeds, jobs    int
	faults, policy string
	json           bool
}

// simulateCommand runs venues in memory, with faults, and holds them to what is
// promised.
func (t *tool) simulateCommand() *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Run a venue in memory with faults, and check what is promised",
		Long: `
Runs the lanes, journals, ledgers, gossip and claims of a whole venue in one
process, with visitors who mean no good and faults drawn from a seed: loss,
delay, reorder, duplicate, partition, oneway, crash, clock, wipe, balk. It keeps
every record as it was written, and compares what the gates believe with that. What is
promised, and what is not, stands in docs/consistency.md.

The same seed draws the same visitors and faults; the schedule's name says so.
Exit code 1 means that something did not hold; the seed to repeat it is named.`,
		Example: "  venuegate simulate --gates 8 --seed 7 --faults loss,partition,crash",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return t.simulate(c, &f) },
	}
	o := &f.options
	flags := c.Flags()
	flags.IntVar(&o.Gates, "gates", 8, "gates of the venue")
	flags.IntVar(&o.Keepers, "keepers", 3, "keepers among them")
	flags.IntVar(&o.Tickets, "tickets", 2000, "tickets sold")
	flags.IntVar(&o.Minutes, "minutes", 10, "minutes in which the visitors come")
	flags.IntVar(&o.Presentations, "presentations", 10_000, "how often a ticket is shown")
	flags.Uint64Var(&o.Seed, "seed", 1, "the first seed")
	flags.IntVar(&f.seeds, "seeds", 1, "how many seeds, one after the other")
	flags.IntVar(&f.jobs, "jobs", runtime.NumCPU(), "how many at a time")
	flags.StringVar(&f.faults, "faults", "all", "all, none, or faults with commas between them")
	flags.StringVar(&f.policy, "policy", "admit", "what an isolated gate does: admit, refer or refuse")
	flags.StringVar(&o.Dir, "dir", "", "where the gates have their disks; in memory where there is /dev/shm")
	flags.BoolVar(&f.json, "json", false, "print one JSON object a seed")
	c.AddCommand(t.simulateSeed())
	return c
}

const seedCommand = "seed"

// simulateSeed simulates one seed in a process of its own.
func (t *tool) simulateSeed() *cobra.Command {
	return &cobra.Command{
		Use: seedCommand, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			simulate.RunChild(t.in, t.out)
			return nil
		},
	}
}

func (t *tool) simulate(c *cobra.Command, f *simulateFlags) error {
	o := f.options
	var err error
	if o.Faults, err = simulate.ParseFaults(f.faults); err != nil {
		return usagef("--faults: %v", err)
	}
	if o.Policy, err = simulate.ParsePolicy(f.policy); err != nil {
		return usagef("--policy: %v", err)
	}
	if err := o.Check(); err != nil {
		return usagef("--%v", err)
	}
	if f.seeds < 1 || f.jobs < 1 {
		return usagef("--seeds and --jobs: want at least 1")
	}
	if info, err := os.Stat(inMemory); o.Dir == "" && err == nil && info.IsDir() {
		o.Dir = inMemory
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	broken := 0
	err = simulate.Seeds(c.Context(), simulate.Child{self, c.Name(), seedCommand}, o, f.seeds, f.jobs, func(r *simulate.Report) {
		if len(r.Details.Broken) > 0 {
			broken++
		}
		t.printSimulation(r, f)
	})
	if err != nil {
		return err
	}
	if f.seeds > 1 && !f.json {
		_, _ = fmt.Fprintf(t.out, "%d seeds, %d of them broke a promise\n", f.seeds, broken)
	}
	if broken > 0 {
		return errNo
	}
	return nil
}

const inMemory = "/dev/shm"

func (t *tool) printSimulation(r *simulate.Report, f *simulateFlags) {
	d := &r.Details
	if f.json {
		_ = json.NewEncoder(t.out).Encode(r) // to a terminal or a file, as every command's output
	} else {
		printReport(t.out, r)
	}
	for _, b := range d.Broken {
		_, _ = fmt.Fprintf(t.err, "seed %d, %s\n", r.Seed, b)
	}
	if len(d.Broken) > 0 {
		o := &f.options
		_, _ = fmt.Fprintf(t.err, "To repeat it: venuegate simulate --gates %d --keepers %d --tickets %d --minutes %d --presentations %d --faults %s --policy %s --seed %d\n",
			o.Gates, o.Keepers, o.Tickets, o.Minutes, o.Presentations, f.faults, f.policy, r.Seed)
	}
}

func printReport(out io.Writer, r *simulate.Report) {
	d := &r.Details
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }
	p("seed %d (schedule %s): %d gates, %d keepers, %d faults\n", r.Seed, d.Schedule, r.Gates, r.Keepers, d.Faults)
	p("  presented %d: granted %d, refused %d, referred %d, out %d, no answer %d\n",
		r.Presented, r.Granted, r.Refused, d.Referred, d.Exits, d.NoAnswer)
	p("  granted alone %d; too often %d, reported %d; too often though claimed %d\n",
		r.IsolatedGrants, r.DoubleGrantsIsolated, r.ConflictsReported, r.DoubleGrantsConnected)
	p("  lost records %d, died with a disk %d, stranded tickets %d, false refusals %d of %d judged\n",
		r.LostRecords, r.LostWithDisk, r.StrandedTickets, r.FalseRefusals, d.Judged)
	p("  decision p50 %.1f ms, p99 %.1f ms; convergence p50 %.1f ms, p99 %.1f ms; %.1f claims/s\n",
		r.Decision.P50, r.Decision.P99, r.Convergence.P50, r.Convergence.P99, r.ClaimsPerSecond)
	lin := "yes"
	if !r.Linearizable {
		lin = "NO"
	}
	p("  linearizable %s (%d histories unchecked); level %.1f s after the end of the faults\n", lin, d.Unknown, d.Settled.Seconds())
}
