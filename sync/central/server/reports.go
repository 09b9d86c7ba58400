package server

import (
	"cmp"
	"encoding/csv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/attend"
	"github.com/venuegate/venuegate/sync/pack"
)

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// attendance is who came to an event, or to one session of it.
type attendance struct {
	Event   string    `json:"event"`
	Session string    `json:"session,omitempty"`
	At      time.Time `json:"at"`
	attend.Count
	Tickets   tickets   `json:"tickets"`
	Zones     []row     `json:"zones"`
	Entrances []row     `json:"entrances"`
	Gates     []row     `json:"gates"`
	Lanes     []row     `json:"lanes"`
	Quarters  []quarter `json:"quarters"`
	Refusals  []refusal `json:"refusals"`
}

// tickets are the list's.
type tickets struct {
	Valid    int       `json:"valid"`
	Void     int       `json:"void"`
	Refunded int       `json:"refunded"`
	NoShows  int       `json:"no_shows"` // valid, and nobody came with it
	At       time.Time `json:"at"`       // when they were counted
}

type row struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	attend.Count
}

type quarter struct {
	From time.Time `json:"from"`
	attend.Count
}

type refusal struct {
	Reason  string `json:"reason"`
	Outcome string `json:"outcome"`
	Gate    string `json:"gate"`
	Lane    string `json:"lane"`
	Times   int    `json:"times"`
}

// tally sums counts by a key.
type tally[K cmp.Ordered] map[K]attend.Count

func (t tally[K]) add(k K, c attend.Count) {
	sum := t[k]
	sum.Add(c)
	t[k] = sum
}

// report makes the attendance of an event, with names in a language; session 0 is
// all of them.
func (s *Server) report(v *venue, event *pack.Event, session gate.SessionID, lang string) (attendance, error) {
	id := gate.EventID(event.ID)
	out := attendance{Event: decimal(uint64(event.ID)), At: s.now().UTC(), Refusals: []refusal{}, Quarters: []quarter{}}
	if session != 0 {
		out.Session = decimal(uint64(session))
	}
	zones, entrances, gates, lanes := tally[uint16]{}, tally[uint16]{}, tally[uint32]{}, tally[uint16]{}
	quarters := tally[int64]{}
	places := placesOf(v.office.Venue(), lang)
	refused := map[attend.Refused]int{}
	v.attendance.Each(id, func(cut attend.Cut, c attend.Count) {
		if session != 0 && cut.Session != session {
			return
		}
		out.Add(c)
		zones.add(uint16(cut.Zone), c)
		entrances.add(places.entranceOf[uint16(cut.Lane)], c)
		gates.add(uint32(cut.Gate), c)
		lanes.add(uint16(cut.Lane), c)
		quarters.add(cut.Quarter, c)
	}, func(r attend.Refused, n int) {
		if session == 0 || r.Session == session || r.Session == 0 {
			r.Session = 0
			refused[r] += n
		}
	})
	out.Zones, out.Entrances = rows(zones, places.zones), rows(entrances, places.entrances)
	out.Gates, out.Lanes = rows(gates, places.gates), rows(lanes, places.lanes)
	for _, q := range slices.Sorted(maps.Keys(quarters)) {
		out.Quarters = append(out.Quarters, quarter{attend.Cut{Quarter: q}.Begin(), quarters[q]})
	}
	for r, n := range refused {
		out.Refusals = append(out.Refusals, refusal{
			r.Reason.String(), r.Outcome.String(), decimal(uint64(r.Gate)), decimal(uint64(r.Lane)), n,
		})
	}
	slices.SortFunc(out.Refusals, func(a, b refusal) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Gate, b.Gate), cmp.Compare(a.Lane, b.Lane), cmp.Compare(a.Outcome, b.Outcome))
	})
	var err error
	out.Tickets, err = v.counted(id, session, s.now())
	return out, err
}

func rows[K ~uint16 | ~uint32](t tally[K], names map[K]string) []row {
	out := []row{}
	for _, k := range slices.Sorted(maps.Keys(t)) {
		out = append(out, row{decimal(uint64(k)), names[k], t[k]})
	}
	return out
}

