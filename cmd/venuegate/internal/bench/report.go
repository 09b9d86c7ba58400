package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is everything that a run measured.
type Report struct {
	Machine string    `json:"machine"`
	At      time.Time `json:"at"`
	Tickets int       `json:"tickets"`
	Scans   int       `json:"scans"`
	Records int       `json:"records"`

	Long        Pair `json:"long"`   // scan to durable verdict, one lane
	Short       Pair `json:"short"`  // the same with short codes
	Reader      Pair `json:"reader"` // last byte to barrier; the floor is the scan alone
	AtOnceLong  Rate `json:"at_once_long"`
	AtOnceShort Rate `json:"at_once_short"`
	Pure        Pure `json:"pure"`

	Publish Whole  `json:"publish"` // making the chains of the scans' tickets included
	Install Whole  `json:"install"`
	Start   Whole  `json:"start"`
	Idle    Whole  `json:"idle"`
	Peers   []Peer `json:"peers,omitempty"`
}

func newReport(o *Options, dir string) *Report {
	return &Report{
		Machine: machine(dir), At: time.Now().UTC().Truncate(time.Second),
		Tickets: o.Tickets, Scans: o.Scans, Records: o.Records,
	}
}

// machine says what the figures are of.
func machine(dir string) string {
	cpu := "unknown processor"
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer func() { _ = f.Close() }()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
				cpu = strings.TrimLeft(name, "\t: ")
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s on %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), fileSystem(dir))
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") }
	pair := func(name string, p Pair) {
		row(name, us(p.Ours.P50), us(p.Ours.P99), us(p.Floor.P50), us(p.Floor.P99),
			fmt.Sprintf("%.2f", p.P50Ratio()), fmt.Sprintf("%.2f", p.P99Ratio()))
	}
	_, _ = fmt.Fprintf(w, "%s\n%s; %d tickets, %d scans of each form\n\n", r.Machine, r.At.Format(time.RFC3339), r.Tickets, r.Scans)
	row("", "p50 µs", "p99 µs", "floor p50", "floor p99", "p50 ratio", "p99 ratio")
	pair("scan to durable verdict, long code", r.Long)
	pair("scan to durable verdict, short code", r.Short)
	pair("reader's last byte to barrier (floor: the scan alone)", r.Reader)
	pair("token to verdict without I/O, long", r.Pure.Long)
	pair("token to verdict without I/O, short", r.Pure.Short)
	pair("lookup (floor: one Ed25519 check)", r.Pure.Lookup)
	for _, p := range r.Peers {
		if p.Skipped == "" {
			row(p.Name, us(p.Latency.P50), us(p.Latency.P99), us(r.Long.Floor.P50), us(r.Long.Floor.P99),
				fmt.Sprintf("%.2f", ratio(p.Latency.P50, r.Long.Floor.P50)), fmt.Sprintf("%.2f", ratio(p.Latency.P99, r.Long.Floor.P99)))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "\nreader and lane     add %s µs to the decision at p50, %s µs at p99\n",
		us(r.Reader.Ours.P50-r.Reader.Floor.P50), us(r.Reader.Ours.P99-r.Reader.Floor.P99))
	for _, a := range []struct {
		form string
		Rate
	}{{"long", r.AtOnceLong}, {"short", r.AtOnceShort}} {
		_, _ = fmt.Fprintf(w, "%d lanes at once     %.0f %s codes/s, one lane %.0f: %.1f times; p50 %s µs, p99 %s µs\n",
			a.Lanes, a.Rate.Rate, a.form, a.One, a.Multiple, us(a.Latency.P50), us(a.Latency.P99))
	}
	_, _ = fmt.Fprintf(w, `allocations         %.1f a long code, %.1f a short one, without I/O
install             %.1f s for %d tickets, from the signed repository, peak %.0f MB
start               %.1f s with %d records in the journal, peak %.0f MB
idle                %.2f %% of one core, peak %.0f MB, with the same pack
`, r.Pure.LongAllocs, r.Pure.ShortAllocs,
		r.Install.Seconds, r.Install.Done, r.Install.PeakMB,
		r.Start.Seconds, r.Start.Done, r.Start.PeakMB, 100*r.Idle.CPU, r.Idle.PeakMB)
	for _, p := range r.Peers {
		if p.Skipped != "" {
			_, _ = fmt.Fprintf(w, "%s: not measured: %s\n", p.Name, p.Skipped)
		}
	}
	_, err := fmt.Fprint(w, `
The floor is what no gate can do without, in turn with ours on the same disk:
the code's Ed25519 check (long) and chain hashes, and one 256-byte write with
fdatasync in a file whose blocks exist already.
`)
	return err
}

func us(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e3) }
