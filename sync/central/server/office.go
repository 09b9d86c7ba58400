package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/intake"
	"github.com/venuegate/venuegate/sync/pack"
)

// inviteHolds is how long an enrolment code is good unless its maker says
// otherwise.
const inviteHolds = 24 * time.Hour

func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r, roleSales, roleReport); err != nil {
		return err
	}
	type item struct {
		Event    string     `json:"event"`
		Venue    string     `json:"venue"`
		Name     pack.Names `json:"name"`
		Sessions int        `json:"sessions"`
	}
	out := struct {
		Events []item `json:"events"`
	}{[]item{}}
	for _, v := range s.venues {
		for _, e := range v.office.Events() {
			out.Events = append(out.Events, item{decimal(uint64(e.ID)), decimal(uint64(v.office.Venue().ID)), e.Name, len(e.Sessions)})
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *Server) showEvent(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r, roleSales, roleReport); err != nil {
		return err
	}
	v, id, err := s.eventOf(r)
	if err != nil {
		return err
	}
	for _, e := range v.office.Events() {
		if e.ID == uint32(id) {
			return writeJSON(w, http.StatusOK, e)
		}
	}
	return newProblem(http.StatusNotFound, "not-found", "there is no event %d", id)
}

// putEvent adds an event or changes its rules. Its venue is the one that the
// query names, or the only one.
func (s *Server) putEvent(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r); err != nil {
		return err
	}
	id, err := number("event", r.PathValue("event"), 32)
	if err != nil {
		return err
	}
	v, known := s.venueOf(gate.EventID(id))
	if !known {
		if v, err = s.venueNamed(r); err != nil {
			return err
		}
	}
	if mediaType(r) != "application/json" {
		return newProblem(http.StatusUnsupportedMediaType, "media-type", "want application/json")
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	if err != nil {
		return unreadable(err)
	}
	// Issuers are the office's own; where the document has none, the reader
	// still wants the list.
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || fields == nil {
		return newProblem(http.StatusBadRequest, "bad-request", "not a JSON object")
	}
	if _, there := fields["issuers"]; !there {
		fields["issuers"] = json.RawMessage(placeholderIssuer)
		if data, err = json.Marshal(fields); err != nil {
			return err
		}
	}
	event, err := pack.DecodeEvent(data)
	if err != nil {
		return err
	}
	if event.ID != uint32(id) {
		return newProblem(http.StatusUnprocessableEntity, "invalid", "the document is of event %d", event.ID)
	}
	if err := v.office.SetEvent(event, s.random); err != nil {
		return err
	}
	v.publisher.changedAll()
	return writeJSON(w, http.StatusOK, event)
}

// placeholderIssuer stands where an event's issuers will be.
var placeholderIssuer = `[{"id":"1","algorithm":"ed25519","public":"` + strings.Repeat("00", 32) + `"}]`

// venueNamed returns the venue that a query names, or the only one.
func (s *Server) venueNamed(r *http.Request) (*venue, error) {
	text := r.URL.Query().Get("venue")
	if text == "" && len(s.venues) == 1 {
		return s.venues[0], nil
	}
	id, err := number("venue", text, 32)
	if err != nil {
		return nil, err
	}
	for _, v := range s.venues {
		if v.office.Venue().ID == uint32(id) {
			return v, nil
		}
	}
	return nil, newProblem(http.StatusNotFound, "not-found", "there is no venue %d", id)
}

func (s *Server) showTerms(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r, roleSales, roleReport); err != nil {
		return err
	}
	v, id, err := s.eventOf(r)
	if err != nil {
		return err
	}
	terms, err := central.TermsOf(v.store, id)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, terms)
}

func (s *Server) putTerms(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r); err != nil {
		return err
	}
	v, id, err := s.eventOf(r)
	if err != nil {
		return err
	}
	var terms central.Terms
	if err := readJSON(w, r, &terms); err != nil {
		return err
	}
	if err := central.SetTerms(v.store, id, terms); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, terms)
}