// places are the names of a venue's places.
type places struct {
	zones, entrances, lanes map[uint16]string
	gates                   map[uint32]string
	entranceOf              map[uint16]uint16 // of a lane
}

func placesOf(v *pack.Venue, lang string) places {
	p := places{map[uint16]string{}, map[uint16]string{}, map[uint16]string{}, map[uint32]string{}, map[uint16]uint16{}}
	for _, z := range v.Zones {
		p.zones[z.ID] = z.Name.In(lang, "en")
	}
	for _, e := range v.Entrances {
		p.entrances[e.ID] = e.Name.In(lang, "en")
	}
	for _, g := range v.Gates {
		p.gates[g.ID] = g.Name
		for _, l := range g.Lanes {
			p.lanes[l.ID], p.entranceOf[l.ID] = l.Name.In(lang, "en"), l.Entrance
		}
	}
	return p
}

// census is the tickets of an event as they were counted last.
type census struct {
	tickets
	mark, changes uint64
	took          time.Duration
}

type censusKey struct {
	event   gate.EventID
	session gate.SessionID
}

// counted counts the list, unless nothing has changed, or it was counted a
// moment ago and takes long: a list of a million takes some seconds.
func (v *venue) counted(event gate.EventID, session gate.SessionID, now time.Time) (tickets, error) {
	const share = 20 // of the time at most one in so many goes into counting
	v.counting.Lock()
	defer v.counting.Unlock()
	mark, err := v.store.Mark(event)
	if err != nil {
		return tickets{}, err
	}
	changes, key := v.attendance.Changes(event), censusKey{event, session}
	if had, ok := v.census[key]; ok {
		if had.mark == mark && had.changes == changes || had.took > 50*time.Millisecond && now.Sub(had.At) < share*had.took {
			return had.tickets, nil
		}
	}
	begin := time.Now()
	c := census{tickets: tickets{At: now.UTC()}, mark: mark, changes: changes}
	for t, err := range v.store.Tickets(event) {
		if err != nil {
			return tickets{}, err
		}
		if session != 0 && !t.ForSession(session) {
			continue
		}
		switch t.Status {
		case gate.StatusVoid:
			c.Void++
		case gate.StatusRefunded:
			c.Refunded++
		default:
			c.Valid++
			if v.attendance.Came(event, session, t.ID) <= 0 {
				c.NoShows++
			}
		}
	}
	c.took = time.Since(begin)
	v.census[key] = c
	return c.tickets, nil
}

// eventAndSession reads the path and the query of a report.
func (s *Server) eventAndSession(r *http.Request) (*venue, *pack.Event, gate.SessionID, error) {
	if _, err := s.may(r, roleReport); err != nil {
		return nil, nil, 0, err
	}
	v, id, err := s.eventOf(r)
	if err != nil {
		return nil, nil, 0, err
	}
	var session uint64
	if text := r.URL.Query().Get("session"); text != "" {
		if session, err = number("session", text, 16); err != nil {
			return nil, nil, 0, err
		}
	}
	for _, e := range v.office.Events() {
		if e.ID == uint32(id) {
			return v, e, gate.SessionID(session), nil
		}
	}
	return nil, nil, 0, newProblem(http.StatusNotFound, "not-found", "there is no event %d", id)
}

