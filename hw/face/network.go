package face

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Network is a face terminal on the network.
type Network struct {
	outlet
	address, path string // path is of posts
	post          bool
	from          []netip.Addr
	answer        string
	running       atomic.Bool
	state         presence
}

// NewNetwork returns a reader that listens when it runs. The error is a
// *port.OptionError.
func NewNetwork(o Options) (*Network, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	n := &Network{outlet: newOutlet(o.Name, o.Decoding, o.Repeat), answer: o.Answer}
	if n.answer == "" {
		n.answer = "{}"
	}
	var err error
	if n.address, n.path, n.post, err = o.where(); err != nil {
		return nil, err
	}
	if n.from, err = o.allowed(n.address); err != nil {
		return nil, err
	}
	n.state = presence{name: o.Name, tell: o.OnState, heartbeat: o.Heartbeat, wake: make(chan struct{}, 1)}
	return n, nil
}

// Stats returns the counters so far.
func (n *Network) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

// Run listens until ctx ends and then returns nil; every goroutine it started
// has ended by then. An address that cannot be had is tried again. deliver is
// called from one goroutine at a time. port.ErrRunning is the only error.
func (n *Network) Run(ctx context.Context, deliver func(gate.Reading)) error {
	if !n.running.CompareAndSwap(false, true) {
		return port.ErrRunning
	}
	defer n.running.Store(false)
	retry := port.Retry{Min: port.DefaultBackoffMin, Max: port.DefaultBackoffMax}
	for ctx.Err() == nil {
		retry.Begin()
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", n.address)
		if err == nil {
			err = n.serve(ctx, l, deliver)
		}
		if ctx.Err() != nil {
			break
		}
		n.state.down(&port.Error{Op: "listen", Path: n.address, Err: bare(err)})
		retry.Wait(ctx)
	}
	return nil
}

// bare drops the operation and address that the net package adds.
func bare(err error) error {
	var oe *net.OpError
	if errors.As(err, &oe) {
		return oe.Err
	}
	return err
}

// serve takes terminals until the listener fails or ctx ends.
func (n *Network) serve(ctx context.Context, l net.Listener, deliver func(gate.Reading)) error {
	door := &door{Listener: l, from: n.from, refused: func() { n.count(func(s *Stats) { s.Refused++ }) }}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	n.state.listening(n.post)
	wg.Go(func() { n.state.watch(ctx) })
	if n.post {
		return n.servePosts(ctx, door, deliver)
	}
	return n.serveLines(ctx, door, deliver)
}

// serveLines reads one JSON object after the other from each connection.
func (n *Network) serveLines(ctx context.Context, d *door, deliver func(gate.Reading)) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = d.Close() })
	defer stop()
	for {
		c, err := d.Accept()
		if err != nil {
			return errors.Join(err, ignoreClosed(d.Close()))
		}
		n.state.connected(1)
		conns.Go(func() {
			defer n.state.connected(-1)
			n.serveConn(ctx, c, deliver)
		})
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (n *Network) serveConn(ctx context.Context, c net.Conn, deliver func(gate.Reading)) {
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 4096)
	defer clear(buf)
	var f framer
	for ctx.Err() == nil {
		if f.within() {
			_ = c.SetReadDeadline(time.Now().Add(pause)) // a connection that is gone says so when it is read
		} else {
			_ = c.SetReadDeadline(time.Time{})
		}
		if ctx.Err() != nil {
			return // it may have ended before the deadline was set
		}
		before := f.drops
		k, err := c.Read(buf)
		now := time.Now()
		f.push(now, buf[:k], func(message []byte) {
			if n.take(now, message, deliver) == nil {
				n.state.heard(now)
			}
		})
		var timeout net.Error
		late := errors.As(err, &timeout) && timeout.Timeout()
		if err != nil {
			f.reset()
		}
		n.count(func(s *Stats) {
			s.Drops.Noise += f.drops.Noise - before.Noise
			s.Drops.Unfinished += f.drops.Unfinished - before.Unfinished
			s.Drops.TooLong += f.drops.TooLong - before.TooLong
		})
		if err != nil && !late {
			return
		}
	}
}

// servePosts reads one JSON object from each POST.
func (n *Network) servePosts(ctx context.Context, d *door, deliver func(gate.Reading)) error {
	var conns sync.WaitGroup
	server := http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.answerPost(w, r, deliver) }),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // it would name requests
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				conns.Add(1) // in the goroutine of Serve, which has ended before Wait
			case http.StateClosed:
				conns.Done()
			}
		},
	}
	defer conns.Wait()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	err := server.Serve(d)
	stop()
	return errors.Join(err, server.Close())
}

func (n *Network) answerPost(w http.ResponseWriter, r *http.Request, deliver func(gate.Reading)) {
	refuse := func(status int) {
		n.count(func(s *Stats) { s.Refused++ })
		http.Error(w, http.StatusText(status), status)
	}
	switch {
	case r.URL.Path != n.path:
		refuse(http.StatusNotFound)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refuse(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxMessage))
	defer clear(body)
	now := time.Now()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		n.count(func(s *Stats) { s.Drops.TooLong++ })
		http.Error(w, fmt.Sprintf("at most %d bytes", MaxMessage), http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		n.count(func(s *Stats) { s.Drops.Unfinished++ })
		http.Error(w, "the body was cut off", http.StatusBadRequest)
		return
	}
	if err := n.take(now, body, deliver); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	n.state.heard(now)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, n.answer) // a terminal that went away has been served
}
