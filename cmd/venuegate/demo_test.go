package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/cmd/venuegate/internal/fleet"
	"github.com/venuegate/venuegate/gate"
)

// The demo is the whole product once through: an office, a signed pack, a gate
// with its own drivers on pseudo-terminals, and every kind of visitor.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute: codes refresh every ten seconds, and somebody waits for the next one")
	}
	var out, errOut bytes.Buffer
	dir := filepath.Join(t.TempDir(), "venue")
	o := demoOptions{dir: dir, listen: "127.0.0.1:0", language: gate.English, once: true}
	if err := runDemo(t.Context(), o, &out, &errOut); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), errOut.String())
	}
	story := out.String()
	for _, scene := range []string{
		"a live code on a phone                 ✔ admit   admitted",
		"a friend with a photo of that code     ✘ refuse  already_inside",
		"at North 1.",
		"an ID card, and nothing else           ✔ admit   admitted",
		"the same ID card again                 ✘ refuse  already_inside",
		"a screenshot, two minutes old          ✘ refuse  code_stale",
		"a forged code                          ✘ refuse  code_invalid",
		"a ticket signed by somebody else       ✘ refuse  signature_invalid",
		"a refunded ticket                      ✘ refuse  ticket_refunded",
		"a lounge ticket at the stand           ✘ refuse  wrong_zone",
		"another platform's code                ✘ refuse  document_needed",
		"… and then the ID card it was sold to  ✔ admit   admitted",
		"a ticket bought a minute ago           ✘ refuse  newer_than_pack",
		"… and then its full code               ✔ admit   admitted",
		"a payment code                         ✘ refuse  payment_code",
		"the entry is given back",
		"the same visitor again                 ✔ admit   admitted",
		"a paper ticket                         ✔ admit   admitted",
		"out for a moment, at the way out       → exit    exited",
		"… and back in                          ✔ admit   re_admitted",
		"7 went in, 1 out, 6 are inside; 10 were refused, 0 sent to staff",
	} {
		_, rest, found := strings.Cut(story, scene)
		if !found {
			t.Fatalf("%q is missing, or not where it should be, in:\n%s%s", scene, out.String(), errOut.String())
		}
		story = rest
	}
}

// Ctrl-C ends a demo cleanly, and the venue can be opened again.
func TestDemoStops(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "venue")
	for run := range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		var out, errOut bytes.Buffer
		err := runDemo(ctx, demoOptions{dir: dir, listen: "127.0.0.1:0", language: gate.Chinese}, &out, &errOut)
		cancel()
		if err != nil {
			t.Fatalf("run %d: %v\n%s", run, err, errOut.String())
		}
		if want := "江边体育场"; !strings.Contains(out.String(), want) {
			t.Errorf("run %d does not name the venue:\n%s", run, out.String())
		}
		if made := strings.Contains(out.String(), "Made a demo venue"); made != (run == 0) {
			t.Errorf("run %d: made a venue: %v", run, made)
		}
	}
}

// A day with six gates is played by the tests of internal/fleet; here is what its
// command line refuses.
func TestDemoFleetUsage(t *testing.T) {
	for _, c := range []struct {
		want string
		args []string
	}{
		{"--tickets means nothing without --fleet", []string{"--tickets", "500"}},
		{"--once means nothing with --fleet", []string{"--fleet", "--once"}},
		{"--tickets: want 100", []string{"--fleet", "--tickets", "9"}},
		{"--minutes: want", []string{"--fleet", "--minutes", "-1"}},
	} {
		if r := run(t, "", append([]string{"demo"}, c.args...)...); r.code != exitUsage || !contains(r.err, c.want) {
			t.Errorf("%v: %d %s; want %q", c.args, r.code, r.err, c.want)
		}
	}
	if r := run(t, "", "demo", "--fleet", "--venue", venueDir(t)); r.code != exitNo || !contains(r.err, "is not empty") {
		t.Errorf("in a venue that is there: %d %s", r.code, r.err)
	}
}

// The books are printed with what is wrong marked.
func TestPrintBooks(t *testing.T) {
	var out strings.Builder
	books := &fleet.Books{
		Visitors: 3, Again: 1, Told: []fleet.ToldRow{{Kind: "paper ticket", Reason: "already_inside", Times: 2}},
		Gates:  []fleet.GateRow{{Gate: 1, Name: "North 1", Passed: 2, Recorded: 2, Central: 1}},
		Checks: []fleet.Check{{What: "records", Want: 9, Got: 9}, {What: "refunds", Want: 1, Got: 0}},
	}
	if err := printBooks(&out, books); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2  paper ticket               already inside\n", "1  WRONG\n", "9       9  ok\n", "1       0  WRONG\n", "THE BOOKS DO NOT BALANCE"} {
		if !contains(out.String(), want) {
			t.Errorf("without %q:\n%s", want, out.String())
		}
	}
}