func (s *Server) attendanceJSON(w http.ResponseWriter, r *http.Request) error {
	v, event, session, err := s.eventAndSession(r)
	if err != nil {
		return err
	}
	out, err := s.report(v, event, session, "en")
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

func (s *Server) attendanceCSV(w http.ResponseWriter, r *http.Request) error {
	v, event, session, err := s.eventAndSession(r)
	if err != nil {
		return err
	}
	a, err := s.report(v, event, session, "en")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="attendance-`+a.Event+`.csv"`)
	out := csv.NewWriter(w)
	line := func(by, id, name string, c attend.Count, rest ...string) {
		cells := []string{by, id, safeCell(name)}
		for _, n := range []int{c.Admitted, c.Exited, c.Inside, c.ReEntries, c.Late} {
			cells = append(cells, strconv.Itoa(n))
		}
		_ = out.Write(append(cells, rest...)) // Flush reports it
	}
	_ = out.Write([]string{"by", "id", "name", "admitted", "exited", "inside", "re_entries", "late", "times"})
	line("event", a.Event, event.Name.In("en"), a.Count, "")
	for by, list := range map[string][]row{"zone": a.Zones} {
		writeRows(line, by, list)
	}
	writeRows(line, "entrance", a.Entrances)
	writeRows(line, "gate", a.Gates)
	writeRows(line, "lane", a.Lanes)
	for _, q := range a.Quarters {
		line("quarter", q.From.Format(time.RFC3339), "", q.Count, "")
	}
	for name, n := range map[string]int{"no_shows": a.Tickets.NoShows} {
		_ = out.Write([]string{name, a.Event, "", "", "", "", "", "", strconv.Itoa(n)})
	}
	for _, f := range a.Refusals {
		_ = out.Write([]string{"refusal", f.Reason, f.Outcome + " at gate " + f.Gate + " lane " + f.Lane, "", "", "", "", "", strconv.Itoa(f.Times)})
	}
	out.Flush()
	return nil
}

func writeRows(line func(by, id, name string, c attend.Count, rest ...string), by string, list []row) {
	for _, r := range list {
		line(by, r.ID, r.Name, r.Count, "")
	}
}

// safeCell keeps a spreadsheet from taking a name for a formula.
func safeCell(s string) string {
	if s != "" && slices.Contains([]byte("=+-@\t\r"), s[0]) {
		return "'" + s
	}
	return s
}

// conflict is a ticket with which more people are in than it allows.
type conflict struct {
	Ticket  string     `json:"ticket"`
	Session string     `json:"session"`
	Allowed int        `json:"allowed"` // people inside at a time
	Inside  int        `json:"inside"`
	Grants  []grantRow `json:"grants"`
}

type grantRow struct {
	Gate           string    `json:"gate"`
	Epoch          string    `json:"epoch"`
	Sequence       string    `json:"sequence"`
	Lane           string    `json:"lane"`
	At             time.Time `json:"at"` // by the gate's own clock
	Count          int       `json:"count"`
	Isolated       bool      `json:"isolated"`
	Override       bool      `json:"override"`
	ClockUntrusted bool      `json:"clock_untrusted"`
	// DriftMS is how far the cluster's clock was ahead of the gate's own, in
	// milliseconds: the gate's clock was at least so far behind another's.
	DriftMS int64 `json:"drift_ms"`
}

func (s *Server) conflicts(w http.ResponseWriter, r *http.Request) error {
	v, event, session, err := s.eventAndSession(r)
	if err != nil {
		return err
	}
	found, err := v.conflicts(event, session)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Event     string     `json:"event"`
		Conflicts []conflict `json:"conflicts"`
	}{decimal(uint64(event.ID)), found})
}

// conflicts folds the records of the tickets with which several people came in,
// and of those only: the rest cannot be in conflict.
func (v *venue) conflicts(event *pack.Event, session gate.SessionID) ([]conflict, error) {
	id := gate.EventID(event.ID)
	suspects := v.attendance.Several(id)
	found := []conflict{}
	if len(suspects) == 0 {
		return found, nil
	}
	logs, err := v.store.Logs()
	if err != nil {
		return nil, err
	}
	book := ledger.New()
	grants := map[gate.TicketID][]ledger.Record{}
	concerns := func(r *ledger.Record) bool {
		if r.Event != id || !suspects[r.Ticket] {
			return false
		}
		if r.Kind == ledger.KindGrant && !r.Marks.Has(gate.MarkTraining) {
			grants[r.Ticket] = append(grants[r.Ticket], *r)
		}
		return true
	}
	for i := range logs {
		l := &logs[i]
		err := v.eachOf(l, func(r *ledger.Record, hash ledger.Hash) error {
			if !concerns(r) {
				return nil
			}
			return book.Restore(r, hash)
		})
		if err == nil && l.Closed != "" {
			err = v.forked(book, l, concerns)
		}
		if err != nil {
			return nil, err
		}
	}
	var h gate.History
	for _, ticket := range slices.Sorted(maps.Keys(grants)) {
		allowed := 1
		if t, err := v.store.Ticket(id, ticket); err == nil {
			allowed = t.PartySize()
		}
		book.History(&h, ticket)
		inside := map[gate.SessionID]int{}
		for i := range h.Ticket {
			if g := &h.Ticket[i]; !g.Override {
				inside[g.Session] += g.Inside()
			}
		}
		for _, at := range slices.Sorted(maps.Keys(inside)) {
			if inside[at] > allowed && (session == 0 || at == session) && !paused(event, h.Ticket, at) {
				found = append(found, conflictOf(ticket, at, allowed, inside[at], grants[ticket]))
			}
		}
	}
	return found, nil
}

// paused reports whether everybody came back as late as the event asks for,
// where it lets people back in without seeing them leave.
func paused(event *pack.Event, grants []gate.Grant, session gate.SessionID) bool {
	if event.Rules.ReEntry != "after_pause" {
		return false
	}
	var last time.Time
	for i := range grants {
		if grants[i].Session != session {
			continue
		}
		if !last.IsZero() && grants[i].At.Sub(last) < time.Duration(event.Rules.ReEntryPause)*time.Second {
			return false
		}
		last = grants[i].At
	}
	return true
}

func conflictOf(ticket gate.TicketID, session gate.SessionID, allowed, inside int, grants []ledger.Record) conflict {
	c := conflict{Ticket: ticket.String(), Session: decimal(uint64(session)), Allowed: allowed, Inside: inside, Grants: []grantRow{}}
	slices.SortFunc(grants, func(a, b ledger.Record) int {
		return cmp.Or(cmp.Compare(a.Clock, b.Clock), a.Position.Compare(b.Position.Origin))
	})
	for i := range grants {
		r := &grants[i]
		if r.Session != session {
			continue
		}
		c.Grants = append(c.Grants, grantRow{
			Gate: decimal(uint64(r.Position.Gate)), Epoch: decimal(uint64(r.Position.Epoch)), Sequence: decimal(r.Position.Sequence),
			Lane: decimal(uint64(r.Lane)), At: r.Wall, Count: int(r.Count), Isolated: r.Marks.Has(gate.MarkIsolated),
			Override: r.Marks.Has(gate.MarkOverride), ClockUntrusted: r.Marks.Has(gate.MarkClockUntrusted),
			DriftMS: r.Clock.Time().Sub(r.Wall).Milliseconds(),
		})
	}
	return c
}

// recordsAtOnce is how many records are read at a time.
const recordsAtOnce = 4096

// eachOf calls do with every record that is held of a log.
func (v *venue) eachOf(l *central.Log, do func(*ledger.Record, ledger.Hash) error) error {
	var buffer []byte
	var record ledger.Record
	for from := uint64(1); from < l.Next; {
		var err error
		buffer, err = v.store.Records(buffer[:0], l.Origin, from, recordsAtOnce)
		if err != nil {
			return err
		}
		if len(buffer) == 0 {
			break
		}
		for b := buffer; len(b) >= ledger.Size; b = b[ledger.Size:] {
			if err := record.Decode(b[:ledger.Size]); err != nil {
				return err
			}
			if err := do(&record, ledger.HashEncoded(b[:ledger.Size])); err != nil {
				return err
			}
			from++
		}
	}
	return nil
}

// forked tells the ledger of the other branch of a log that is closed.
func (v *venue) forked(book *ledger.Ledger, l *central.Log, concerns func(*ledger.Record) bool) error {
	if err := book.Fork(ledger.Position{Origin: l.Origin, Sequence: l.Fork}); err != nil {
		return err
	}
	branch, err := v.store.Forked(nil, l.Origin)
	if err != nil {
		return err
	}
	var record ledger.Record
	for ; len(branch) >= ledger.Size; branch = branch[ledger.Size:] {
		if err := record.Decode(branch[:ledger.Size]); err != nil {
			return err
		}
		if record.Kind != ledger.KindGrant || !concerns(&record) {
			continue
		}
		if err := book.AddBranch(&record, ledger.HashEncoded(branch[:ledger.Size])); err != nil {
			return err
		}
	}
	return nil
}