// venueJSON is a venue and its gates.
type venueJSON struct {
	Venue     string       `json:"venue"`
	Name      pack.Names   `json:"name"`
	Zones     []pack.Place `json:"zones"`
	Entrances []pack.Place `json:"entrances"`
	Gates     []gateJSON   `json:"gates"`
	Published publishedAt  `json:"published"`
}

type publishedAt struct {
	Version string     `json:"version"`
	At      *time.Time `json:"at,omitempty"`
	Error   string     `json:"error,omitempty"`
}

type gateJSON struct {
	Gate        string     `json:"gate"`
	Incarnation string     `json:"incarnation"`
	Name        string     `json:"name"`
	Role        string     `json:"role"`
	Lanes       int        `json:"lanes"`
	Called      *time.Time `json:"called,omitempty"` // last, since central was started
	Journals    []heldLog  `json:"journals"`
}

// heldLog is a log that is held, as people see it.
type heldLog struct {
	Epoch   string    `json:"epoch"`
	Records uint64    `json:"records"`
	At      time.Time `json:"at"` // when something came last
	Closed  string    `json:"closed,omitempty"`
	Fork    string    `json:"fork,omitempty"` // the first record that there are two of
}

func (s *Server) describe(v *venue) (venueJSON, error) {
	doc := v.office.Venue()
	out := venueJSON{
		Venue: decimal(uint64(doc.ID)), Name: doc.Name, Zones: doc.Zones, Entrances: append([]pack.Place{}, doc.Entrances...), Gates: []gateJSON{},
	}
	state := v.publisher.state()
	out.Published.Version = decimal(state.Version)
	if !state.At.IsZero() {
		at := state.At.UTC()
		out.Published.At = &at
	}
	if state.Err != nil {
		out.Published.Error = state.Err.Error()
	}
	logs, err := v.store.Logs()
	if err != nil {
		return out, err
	}
	held := map[gate.GateID][]heldLog{}
	for _, l := range logs {
		h := heldLog{Epoch: decimal(uint64(l.Origin.Epoch)), Records: l.Next - 1, At: l.At, Closed: l.Closed}
		if l.Fork > 0 {
			h.Fork = decimal(l.Fork)
		}
		held[l.Origin.Gate] = append(held[l.Origin.Gate], h)
	}
	for _, g := range doc.Gates {
		one := gateJSON{
			Gate: decimal(uint64(g.ID)), Incarnation: decimal(uint64(g.Incarnation)), Name: g.Name, Role: g.Role,
			Lanes: len(g.Lanes), Journals: append([]heldLog{}, held[gate.GateID(g.ID)]...),
		}
		if c := v.contact(g.ID); !c.at.IsZero() {
			at := c.at.UTC()
			one.Called = &at
		}
		out.Gates = append(out.Gates, one)
	}
	return out, nil
}

func (s *Server) listVenues(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r, roleSales, roleReport); err != nil {
		return err
	}
	out := struct {
		Venues []venueJSON `json:"venues"`
	}{[]venueJSON{}}
	for _, v := range s.venues {
		one, err := s.describe(v)
		if err != nil {
			return err
		}
		out.Venues = append(out.Venues, one)
	}
	return writeJSON(w, http.StatusOK, out)
}

// invitation asks for an enrolment code.
type invitation struct {
	Gate      string      `json:"gate"`
	Name      string      `json:"name,omitempty"`
	Role      string      `json:"role,omitempty"`
	Addresses []string    `json:"addresses,omitempty"`
	Lanes     []pack.Lane `json:"lanes,omitempty"`
	Hours     int         `json:"hours,omitempty"` // that the code is good for; 24 where it is absent
}

// invited is an enrolment code.
type invited struct {
	Code    string    `json:"code"`
	QR      string    `json:"qr"` // what the QR code for the gate's scanner holds
	Expires time.Time `json:"expires"`
}

