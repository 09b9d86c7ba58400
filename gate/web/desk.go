package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/venuegate/venuegate/gate"
)

const (
	// maxForm bounds what a form sends, and maxTyped a text in it: a long code
	// has some 350 characters.
	maxForm  = 8 << 10
	maxTyped = 1024
	// commandTimeout is how long a command may take: a lane that hangs is not the
	// page's to wait for.
	commandTimeout = 5 * time.Second
)

// desk adds what staff do to a server's routes.
func (s *Server) desk(mux *http.ServeMux) {
	mux.HandleFunc("GET /lanes/{lane}", s.serveLane)
	mux.HandleFunc("GET /lanes/{lane}/live", s.serveLaneLive)
	mux.HandleFunc("POST /sign-in", s.signIn)
	mux.HandleFunc("POST /sign-out", s.signOut)
	mux.HandleFunc("POST /lanes/{lane}/type", s.command("type", Person.mayServe, s.doType))
	mux.HandleFunc("POST /lanes/{lane}/choose", s.command("choose", Person.mayServe, s.doChoose))
	mux.HandleFunc("POST /lanes/{lane}/decide", s.command("decide", Person.mayServe, s.doDecide))
	mux.HandleFunc("POST /lanes/{lane}/end-fire", s.command("end_fire", Person.mayEndFire, s.doEndFire))
}

// who returns who is signed in, by the venue's list as it is now.
func (s *Server) who(r *http.Request) (Person, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || s.commands == nil {
		return Person{}, false
	}
	id, ok := s.sessions.of(c.Value)
	if !ok {
		return Person{}, false
	}
	return s.commands.Staff(id)
}

// What a form is answered with, as a word in the address it leads back to; the
// page has a text for each, said_<word>.
const (
	saidDone      = "done"
	saidBusy      = "busy"
	saidOver      = "over"
	saidNoLane    = "no_lane"
	saidFire      = "fire"
	saidWrongPIN  = "wrong_pin"
	saidOften     = "often"
	saidSignIn    = "sign_in"
	saidForbidden = "forbidden"
	saidEmpty     = "empty"
	saidFailed    = "failed"
)

var said = map[string]bool{
	saidDone: true, saidBusy: true, saidOver: true, saidNoLane: true, saidFire: true, saidWrongPIN: true,
	saidOften: true, saidSignIn: true, saidForbidden: true, saidEmpty: true, saidFailed: true,
}

// errEmpty is a form that says nothing.
var errEmpty = errors.New("web: the form is empty")

// errForbidden is a command that the role does not allow.
var errForbidden = errors.New("web: the role does not allow that")

// answerTo is the word for what a command came to.
func answerTo(err error) string {
	for _, one := range []struct {
		err  error
		word string
	}{
		{ErrBusy, saidBusy},
		{ErrOver, saidOver},
		{ErrNoLane, saidNoLane},
		{ErrFire, saidFire},
		{ErrWrongPIN, saidWrongPIN},
		{errEmpty, saidEmpty},
		{errForbidden, saidForbidden},
		{context.DeadlineExceeded, saidNoLane},
	} {
		if errors.Is(err, one.err) {
			return one.word
		}
	}
	if err != nil {
		return saidFailed
	}
	return saidDone
}

// form reads a form, or answers why not.
func form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "the form cannot be read", status)
		return false
	}
	return true
}

// command carries out what a form asks for, if whoever is signed in may, and
// leads back to the lane's page.
func (s *Server) command(name string, may func(Person) bool, do func(context.Context, Person, gate.LaneID, url.Values) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !form(w, r) {
			return
		}
		id, ok := laneID(r)
		if !ok {
			http.NotFound(w, r)
			return
		}
		person, ok := s.who(r)
		word := saidSignIn
		if ok {
			err := errForbidden
			if may(person) {
				ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
				defer cancel()
				err = do(ctx, person, id, r.PostForm)
			}
			word = answerTo(err)
		}
		s.hub.metrics.command(name, word)
		s.back(w, r, lanePath(id), word)
	}
}

func laneID(r *http.Request) (gate.LaneID, bool) { return parseLane(r.PathValue("lane")) }

func parseLane(text string) (gate.LaneID, bool) {
	id, err := strconv.ParseUint(text, 10, 16)
	return gate.LaneID(id), err == nil
}

func lanePath(id gate.LaneID) string { return "/lanes/" + strconv.FormatUint(uint64(id), 10) }

