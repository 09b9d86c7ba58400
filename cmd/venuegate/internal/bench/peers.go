package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/venuegate/venuegate/gate/store/storetest"
)

// Peer is what one would write instead, in an afternoon: a signed token, a
// table of tickets, a table of admissions.
type Peer struct {
	Name    string  `json:"name"`
	Skipped string  `json:"skipped,omitempty"` // why it was not measured
	Latency Latency `json:"latency"`
}

//go:embed peers/sqlite.py
var pythonPeer string

//go:embed peers/sqlite.cjs
var nodePeer string

// peerScans bounds the scans of each peer, so that a slow one does not hold the
// run up.
const peerScans = 2000

// peers measures the others on the same disk, with the same tickets: their
// tokens are our tickets' bodies and signatures in base64.
func (o *Options) peers(ctx context.Context, w *world, r *Report) {
	if err := w.writeTokens(min(peerScans, o.Scans)); err != nil {
		r.Peers = append(r.Peers, Peer{Name: "all", Skipped: err.Error()})
		return
	}
	for _, p := range []struct {
		name, program, file, text string
	}{
		{"Python + SQLite (WAL, FULL)", "python3", "sqlite.py", pythonPeer},
		{"Node + SQLite (WAL, FULL)", "node", "sqlite.cjs", nodePeer},
	} {
		o.say("scanning with %s", p.name)
		latency, err := runPeer(ctx, p.program, p.file, p.text, w.dir, o.Tickets)
		peer := Peer{Name: p.name, Latency: latency}
		if err != nil {
			peer.Skipped = err.Error()
		}
		r.Peers = append(r.Peers, peer)
	}
}

func (w *world) writeTokens(n int) error {
	var b bytes.Buffer
	for i := range w.codes[:n] {
		fmt.Fprintln(&b, base64.RawURLEncoding.EncodeToString(w.codes[i].signed.Append(nil)))
	}
	if err := os.WriteFile(filepath.Join(w.dir, "tokens"), b.Bytes(), 0o600); err != nil {
		return err
	}
	key := issuer().Private.Public().(ed25519.PublicKey)
	return os.WriteFile(filepath.Join(w.dir, "issuer.hex"), []byte(hex.EncodeToString(key)), 0o600)
}

func runPeer(ctx context.Context, program, file, text, dir string, n int) (Latency, error) {
	if _, err := exec.LookPath(program); err != nil {
		return Latency{}, fmt.Errorf("%s is not installed", program)
	}
	path := filepath.Join(dir, file)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return Latency{}, err
	}
	cmd := exec.CommandContext(ctx, program, path, dir)
	ids, err := cmd.StdinPipe()
	if err != nil {
		return Latency{}, err
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		return Latency{}, err
	}
	// The tickets' ids go in, so that its table is as large as our pack.
	buffered := bufio.NewWriter(ids)
	for i := range n {
		if _, err := fmt.Fprintln(buffered, storetest.ID(i)); err != nil {
			break // it has stopped, and says why
		}
	}
	_ = buffered.Flush()
	_ = ids.Close()
	if err := cmd.Wait(); err != nil {
		return Latency{}, fmt.Errorf("%s", lastLine(errOut.String(), err))
	}
	var l Latency
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		return l, fmt.Errorf("its answer is not understood: %w", err)
	}
	return l, nil
}

func lastLine(text string, err error) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return err.Error()
}
