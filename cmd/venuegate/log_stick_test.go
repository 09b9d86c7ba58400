package main

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// recordsCommand has a gate start, record an evening and stop: records DATA. It
// begins above the epochs that it has from other gates, as a gate does.
func recordsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: records DATA")
	}
	data := ts.MkAbs(args[0])
	key, err := keyring.LoadGate(filepath.Join(data, "identity.key"))
	ts.Check(err)
	l, _, err := logs.Open(logs.Options{Path: filepath.Join(data, "logs.db"), Gate: 1, Ledger: ledger.New()})
	ts.Check(err)
	j, _, err := journal.Open(journal.Options{
		Dir: filepath.Join(data, "journal"), Gate: 1, Signer: key, Now: func() time.Time { return evening },
		Above: func() uint32 { return l.HighestEpoch(1) },
	})
	ts.Check(err)
	ts.Check(errors.Join(appendAll(j, evenings(j.Head().Position.Origin)), j.Close(), l.Close()))
}

// A gate that is running is exported from beside it, and not imported to.
func TestLogStickBesideTheGate(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) (code int, out, errOut string) {
		var o, e safeBuffer
		tl := &tool{out: &o, err: &e, now: time.Now}
		code = tl.run(t.Context(), args)
		return code, o.String(), e.String()
	}
	venue, stick := filepath.Join(dir, "venue"), filepath.Join(dir, "stick")
	data := filepath.Join(venue, "gates", "1", "data")
	for _, args := range [][]string{
		{"init", venue},
		{"pack", "build", "--venue", venue},
		{"pack", "install", "--venue", venue, "--data", data},
	} {
		if code, _, errOut := run(args...); code != exitOK {
			t.Fatalf("%v: %s", args, errOut)
		}
	}
	key, err := keyring.LoadGate(filepath.Join(data, "identity.key"))
	if err != nil {
		t.Fatal(err)
	}
	l, _, err := logs.Open(logs.Options{Path: filepath.Join(data, "logs.db"), Gate: 1, Ledger: ledger.New()})
	if err != nil {
		t.Fatal(err)
	}
	j, _, err := journal.Open(journal.Options{Dir: filepath.Join(data, "journal"), Gate: 1, Signer: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := appendAll(j, evenings(j.Head().Position.Origin)); err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := run("log", "export", stick, "--data", data); code != exitNo || !contains(errOut, "Is the stick mounted") {
		t.Errorf("without a stick: %d, %s", code, errOut)
	}
	if code, out, errOut := run("log", "export", dir, "--data", data, "--json"); code != exitOK || !contains(out, `"file":"1-000001.vglog"`) {
		t.Errorf("export: %d, %s%s", code, out, errOut)
	}
	if code, _, errOut := run("log", "import", dir, "--data", data); code != exitNo || !contains(errOut, "the gate is running") {
		t.Errorf("import: %d, %s", code, errOut)
	}
	if err := errors.Join(j.Close(), l.Close()); err != nil {
		t.Error(err)
	}
}
