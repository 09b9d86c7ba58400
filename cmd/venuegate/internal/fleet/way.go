package fleet

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// Way is the gates' way to central, which can be cut: a port that hands
// connections on.
type Way struct {
	listener net.Listener
	to       string
	running  sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

// NewWay opens a way to an address.
func NewWay(ctx context.Context, to string) (*Way, error) {
	var listening net.ListenConfig
	l, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &Way{listener: l, to: to, conns: map[net.Conn]bool{}}
	w.running.Go(w.accept)
	return w, nil
}

// URL is central's address for whoever goes this way.
func (w *Way) URL() string { return "http://" + w.listener.Addr().String() }

// Cut breaks what is connected, and lets nobody through until Mend.
func (w *Way) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for c := range w.conns {
		_ = c.Close()
	}
}

// Mend lets everybody through again.
func (w *Way) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

// Close ends it and waits for what it carries.
func (w *Way) Close() error {
	err := w.listener.Close()
	w.Cut()
	w.running.Wait()
	return err
}

func (w *Way) accept() {
	for {
		from, err := w.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if !w.keep(from) {
			_ = from.Close()
			continue
		}
		w.running.Go(func() { w.carry(from) })
	}
}

// keep remembers a connection, to be cut, unless nobody is let through.
func (w *Way) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cut {
		w.conns[c] = true
	}
	return !w.cut
}

func (w *Way) drop(c net.Conn) {
	_ = c.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

func (w *Way) carry(from net.Conn) {
	defer w.drop(from)
	var d net.Dialer
	to, err := d.DialContext(context.Background(), "tcp", w.to) // loopback: it answers at once
	if err != nil {
		return
	}
	if !w.keep(to) {
		_ = to.Close()
		return
	}
	defer w.drop(to)
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(from, to) // either end may go at any time
		_ = from.Close()
	})
	_, _ = io.Copy(to, from)
	_ = to.Close()
	back.Wait()
}
