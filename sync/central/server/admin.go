package server

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

//go:embed pages
var pageFiles embed.FS

// pagePolicy lets the pages load their style sheet and send their forms, and
// nothing else from anywhere.
const pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// page is what every page is made of.
type page struct {
	Title   string // a word of every language
	Subject string // what it is about, which is none
	Error   string
	Done    string
	In      bool // somebody is logged in
	Refresh int  // seconds; 0: never
	Data    any

	// Of render.
	Heading   string
	Lang      gate.Language
	Languages []choice
}

func (s *Server) registerPages() {
	s.mux.HandleFunc("GET /admin/style.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, pageFiles, "pages/style.css")
	})
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/admin/", http.StatusSeeOther) })
	s.mux.HandleFunc("GET /admin/language", s.setLanguage)
	s.mux.HandleFunc("GET /admin/login", func(w http.ResponseWriter, r *http.Request) {
		s.render(w, r, http.StatusOK, "login.html", page{Title: "Log in"})
	})
	s.mux.HandleFunc("POST /admin/login", s.login)
	s.page("POST /admin/logout", s.logout)
	s.page("GET /admin/{$}", s.eventsPage)
	s.page("GET /admin/events/{event}", s.attendancePage)
	s.page("GET /admin/events/{event}/conflicts", s.conflictsPage)
	s.page("GET /admin/tickets", s.ticketsPage)
	s.page("POST /admin/tickets/{ticket}/void", s.endPage((*central.Office).Void))
	s.page("POST /admin/tickets/{ticket}/refund", s.endPage((*central.Office).Refund))
	s.page("GET /admin/gates", s.gatesPage)
	s.page("POST /admin/gates/invite", s.invitePage)
	s.page("POST /admin/gates/{gate}/strike", s.strikePage)
}

// page adds a page for those who are logged in.
func (s *Server) page(pattern string, do func(w http.ResponseWriter, r *http.Request) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie(cookieName)
		if err != nil || !s.sessions.has(c.Value, s.now()) {
			http.Redirect(w, r, "/admin/login", http.StatusSeeOther)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		if err := do(w, r); err != nil {
			s.pageProblem(w, r, err)
		}
	})
}

// pageProblem says on a page what went wrong.
func (s *Server) pageProblem(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	if !errors.As(err, &p) {
		if p = s.explain(err); p == nil {
			s.log.Error().Err(err).Str("route", r.Pattern).Msg("page failed")
			p = newProblem(http.StatusInternalServerError, "internal", "the log of central says more")
		}
	}
	text := p.Detail
	for _, f := range p.Errors {
		text += "; " + strings.TrimPrefix(f.Path+": "+f.Why, ": ")
	}
	s.render(w, r, p.Status, "problem.html", page{Title: p.Title, Error: text, In: true})
}

func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	f := s.faces.of(r)
	p.Lang, p.Languages, p.Error = f.language, s.faces.choices(r, f), f.say(p.Error)
	p.Heading = strings.TrimPrefix(strings.TrimSuffix(f.say(p.Title)+": "+p.Subject, ": "), ": ")
	var b bytes.Buffer
	if err := f.pages.ExecuteTemplate(&b, name, p); err != nil {
		s.log.Error().Err(err).Str("page", name).Msg("page not made")
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(f.language))
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // whoever asked may be gone
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	password := r.PostFormValue("password")
	a, _, err := s.accounts().Account(r.PostFormValue("name"))
	good := false
	if err == nil {
		good, err = s.logins.check(r.Context(), password, a.Password, callerIP(r), s.now())
	}
	var p *problem
	switch {
	case errors.As(err, &p):
		w.Header().Set("Retry-After", strconv.Itoa(int(p.retryAfter/time.Second)))
		s.render(w, r, p.Status, "login.html", page{Title: "Log in", Error: p.Detail})
		return
	case err != nil:
		s.pageProblem(w, r, err)
		return
	case !good:
		s.render(w, r, http.StatusForbidden, "login.html", page{Title: "Log in", Error: "The name or the password is wrong."})
		return
	}
	token, err := s.sessions.begin(s.now())
	if err != nil {
		s.render(w, r, http.StatusServiceUnavailable, "login.html", page{Title: "Log in", Error: err.Error()})
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: token, Path: "/", MaxAge: int(sessionHolds / time.Second),
		HttpOnly: true, Secure: s.secure || r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	http.Redirect(w, r, "/admin/", http.StatusSeeOther)
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(cookieName); err == nil {
		s.sessions.end(c.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/admin/login", http.StatusSeeOther)
	return nil
}

type eventRow struct {
	ID, Name                                          string
	Valid, NoShows, Admitted, Inside, ReEntries, Late int
}

type venueRows struct {
	Name, Version, At, PublishError string
	Events                          []eventRow
}

func (s *Server) eventsPage(w http.ResponseWriter, r *http.Request) error {
	lang := string(s.faces.of(r).language)
	var data struct{ Venues []venueRows }
	for _, v := range s.venues {
		state := v.publisher.state()
		one := venueRows{Name: v.office.Venue().Name.In(lang, "en"), Version: decimal(state.Version)}
		if !state.At.IsZero() {
			one.At = state.At.UTC().Format(time.RFC3339)
		}
		if state.Err != nil {
			one.PublishError = state.Err.Error()
		}
		for _, e := range v.office.Events() {
			a, err := s.report(v, e, 0, lang)
			if err != nil {
				return err
			}
			one.Events = append(one.Events, eventRow{
				a.Event, e.Name.In(lang, "en"), a.Tickets.Valid, a.Tickets.NoShows, a.Admitted, a.Inside, a.ReEntries, a.Late,
			})
		}
		data.Venues = append(data.Venues, one)
	}
	s.render(w, r, http.StatusOK, "events.html", page{Title: "Events", In: true, Refresh: 10, Data: data})
	return nil
}

func (s *Server) attendancePage(w http.ResponseWriter, r *http.Request) error {
	v, event, session, err := s.eventAndSession(r)
	if err != nil {
		return err
	}
	lang := string(s.faces.of(r).language)
	a, err := s.report(v, event, session, lang)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, "attendance.html", page{Subject: event.Name.In(lang, "en"), In: true, Refresh: 5, Data: a})
	return nil
}

func (s *Server) conflictsPage(w http.ResponseWriter, r *http.Request) error {
	v, event, session, err := s.eventAndSession(r)
	if err != nil {
		return err
	}
	found, err := v.conflicts(event, session)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, "conflicts.html", page{Title: "Conflicts", Subject: event.Name.In(string(s.faces.of(r).language), "en"), In: true, Data: found})
	return nil
}

