package server

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Bounds of connections.
const (
	maxConnections = 2048
	headerWait     = 5 * time.Second
	readWait       = 2 * time.Minute // a batch over a slow line
	writeWait      = 10 * time.Minute
	idleWait       = 2 * time.Minute
	maxHeader      = 16 << 10
	stopWait       = 10 * time.Second
)

// Listen answers calls and publishes until ctx is done, then lets what runs
// end. Calls over local may do everything; it and the certificate may be nil.
func (s *Server) Listen(ctx context.Context, public, local net.Listener, certificate *tls.Config) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	public = netutil.LimitListener(public, maxConnections)
	if certificate != nil {
		public = tls.NewListener(public, certificate)
	}
	servers := []*http.Server{newHTTP(s, nil)}
	listeners := []net.Listener{public}
	if local != nil {
		servers = append(servers, newHTTP(s, Local))
		listeners = append(listeners, local)
	}
	failed := make(chan error, len(servers))
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	for i := range servers {
		wg.Go(func() {
			if err := servers[i].Serve(listeners[i]); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	stop, stopped := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
	defer stopped()
	for _, h := range servers {
		if h.Shutdown(stop) != nil {
			err = errors.Join(err, h.Close())
		}
	}
	wg.Wait()
	return err
}

func newHTTP(s *Server, mark func(context.Context) context.Context) *http.Server {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerWait, ReadTimeout: readWait, WriteTimeout: writeWait,
		IdleTimeout: idleWait, MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0),
	}
	if mark != nil {
		h.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return mark(ctx) }
	}
	return h
}
