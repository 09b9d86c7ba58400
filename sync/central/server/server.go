package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central/intake"
)

// Options say how to serve.
type Options struct {
	Dirs   []string // the venues' directories, at least one; accounts are in the first
	Now    func() time.Time
	Random io.Reader
	Log    zerolog.Logger
	Secure bool // pages come over HTTPS, so that cookies may say so
}

// Server is central. Make it with Open, run it with Run.
type Server struct {
	now    func() time.Time
	random io.Reader
	log    zerolog.Logger
	secure bool

	venues  []*venue
	uploads *intake.Reader
	slots   chan struct{} // bodies of uploads in memory
	mux     *http.ServeMux
	routes  []string
}

// Bounds of what is done at a time.
const (
	uploadsAtOnce = 16 // bodies in memory, up to 2.4 MB each
	expandAtOnce  = 2
)

// Open opens the venues. Close the server when Run has ended.
func Open(o Options) (s *Server, err error) {
	s = &Server{
		now: o.Now, random: o.Random, log: o.Log, secure: o.Secure,
		slots: make(chan struct{}, uploadsAtOnce), mux: http.NewServeMux(),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if len(o.Dirs) == 0 {
		return nil, errors.New("central: no venue to serve")
	}
	if s.uploads, err = intake.NewReader(expandAtOnce); err != nil {
		return nil, err
	}
	for _, dir := range o.Dirs {
		v, err := openVenue(dir, s)
		if err != nil {
			return nil, err
		}
		s.venues = append(s.venues, v)
	}
	if err := s.distinct(); err != nil {
		return nil, err
	}
	s.register()
	return s, nil
}

// distinct checks that venues do not share what calls name.
func (s *Server) distinct() error {
	venues, events := map[uint32]bool{}, map[uint32]bool{}
	for _, v := range s.venues {
		if id := v.office.Venue().ID; venues[id] {
			return fmt.Errorf("central: venue %d is there twice", id)
		}
		venues[v.office.Venue().ID] = true
		for _, e := range v.office.Events() {
			if events[e.ID] {
				return fmt.Errorf("central: event %d is there twice", e.ID)
			}
			events[e.ID] = true
		}
	}
	return nil
}

// Run publishes what changes until ctx is done.
func (s *Server) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, v := range s.venues {
		wg.Go(func() { v.publisher.run(ctx) })
	}
	wg.Wait()
}

// Close closes what Open opened.
func (s *Server) Close() error {
	var err error
	for _, v := range s.venues {
		err = errors.Join(err, v.close())
	}
	if s.uploads != nil {
		s.uploads.Close()
	}
	return err
}

// route adds a handler and remembers the pattern.
func (s *Server) route(pattern string, do func(w http.ResponseWriter, r *http.Request) error) {
	s.routes = append(s.routes, pattern)
	s.mux.Handle(pattern, s.handle(do))
}

func (s *Server) register() {
	s.route("POST /v1/enrolments", s.enrol)
	s.route("GET /v1/repository/{path...}", s.repositoryFile)
	s.route("GET /v1/journals", s.vector)
	s.route("POST /v1/journals/{gate}/{epoch}", s.takeRecords)
}

// Routes returns the patterns of the API.
func (s *Server) Routes() []string { return s.routes }

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}

// venueOf returns the venue of an event.
func (s *Server) venueOf(event gate.EventID) (*venue, bool) {
	for _, v := range s.venues {
		for _, e := range v.office.Events() {
			if e.ID == uint32(event) {
				return v, true
			}
		}
	}
	return nil, false
}
