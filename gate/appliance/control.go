package appliance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// ControlSocket is where a gate takes a technician's commands: a socket that
// only its own user can open, so that whoever may stop the gate may command it.
func ControlSocket(dataDir string) string { return filepath.Join(dataDir, "control.sock") }

// openControl listens for commands.
func (a *Appliance) openControl(_ context.Context, o *Options) error {
	path := ControlSocket(o.Config.Gate.DataDir)
	// The journal's lock says that no other gate runs on this data, so a socket
	// that is there is left over.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	a.control = l
	a.onClose("control socket", func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return os.Chmod(path, 0o600)
}

// commands are what a technician's tool may ask of a running gate.
func (a *Appliance) commands() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /lanes/{lane}/end-fire", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseUint(r.PathValue("lane"), 10, 16)
		if err != nil {
			http.Error(w, "the lane is not a number", http.StatusBadRequest)
			return
		}
		if err := a.EndFire(gate.LaneID(id)); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /orders", a.takeOrder)
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, _ *http.Request) {
		reports := []ledger.OrderReport{}
		for _, o := range a.ledger.Orders() {
			reports = append(reports, o.Report())
		}
		answerJSON(w, reports)
	})
	mux.HandleFunc("GET /conflicts", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, a.conflicts()) })
	mux.HandleFunc("GET /cluster", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, a.Cluster()) })
	mux.HandleFunc("POST /cluster/recover", func(w http.ResponseWriter, r *http.Request) {
		if err := a.claims.Recover(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		a.log.Warn().Msg("the keepers' state was seeded anew from this gate's records, by hand")
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /uplink", func(w http.ResponseWriter, _ *http.Request) {
		if a.uplink == nil {
			http.Error(w, "this gate has no central: set central.url in its configuration", http.StatusNotFound)
			return
		}
		answerJSON(w, a.uplink.Status())
	})
	return mux
}

// answerJSON writes an answer of a kind that always can be written.
func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the caller has hung up
}

// serveControl answers commands until ctx ends.
func (a *Appliance) serveControl(ctx context.Context) error {
	const patience = 5 * time.Second
	server := &http.Server{Handler: a.commands(), ReadHeaderTimeout: patience, WriteTimeout: patience}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = server.Close()
	})
	err := server.Serve(a.control)
	if stop() { // ctx goes on
		return errors.Join(fmt.Errorf("control socket: %w", err), server.Close())
	}
	<-closed
	return nil
}
