package web

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
)

// The pages that forms may lead back to besides a lane's, by the word in a form's
// field "to".
const (
	evacuatePath = "/evacuate"
	toEvacuate   = "evacuate"
)

// venue adds what is about all gates to a server's routes.
func (s *Server) venue(mux *http.ServeMux) {
	mux.HandleFunc("GET /gates", s.serveGates)
	mux.HandleFunc("GET "+evacuatePath, s.serveEvacuate)
	mux.HandleFunc("POST "+evacuatePath, s.evacuate)
}

// gatesFrame is what the page of all gates is filled with.
type gatesFrame struct{ frame }

// Path is the page of all gates.
func (gatesFrame) Path() string { return "/gates" }

func (s *Server) serveGates(w http.ResponseWriter, r *http.Request) {
	t := s.textsFor(w, r)
	state := s.source.State()
	f := gatesFrame{s.frameOf(t, &state)}
	f.Title = t.say("gates") + " · " + f.Title
	s.writePage(w, t, "gates.html", f)
}

// evacuateFrame is what the page that starts an evacuation is filled with.
type evacuateFrame struct {
	frame
	person
	Said       string
	Done       bool
	Failed     bool
	Sure       bool // asked for once; to be confirmed
	May        bool
	Evacuation *evacuationPage
	Silent     string // names of gates that are not heard; empty: none
}

// Path is the page itself.
func (evacuateFrame) Path() string { return evacuatePath }

// Home is where the way back leads.
func (f evacuateFrame) Home() string { return "/?lang=" + string(f.Lang) }

// SilentWords says who may not have heard of it.
func (f evacuateFrame) SilentWords() string {
	return f.texts.say("evacuate_silent", "names", f.Silent)
}

// SignTo is how the form for signing in finds its way back here.
func (evacuateFrame) SignTo() string { return toEvacuate }

// SignLane is for the forms of lanes.
func (evacuateFrame) SignLane() string { return "" }

func (s *Server) serveEvacuate(w http.ResponseWriter, r *http.Request) {
	t := s.textsFor(w, r)
	state := s.source.State()
	who, person, ok := s.personOf(t, r)
	f := evacuateFrame{
		frame: s.frameOf(t, &state), person: who, May: ok && person.mayEvacuate(),
		Evacuation: t.renderer(state.Zone).evacuation(&state),
	}
	f.Title = t.say("evacuate_title") + " · " + f.Title
	query := r.URL.Query()
	word := query.Get("said")
	f.Failed = word == saidFailed || word == saidNoLane
	if said[word] && word != saidDone && !f.Failed {
		f.Said = t.say("said_" + word)
	}
	f.Done = word == saidDone && f.Evacuation != nil
	f.Sure = f.May && query.Get("sure") != ""
	var silent []string
	for i := range state.Cluster.Peers {
		if g := &state.Cluster.Peers[i]; g.Silent && !g.Self {
			silent = append(silent, g.Name)
		}
	}
	f.Silent = strings.Join(silent, t.say("list_comma"))
	w.Header().Add("Vary", "Cookie")
	s.writePage(w, t, "evacuate.html", f)
}

// evacuate gives the order, if whoever is signed in may and has confirmed it.
func (s *Server) evacuate(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	person, ok := s.who(r)
	word := saidSignIn
	if ok {
		err := errForbidden
		switch {
		case !person.mayEvacuate():
		case r.PostForm.Get("confirm") != "yes":
			err = errEmpty
		default:
			ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
			defer cancel()
			err = s.commands.Evacuate(ctx, person.ID)
		}
		word = answerTo(err)
	}
	s.hub.metrics.command(toEvacuate, word)
	s.back(w, r, evacuatePath, word)
}

// wayBack returns the page that a form for signing in or out leads back to.
func wayBack(v url.Values) (path string, ok bool) {
	if v.Get("to") == toEvacuate {
		return evacuatePath, true
	}
	lane, ok := parseLane(v.Get("lane"))
	return lanePath(lane), ok
}

// writePage answers with a page that is whole, or says that it could not be made.
func (s *Server) writePage(w http.ResponseWriter, t *texts, name string, fill any) {
	var page bytes.Buffer // whole before anything is sent
	if err := s.page.ExecuteTemplate(&page, name, fill); err != nil {
		s.complain("page: %v", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(t.language))
	_, _ = w.Write(page.Bytes()) // the browser left: nobody to tell
}