// back leads a browser to a page, with a word on what happened. What was typed is
// in no address.
func (s *Server) back(w http.ResponseWriter, r *http.Request, path, word string) {
	to := url.URL{Path: path}
	q := url.Values{"said": {word}}
	if l := r.PostForm.Get("lang"); s.texts[gate.Language(l)] != nil {
		q.Set("lang", l)
	}
	to.RawQuery = q.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

func (s *Server) doType(ctx context.Context, p Person, lane gate.LaneID, v url.Values) error {
	text := strings.TrimSpace(v.Get("text"))
	if text == "" || len(text) > maxTyped || !utf8.ValidString(text) {
		return errEmpty
	}
	t := Typed{Text: gate.Private(text)}
	if kind, ok := documentKinds[v.Get("kind")]; ok {
		country := kind.country
		if country == "" {
			country = strings.ToUpper(strings.TrimSpace(v.Get("country")))
		}
		t = Typed{Document: &gate.Document{Type: kind.kind, Country: country, Number: gate.Private(strings.ToUpper(text))}}
	}
	return s.commands.Type(ctx, p.ID, lane, t)
}

// documentKinds are the documents whose number may be typed. Only a passport's
// country is asked for: the others have one.
var documentKinds = map[string]struct {
	kind    gate.DocumentType
	country string
}{
	"resident":  {gate.DocumentResident, "CHN"},
	"passport":  {gate.DocumentPassport, ""},
	"permit":    {gate.DocumentPermit, "CHN"},
	"foreigner": {gate.DocumentForeigner, "CHN"},
}

// kindOrder is how the form lists them.
var kindOrder = []string{"resident", "passport", "permit", "foreigner"}

func (s *Server) doChoose(ctx context.Context, p Person, lane gate.LaneID, v url.Values) error {
	id, err := strconv.ParseUint(v.Get("case"), 10, 64)
	if err != nil {
		return errEmpty
	}
	n, err := strconv.Atoi(v.Get("choice"))
	if err != nil || n < 0 {
		return errEmpty
	}
	return s.commands.Choose(ctx, p.ID, lane, id, n)
}

func (s *Server) doDecide(ctx context.Context, p Person, lane gate.LaneID, v url.Values) error {
	id, err := strconv.ParseUint(v.Get("case"), 10, 64)
	if err != nil {
		return errEmpty
	}
	switch v.Get("decision") {
	case "refuse":
		return s.commands.Decide(ctx, p.ID, lane, id, DecideRefuse)
	case "admit":
		return s.commands.Decide(ctx, p.ID, lane, id, DecideAdmit)
	case "insist":
		if !p.mayInsist() {
			return errForbidden
		}
		return s.commands.Decide(ctx, p.ID, lane, id, DecideInsist)
	}
	return errEmpty
}

func (s *Server) doEndFire(ctx context.Context, p Person, lane gate.LaneID, _ url.Values) error {
	return s.commands.EndFire(ctx, p.ID, lane)
}

// signIn checks a PIN, if there is a try left.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	path, ok := wayBack(r.PostForm)
	if !ok || s.commands == nil {
		http.NotFound(w, r)
		return
	}
	token, word := s.checkPIN(r)
	s.hub.metrics.signIn(word)
	if word == saidOften {
		w.Header().Set("Retry-After", strconv.Itoa(int(againStaff/time.Second)))
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(s.textsFor(w, r).say("said_often") + "\n"))
		return
	}
	if token != "" {
		http.SetCookie(w, cookie(r, token, sessionLasts))
	}
	s.back(w, r, path, word)
}

func (s *Server) checkPIN(r *http.Request) (token, word string) {
	number, err := strconv.ParseUint(strings.TrimSpace(r.PostForm.Get("staff")), 10, 32)
	pin := r.PostForm.Get("pin")
	if err != nil || pin == "" || len(pin) > maxTyped {
		return "", saidWrongPIN
	}
	id, from := uint32(number), addressOf(r.RemoteAddr)
	_, known := s.commands.Staff(id)
	if !s.limits.take(from, id, known) {
		return "", saidOften
	}
	// One check at a time: it must not take a lane's processor away.
	ctx, cancel := context.WithTimeout(r.Context(), checkWait)
	defer cancel()
	select {
	case s.checking <- struct{}{}:
		defer func() { <-s.checking }()
	case <-ctx.Done():
		return "", saidOften
	}
	if err := s.commands.SignIn(id, gate.Private(pin)); err != nil {
		return "", answerTo(err)
	}
	if !known {
		return "", saidWrongPIN
	}
	s.limits.giveBack(from, id)
	return s.sessions.begin(id), saidDone
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	if c, err := r.Cookie(sessionCookie); err == nil {
		s.sessions.end(c.Value)
	}
	http.SetCookie(w, cookie(r, "", -time.Second))
	path, ok := wayBack(r.PostForm)
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.back(w, r, path, saidDone)
}

func (s *Server) serveLane(w http.ResponseWriter, r *http.Request) {
	s.writeDesk(w, r, "desk.html")
}

// serveLaneLive is the part of a lane's page that changes.
func (s *Server) serveLaneLive(w http.ResponseWriter, r *http.Request) {
	s.writeDesk(w, r, "desk_live.html")
}

func (s *Server) writeDesk(w http.ResponseWriter, r *http.Request, name string) {
	t := s.textsFor(w, r)
	state := s.source.State()
	id, ok := laneID(r)
	var lane *LaneView
	for i := range state.Lanes {
		if ok && state.Lanes[i].ID == id {
			lane = &state.Lanes[i]
		}
	}
	if lane == nil {
		http.NotFound(w, r)
		return
	}
	f := s.deskFrame(t, r, &state, lane)
	w.Header().Add("Vary", "Cookie")
	s.writePage(w, t, name, f)
}
