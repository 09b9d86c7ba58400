package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/docs/protocol"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central/intake"
)

// Options say how to serve.
type Options struct {
	Dirs   []string // the venues' directories, at least one; accounts are in the first
	Now    func() time.Time
	Random io.Reader
	Log    zerolog.Logger
	Secure bool   // pages come over HTTPS, so that cookies may say so
	URL    string // central's address as gates know it, which may be a proxy's; empty: as the caller does
}

// Server is central. Make it with Open, run it with Run.
type Server struct {
	now    func() time.Time
	random io.Reader
	log    zerolog.Logger
	secure bool
	url    string

	logins    *logins
	sessions  *sessions
	selling   sync.Mutex // sales that may be repeated
	importing sync.Mutex
	leasing   sync.Mutex

	venues  []*venue
	uploads *intake.Reader
	slots   chan struct{} // bodies of uploads in memory
	mux     *http.ServeMux
	handler http.Handler // mux, behind what all calls pass
	routes  []string
	faces   *faces
}

// Bounds of what is done at a time.
const (
	uploadsAtOnce = 16 // bodies in memory, up to 2.4 MB each
	expandAtOnce  = 2
)

// Open opens the venues. Close the server when Run has ended.
func Open(o Options) (s *Server, err error) {
	s = &Server{
		now: o.Now, random: o.Random, log: o.Log, secure: o.Secure || strings.HasPrefix(o.URL, "https://"), url: strings.TrimSuffix(o.URL, "/"),
		logins: newLogins(), sessions: &sessions{ends: map[[32]byte]time.Time{}},
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
	if s.faces, err = openFaces(); err != nil {
		return nil, err
	}
	s.register()
	s.registerPages()
	// A browser that is logged in changes nothing for another site.
	s.handler = http.NewCrossOriginProtection().Handler(s.mux)
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

	s.route("GET /v1/events", s.listEvents)
	s.route("GET /v1/events/{event}", s.showEvent)
	s.route("PUT /v1/events/{event}", s.putEvent)
	s.route("GET /v1/events/{event}/terms", s.showTerms)
	s.route("PUT /v1/events/{event}/terms", s.putTerms)
	s.route("POST /v1/events/{event}/tickets", s.sell)
	s.route("POST /v1/events/{event}/imports", s.importSales)
	s.route("GET /v1/events/{event}/tickets/{ticket}", s.showTicket)
	s.route("POST /v1/events/{event}/tickets/{ticket}/void", s.voidTicket)
	s.route("POST /v1/events/{event}/tickets/{ticket}/refund", s.refundTicket)
	s.route("POST /v1/events/{event}/tickets/{ticket}/transfer", s.transferTicket)
	s.route("POST /v1/tickets/{ticket}/lease", s.leaseTicket)
	s.route("DELETE /v1/tickets/{ticket}/lease", s.releaseLease)
	s.route("GET /v1/events/{event}/attendance", s.attendanceJSON)
	s.route("GET /v1/events/{event}/attendance.csv", s.attendanceCSV)
	s.route("GET /v1/events/{event}/conflicts", s.conflicts)

	s.route("GET /v1/venues", s.listVenues)
	s.route("POST /v1/enrolment-codes", s.makeCode)
	s.route("DELETE /v1/gates/{gate}", s.strikeGate)
	s.route("POST /v1/publications", s.publishNow)
	s.route("GET /v1/keys", s.listKeys)
	s.route("POST /v1/keys", s.makeKey)
	s.route("DELETE /v1/keys/{key}", s.removeKey)
	s.route("GET /v1/problems/{kind}", s.explainProblem)
	s.route("GET /v1/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = io.WriteString(w, protocol.Central()) // whoever asked may be gone
		return nil
	})
}

// Routes returns the patterns of the API.
func (s *Server) Routes() []string { return s.routes }

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	s.handler.ServeHTTP(w, r)
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
