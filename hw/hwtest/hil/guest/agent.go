package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// Agent does in the guest what the host asks for. Its methods are what net/rpc
// calls.
type Agent struct {
	modules *moduleList
	links   *deviceLinks

	mu      sync.Mutex
	daemon  *exec.Cmd
	ended   chan struct{} // closed when the daemon has
	probe   *probe
	picture *picture
}

const (
	configFile = "/run/gate.toml"
	logFile    = "/run/venuegated.log"
	page       = "http://127.0.0.1:8080"
)

// Start starts the daemon with a configuration.
func (a *Agent) Start(config wire.File, _ *wire.None) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := os.WriteFile(configFile, []byte(config.Text), 0o600); err != nil {
		return err
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("/bin/venuegated", "--config", configFile)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := cmd.Wait(); err != nil {
			fmt.Println("guest: the daemon:", err)
		}
	}()
	a.daemon, a.ended = cmd, ended
	return nil
}

var errNoDaemon = errors.New("the daemon is not running")

// Stop asks the daemon to stop and waits for it.
func (a *Agent) Stop(_ wire.None, exit *wire.Exit) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.daemon == nil {
		return errNoDaemon
	}
	begin := time.Now()
	if err := a.daemon.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-a.ended
	*exit = wire.Exit{Code: a.daemon.ProcessState.ExitCode(), Took: time.Since(begin)}
	a.daemon = nil
	return nil
}

// Log returns what the daemon has logged so far.
func (a *Agent) Log(_ wire.None, log *[]byte) (err error) {
	*log, err = os.ReadFile(logFile)
	return err
}

// State returns the page's /api/state.
func (a *Agent) State(_ wire.None, state *[]byte) (err error) {
	*state, err = a.state()
	return err
}

func (a *Agent) state() ([]byte, error) {
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(page + "/api/state")
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	return io.ReadAll(answer.Body)
}

// Await waits until the page says that a device is up, or down.
func (a *Agent) Await(q wire.Await, found *wire.Awaited) error {
	var state struct {
		Lanes []struct {
			Devices []struct {
				Name  string    `json:"name"`
				Up    bool      `json:"up"`
				Since time.Time `json:"since"`
			} `json:"devices"`
		} `json:"lanes"`
	}
	var last []byte
	for end := time.Now().Add(q.Within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		body, err := a.state()
		if err != nil {
			continue // the page may not be there yet
		}
		last = body
		if err := json.Unmarshal(body, &state); err != nil {
			return err
		}
		for _, l := range state.Lanes {
			for _, d := range l.Devices {
				if d.Name == q.Device && d.Up == q.Up {
					found.Since = d.Since
					return nil
				}
			}
		}
	}
	return fmt.Errorf("%s: up is not %v within %v; the page says %s", q.Device, q.Up, q.Within, last)
}

// Links lists what is plugged in.
//
//nolint:unparam // net/rpc wants the error
func (a *Agent) Links(_ wire.None, links *[]wire.Link) error {
	*links = a.links.all()
	return nil
}

// Run runs a program to its end.
func (a *Agent) Run(c wire.Command, out *wire.Output) error {
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	*out = wire.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Code: cmd.ProcessState.ExitCode()}
	return nil
}
