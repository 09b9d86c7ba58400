package appliance

import (
	"context"
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

// serveControl answers commands until ctx ends.
func (a *Appliance) serveControl(ctx context.Context) error {
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
	const patience = 5 * time.Second
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience, WriteTimeout: patience}
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