// base is the address of central as the caller knows it.
func (s *Server) base(r *http.Request) string {
	if s.url != "" {
		return s.url
	}
	scheme := "http"
	if s.secure || r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func (s *Server) invite(v *venue, in invitation, base string) (invited, error) {
	id, err := number("gate", in.Gate, 32)
	if err != nil {
		return invited{}, err
	}
	holds := inviteHolds
	if in.Hours != 0 {
		holds = time.Duration(in.Hours) * time.Hour
	}
	if in.Hours < 0 || holds > 30*24*time.Hour {
		return invited{}, newProblem(http.StatusUnprocessableEntity, "invalid", "hours: want 1 to 720")
	}
	now := s.now().UTC().Truncate(time.Second)
	code, err := v.office.Invite(v.store, central.Invitation{
		Gate: uint32(id), Name: in.Name, Role: in.Role, Addresses: in.Addresses, Lanes: in.Lanes, Made: now, Expires: now.Add(holds),
	}, s.random)
	return invited{Code: code, QR: "VGE1 " + base + " " + code, Expires: now.Add(holds)}, err
}

func (s *Server) makeCode(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r); err != nil {
		return err
	}
	v, err := s.venueNamed(r)
	if err != nil {
		return err
	}
	var in invitation
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	out, err := s.invite(v, in, s.base(r))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, out)
}

func (s *Server) strikeGate(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r); err != nil {
		return err
	}
	v, err := s.venueNamed(r)
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
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) strike(v *venue, id uint32) error {
	defer v.publisher.changedAll() // even what was done in part
	if err := v.office.StrikeOff(v.store, id, s.now(), s.random); err != nil {
		return err
	}
	s.log.Info().Uint32("gate", id).Msg("gate struck off")
	return nil
}

// publishNow makes new shards of everything.
func (s *Server) publishNow(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r); err != nil {
		return err
	}
	v, err := s.venueNamed(r)
	if err != nil {
		return err
	}
	result, err := v.office.Publish(r.Context(), s.now())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Version string `json:"version"`
		Tickets int    `json:"tickets"`
		Written int    `json:"shards_written"`
		Kept    int    `json:"shards_kept"`
	}{decimal(result.Version), result.Tickets, result.Written, result.Kept})
}

// keyJSON is an API key, or a wish for one.
type keyJSON struct {
	ID      string     `json:"id,omitempty"`
	Name    string     `json:"name"`
	Role    string     `json:"role"`
	Channel uint16     `json:"channel,omitempty"`
	Made    *time.Time `json:"made,omitempty"`
	Key     string     `json:"key,omitempty"` // shown once
}

func (s *Server) makeKey(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r); err != nil {
		return err
	}
	var in keyJSON
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	now := s.now().UTC().Truncate(time.Second)
	text, err := NewKey(s.accounts(), central.APIKey{Name: in.Name, Role: in.Role, Channel: in.Channel, Made: now}, s.random)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, keyJSON{
		ID: strings.Split(text, "_")[1], Name: in.Name, Role: in.Role, Channel: in.Channel, Made: &now, Key: text,
	})
}

func (s *Server) listKeys(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r); err != nil {
		return err
	}
	keys, err := s.accounts().APIKeys()
	if err != nil {
		return err
	}
	out := struct {
		Keys []keyJSON `json:"keys"`
	}{[]keyJSON{}}
	for _, k := range keys {
		out.Keys = append(out.Keys, keyJSON{ID: k.ID, Name: k.Name, Role: k.Role, Channel: k.Channel, Made: &k.Made})
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *Server) removeKey(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.may(r); err != nil {
		return err
	}
	if err := s.accounts().RemoveAPIKey(r.PathValue("key")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// explainProblem says what a kind of problem is.
func (s *Server) explainProblem(w http.ResponseWriter, r *http.Request) error {
	title, ok := kinds[r.PathValue("kind")]
	if !ok {
		return newProblem(http.StatusNotFound, "not-found", "there is no such kind of problem")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, title+".\n")
	return nil
}

// rebuild counts everything that is held.
func (v *venue) rebuild() error {
	logs, err := v.store.Logs()
	if err != nil {
		return err
	}
	for i := range logs {
		err := v.eachOf(&logs[i], func(r *ledger.Record, _ ledger.Hash) error {
			if intake.Counts(&logs[i], r) {
				v.attendance.Add(r)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if logs[i].Closed == "" {
			continue
		}
		branch, err := v.store.Forked(nil, logs[i].Origin)
		if err != nil {
			return err
		}
		intake.EachForked(branch, v.attendance.Add)
	}
	return nil
}
