package main

import (
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate/appliance"
)

func TestClusterTextSaysTheWorstFirst(t *testing.T) {
	now := time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC)
	since, heard, offset := now.Add(-time.Minute), now.Add(-300*time.Millisecond), int64(-40)
	v := appliance.ClusterView{
		Gate: 4, Gates: 4, Heard: 1, Address: "10.0.0.14:7946", Isolated: &since,
		Clock: appliance.ClockView{OffsetMS: 61_000, Trusted: true, Source: "other gates"},
		Claims: appliance.ClaimsView{
			Role: "client", Lates: 3, Stranded: 1,
			Keepers: []appliance.KeeperView{{Server: "1-1", Why: "no connection"}, {Server: "2-1", Up: true}},
		},
		Peers: []appliance.PeerView{
			{Gate: 1, Name: "north 1", Behind: 12_480},
			{Gate: 2, Name: "north 2", Address: "10.0.0.12:7946", Alive: true, Heard: &heard, OffsetMS: &offset},
		},
		Refused: []appliance.RefusalLog{{Gate: 9, Epoch: 1, First: 7, Why: "signature", Times: 2}},
	}
	text := clusterText(&v, now)
	if first, _, _ := strings.Cut(text, "\n"); first != "ISOLATED since 18:59:00: the keepers do not answer." {
		t.Errorf("first line: %q", first)
	}
	for _, want := range []string{
		"gate 4 at 10.0.0.14:7946, 1 of 3 other gates heard",
		"clock: put right by +61000 ms, from other gates",
		"  1-1      DOWN no connection",
		"waiting for the keepers: 3 records, 0 claims",
		"staff must decide: 1 claim granted",
		"1     north 1  -               never, AWAY  12 480",
		"2     north 2  10.0.0.12:7946  300ms ago    0         0        -40 ms",
		"not believed: gate 9, epoch 1, from record 7 on: signature, 2 times",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}
