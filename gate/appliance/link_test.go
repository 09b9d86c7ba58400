package appliance

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A gate that keeps a connection open when it is struck off is served no more
// over it.
func TestStruckOffOnAnOpenConnection(t *testing.T) {
	var onRoster atomic.Bool
	onRoster.Store(true)
	here, there := net.Pipe()
	mirrors := newInbox(here.LocalAddr())
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a pack") }),
		ReadHeaderTimeout: time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(&mirrors) }()
	if !mirrors.put(t.Context(), &rosterConn{here, onRoster.Load}) {
		t.Fatal("nobody takes the connection")
	}
	answers := bufio.NewReader(there)
	ask := func() error {
		if _, err := io.WriteString(there, "GET / HTTP/1.1\r\nHost: gate\r\n\r\n"); err != nil {
			return err
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return errors.Join(err, resp.Body.Close())
	}
	for range 2 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	onRoster.Store(false)
	if err := ask(); err == nil {
		t.Error("it was served after it was struck off")
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// Nobody who takes connections holds the door for others.
func TestInboxThatNobodyEmpties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := newInbox(&net.TCPAddr{})
		conn, _ := net.Pipe()
		ctx, cancel := context.WithTimeout(t.Context(), handshakePatience)
		defer cancel()
		if box.put(ctx, conn) {
			t.Error("somebody took it")
		}
	})
}
