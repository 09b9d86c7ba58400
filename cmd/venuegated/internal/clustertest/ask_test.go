package clustertest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/ledger"
)

// answer is how a gate answered a code.
type answer struct {
	ledger.Record
	took time.Duration
}

func (a answer) String() string {
	return fmt.Sprintf("gate %d, lane %d: ticket %s, kind %d, %s, after %s", a.Position.Gate, a.Lane, a.Ticket, a.Kind, a.Reason, a.took.Round(time.Millisecond))
}

// admitted reports whether somebody was let in.
func (a answer) admitted() bool { return a.Kind == ledger.KindGrant }

// patience is how long anything may take at all before the bench gives up.
const patience = 20 * time.Second

// scan holds a code up at a lane and waits until the answer is in the journal.
func (x *box) scan(t *testing.T, lane int, text string, w gate.TicketID, step uint32) (answer, error) {
	begin := time.Now()
	at := x.follower.mark()
	if err := x.scanners[lane].Scan(text); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, seen, err := x.follower.await(ctx, at, func(r *ledger.Record) bool {
		return r.Lane == x.lane(lane) && r.Ticket == w && r.Step == step &&
			(r.Kind == ledger.KindGrant || r.Kind == ledger.KindExit || r.Kind == ledger.KindRefusal)
	})
	if err != nil {
		return answer{}, fmt.Errorf("gate %d, lane %d gave ticket %s no answer: %w", x.id, lane, w, err)
	}
	return answer{r, seen.Sub(begin)}, nil
}

// show lets a visitor show a new code at a lane.
func (x *box) show(t *testing.T, lane int, w *visitor) answer {
	t.Helper()
	text, step := w.code(t)
	a, err := x.scan(t, lane, text, w.ticket, step)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ask runs the operator's tool on the running gate.
func (x *box) ask(ctx context.Context, command string) ([]byte, error) {
	c := exec.CommandContext(ctx, filepath.Join(x.bench.bin, "venuegate"), command, "--data", x.data(), "--json")
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	var exited *exec.ExitError
	if errors.As(err, &exited) && exited.ExitCode() == 1 && len(out) > 0 {
		err = nil // it has answered, and something is wrong with the gate
	}
	if err != nil {
		err = fmt.Errorf("venuegate %s at gate %d: %w: %s", command, x.id, err, said.String())
	}
	return out, err
}

// cluster is what `venuegate cluster --json` says.
func (x *box) cluster(ctx context.Context) (v appliance.ClusterView, err error) {
	out, err := x.ask(ctx, "cluster")
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(out, &v)
}

// conflicts is what `venuegate conflicts --json` says.
func (x *box) conflicts(ctx context.Context) (all []ledger.ConflictReport, err error) {
	out, err := x.ask(ctx, "conflicts")
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(out))
	for d.More() {
		var c ledger.ConflictReport
		if err := d.Decode(&c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
