package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Options are what a Server needs to know.
type Options struct {
	Source   Source
	Commands Commands // what staff may do; nil: the page only shows
	Hub      *Hub
	Version  string        // of the software, for /metrics
	Language gate.Language // where the browser asks for none that we have; empty: zh-CN
	// Hosts are the names and addresses, besides loopback, under which the
	// page may be asked for: without port, such as "gate-3.local" or
	// "192.168.1.13". Any other Host header is turned away, so that a foreign
	// web site cannot read the page by pointing its own name at this machine.
	Hosts []string
	// Log takes what http.Server complains of; nil drops it.
	Log *log.Logger
}

// Server serves the staff page and what machines ask for.
type Server struct {
	source  Source
	hub     *Hub
	hosts   hostSet
	log     *log.Logger
	texts   map[gate.Language]*texts
	chooser *chooser
	page    *template.Template
	assets  *assets
	metrics http.Handler
	tempo   tempo

	commands Commands
	sessions *sessions
	limits   *limits
	checking chan struct{} // holds whoever's PIN is being checked
}

// How long a request may take; a live stream has a tempo of its own.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	idleTimeout    = time.Minute
	maxHeader      = 16 << 10
	// stopTimeout is how long Serve waits for requests under way.
	stopTimeout = 1500 * time.Millisecond
)

// New prepares a server. It fails where the options or the embedded files are
// not whole.
func New(o Options) (*Server, error) {
	if o.Source == nil || o.Hub == nil {
		return nil, errors.New("web: a source and a hub are needed")
	}
	if o.Language == "" {
		o.Language = gate.Chinese
	}
	s := &Server{
		source: o.Source, hub: o.Hub, hosts: newHostSet(o.Hosts), log: o.Log, tempo: defaultTempo,
		commands: o.Commands, sessions: newSessions(time.Now), limits: newLimits(time.Now), checking: make(chan struct{}, 1),
	}
	o.Hub.metrics.signedIn(s.sessions.count)
	var err error
	if s.texts, err = loadTexts(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.chooser, err = newChooser(o.Language); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.page, err = loadPage(); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	if s.metrics, err = o.Hub.metrics.handler(o.Source, o.Hub, o.Version); err != nil {
		return nil, fmt.Errorf("web: metrics: %w", err)
	}
	return s, nil
}

// Handler returns everything that the server answers.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.servePage)
	mux.HandleFunc("GET /static/{version}/{name}", s.assets.serve)
	mux.HandleFunc("GET /events", s.serveEvents)
	mux.HandleFunc("GET /api/state", s.serveState)
	mux.HandleFunc("GET /healthz", s.serveAlive)
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.Handle("GET /metrics", s.metrics)
	s.desk(mux)
	s.venue(mux)
	return s.guard(http.NewCrossOriginProtection().Handler(mux))
}

// Serve answers on listener until ctx is done, then ends live streams, waits
// for requests under way and returns within two seconds. It closes listener.
// The error is nil unless serving itself failed.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	logger := s.log
	if logger == nil {
		logger = log.New(io.Discard, "", 0)
	}
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          logger,
		// Live streams end when their request's context does.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		_ = server.Close() // ends what came in before the failure
		return fmt.Errorf("web: serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	// ctx is over, and the requests under way get a little longer than it.
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(patience); err != nil {
		_ = server.Close() // cuts what is left; there is nobody to tell
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("web: serve on %s: %w", listener.Addr(), err)
	}
	return nil
}
