package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/sync/pack"
)

// A gate that runs is not disturbed: the pack waits where it looks for it, and
// what is not to be trusted does not even get there.
func TestImportOnARunningGate(t *testing.T) {
	venue, stick := venueDir(t), t.TempDir()
	data := filepath.Join(venue, "gates", "1", "data")
	must(t, "ticket", "issue", "--venue", venue)
	must(t, "pack", "build", "--venue", venue)
	must(t, "pack", "export", stick, "--venue", venue)
	other, wrong := venueDir(t), t.TempDir()
	must(t, "pack", "build", "--venue", other)
	must(t, "pack", "export", wrong, "--venue", other)

	unlock, err := holdGate(data)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unlock() }()
	if r := run(t, "", "pack", "import", wrong, "--data", data); r.code != exitNo || !contains(r.err, "another venue") {
		t.Errorf("another venue's: exit code %d: %s", r.code, r.err)
	}
	incoming := filepath.Join(data, pack.DirIncoming)
	if _, err := os.Stat(filepath.Join(incoming, "metadata", "timestamp.json")); err == nil {
		t.Error("another venue's pack waits for the gate")
	}
	r := run(t, "", "pack", "import", stick, "--data", data)
	if r.code != exitOK || !contains(r.out, "version 2 in "+incoming) || !contains(r.err, "the gate is running") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	// The gate takes it as from any other way.
	mirror, err := pack.OpenMirror(filepath.Join(data, pack.DirMirror), filepath.Join(data, pack.DirTrust))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mirror.Close() }()
	from, err := pack.OpenDir(incoming)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	_, report, err := mirror.Sync(t.Context(), []pack.Way{{Name: "incoming", From: from}}, time.Now())
	if err != nil || report.Version != 2 || report.From != "incoming" {
		t.Errorf("%+v, %v", report, err)
	}
	if entries, err := os.ReadDir(filepath.Join(data, "packs")); err == nil && len(entries) > 0 {
		t.Errorf("something was installed below a running gate: %v", entries)
	}
}
