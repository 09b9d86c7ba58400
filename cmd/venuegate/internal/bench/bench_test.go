package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
)

// asPart makes the test's own program one of the processes that a run starts.
const asPart = "VENUEGATE_BENCH_TEST_PART"

func TestMain(m *testing.M) {
	if os.Getenv(asPart) == "" {
		os.Exit(m.Run())
	}
	os.Exit(part(os.Args[len(os.Args)-4:]))
}

func part(args []string) int {
	numbers := make([]int, 2)
	for i := range numbers {
		n, err := strconv.Atoi(args[2+i])
		if err != nil {
			return 2
		}
		numbers[i] = n
	}
	whole, err := RunPart(context.Background(), Part(args[0]), args[1], numbers[0], numbers[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(whole)
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return 0
}

// A run of a few tickets goes through every part: what it prints is not looked
// at for speed, only for being there.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("idles for ten seconds")
	}
	t.Setenv(asPart, "1")
	var log bytes.Buffer
	r, err := Run(t.Context(), Options{
		Dir: t.TempDir(), Tickets: 2000, Scans: 40, Lanes: 4, Records: 3000, Self: []string{os.Args[0]}, Log: &log,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if r.Install.Done != 2000 || r.Start.Done != 3000 {
		t.Errorf("installed %d tickets, read %d records", r.Install.Done, r.Start.Done)
	}
	for name, p := range map[string]Pair{"long": r.Long, "short": r.Short, "reader": r.Reader, "pure": r.Pure.Long, "lookup": r.Pure.Lookup} {
		if p.Ours.P50 <= 0 || p.Floor.P50 <= 0 || p.Ours.P99 < p.Ours.P50 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if r.AtOnceLong.Lanes != 4 || r.AtOnceShort.Rate <= 0 || r.Idle.PeakMB <= 0 {
		t.Errorf("at once %+v, idle %+v", r.AtOnceLong, r.Idle)
	}
	var printed bytes.Buffer
	if err := r.Print(&printed); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"scan to durable verdict, long code", "4 lanes at once", "records in the journal", "The floor is"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, printed.String())
		}
	}
}

func TestTooFewTickets(t *testing.T) {
	if _, err := Run(t.Context(), Options{Dir: t.TempDir(), Tickets: 10, Scans: 100, Lanes: 8}); err == nil {
		t.Error("a run with more scans than tickets was started")
	}
}

// A peer that cannot run says why instead of giving figures.
func TestPeerThatIsMissing(t *testing.T) {
	if _, err := runPeer(t.Context(), "no-such-program", "x", "", t.TempDir(), 1); err == nil || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("got %v", err)
	}
	if _, err := runPeer(t.Context(), "sh", "x.sh", "echo cannot work here >&2; exit 1\n", t.TempDir(), 1); err == nil || err.Error() != "cannot work here" {
		t.Errorf("got %v", err)
	}
}