func (s *Server) ticketsPage(w http.ResponseWriter, r *http.Request) error {
	p := page{Title: "Tickets", In: true}
	text := strings.TrimSpace(r.URL.Query().Get("ticket"))
	if text == "" {
		s.render(w, r, http.StatusOK, "tickets.html", p)
		return nil
	}
	r.SetPathValue("ticket", text)
	v, t, err := s.ticketOf(r, who{role: roleOffice})
	var missing *problem
	if errors.As(err, &missing) {
		p.Error = missing.Detail
		s.render(w, r, missing.Status, "tickets.html", p)
		return nil
	}
	if err != nil {
		return err
	}
	if p.Data, err = s.ticketJSON(v, &t); err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, "tickets.html", p)
	return nil
}

func (s *Server) endPage(end func(*central.Office, gate.TicketID) (central.Changed, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, t, err := s.ticketOf(r, who{role: roleOffice})
		if err != nil {
			return err
		}
		if _, err := end(v.office, t.ID); err != nil {
			return err
		}
		v.publisher.changed()
		http.Redirect(w, r, "/admin/tickets?ticket="+url.QueryEscape(t.ID.String()), http.StatusSeeOther)
		return nil
	}
}

func (s *Server) gatesPage(w http.ResponseWriter, r *http.Request) error {
	var data struct{ Venues []venueJSON }
	for _, v := range s.venues {
		one, err := s.describe(v)
		if err != nil {
			return err
		}
		data.Venues = append(data.Venues, one)
	}
	s.render(w, r, http.StatusOK, "gates.html", page{Title: "Gates", In: true, Refresh: 0, Data: data})
	return nil
}

// formVenue returns the venue that a form names.
func (s *Server) formVenue(r *http.Request) (*venue, error) {
	r.URL.RawQuery = url.Values{"venue": {r.PostFormValue("venue")}}.Encode()
	return s.venueNamed(r)
}

func (s *Server) invitePage(w http.ResponseWriter, r *http.Request) error {
	v, err := s.formVenue(r)
	if err != nil {
		return err
	}
	in := invitation{Gate: r.PostFormValue("gate"), Name: r.PostFormValue("name")}
	for line := range strings.Lines(r.PostFormValue("lanes")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		l, err := formLane(line)
		if err != nil {
			return err
		}
		in.Lanes = append(in.Lanes, l)
	}
	out, err := s.invite(v, in, s.base(r))
	if err != nil {
		return err
	}
	picture, err := qrPicture(out.QR)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, "invited.html", page{Title: "Enrol gate", Subject: in.Gate, In: true, Data: struct {
		invited
		Picture template.HTML
	}{out, picture}})
	return nil
}

func formLane(line string) (pack.Lane, error) {
	wrong := newProblem(http.StatusUnprocessableEntity, "invalid", "lanes: want number,kind,from,to,entrance, such as 70,entry,0,1,1")
	parts := strings.Split(line, ",")
	if len(parts) != 5 {
		return pack.Lane{}, wrong
	}
	var numbers [5]uint16
	for _, i := range []int{0, 2, 3, 4} {
		n, err := strconv.ParseUint(strings.TrimSpace(parts[i]), 10, 16)
		if err != nil {
			return pack.Lane{}, wrong
		}
		numbers[i] = uint16(n)
	}
	return pack.Lane{
		ID: numbers[0], Name: pack.Names{"en": "Lane " + strings.TrimSpace(parts[0])}, Kind: strings.TrimSpace(parts[1]),
		From: numbers[2], To: numbers[3], Entrance: numbers[4],
	}, nil
}

// qrPicture draws a QR code as SVG.
func qrPicture(text string) (template.HTML, error) {
	code, err := encoder.Encoder_encode(text, decoder.ErrorCorrectionLevel_M, nil)
	if err != nil {
		return "", fmt.Errorf("draw the code: %w", err)
	}
	const quiet = 4
	m := code.GetMatrix()
	side := m.GetWidth() + 2*quiet
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="QR code"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side, side, side)
	for y := range m.GetHeight() {
		for x := range m.GetWidth() {
			if m.Get(x, y) == 1 {
				_, _ = fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil // numbers only
}

func (s *Server) strikePage(w http.ResponseWriter, r *http.Request) error {
	v, err := s.formVenue(r)
	if err != nil {
		return err
	}
	id, err := number("gate", r.PathValue("gate"), 32)
	if err != nil {
		return err
	}
	if err := s.strike(v, uint32(id)); err != nil {
		return err
	}
	http.Redirect(w, r, "/admin/gates", http.StatusSeeOther)
	return nil
}
