package web

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

// The shapes below are the interface for machines. Fields are added and never
// change their meaning. Nothing of a visitor is in them.

type stateJSON struct {
	Now      time.Time     `json:"now"`
	Gate     string        `json:"gate"`
	Venue    string        `json:"venue,omitempty"`
	Event    string        `json:"event,omitempty"`
	Battery  *batteryJSON  `json:"battery,omitempty"`
	Training bool          `json:"training"`
	Ready    readyJSON     `json:"ready"`
	Lanes    []laneJSON    `json:"lanes"`
	Counts   countsJSON    `json:"counts"`
	Pack     *packJSON     `json:"pack"`
	Journal  journalJSON   `json:"journal"`
	Warnings []warningJSON `json:"warnings"`

	Cluster   clusterJSON   `json:"cluster"`
	Conflicts conflictsJSON `json:"conflicts"`
	Orders    []orderJSON   `json:"orders"`
	Uplink    *uplinkJSON   `json:"uplink"` // null: there is no central
}

type batteryJSON struct {
	Percent  int  `json:"percent"`
	Charging bool `json:"charging"`
}

type readyJSON struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why not: pack_missing, journal_failed, no_lane_ready
}

type laneJSON struct {
	ID      gate.LaneID  `json:"id"`
	Name    string       `json:"name"`
	Kind    string       `json:"kind"` // entry, exit, both, precheck
	Ready   bool         `json:"ready"`
	Closed  bool         `json:"closed"`
	Held    bool         `json:"held"`       // by order nobody is admitted for now
	Open    bool         `json:"evacuating"` // by order the barrier stands open
	Barrier string       `json:"barrier"`    // none, shut, open, unknown, down, released
	Devices []deviceJSON `json:"devices"`
	Last    *lastJSON    `json:"last,omitempty"`
	Waiting []string     `json:"waiting"` // what the visitor has still to show: document, code
	Case    bool         `json:"case"`    // a visitor waits for staff to decide
	Fire    bool         `json:"fire"`    // a fire signal has released the barrier
	Events  []eventJSON  `json:"events"`  // at the barrier without a grant, since the start
}

type eventJSON struct {
	Kind  string    `json:"kind"` // forced, wrong_way, tailgate, fire_passage
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
}

type deviceJSON struct {
	Name  string    `json:"name"`
	Role  string    `json:"role"` // reader, document, barrier, display
	Up    bool      `json:"up"`
	Since time.Time `json:"since,omitzero"`
}

type lastJSON struct {
	At      time.Time   `json:"at"`
	Outcome string      `json:"outcome"` // admit, exit, refuse, refer
	Reason  gate.Reason `json:"reason"`
	Micros  int64       `json:"decision_microseconds"`
}

type countsJSON struct {
	In       int            `json:"in"`
	Out      int            `json:"out"`
	Inside   int            `json:"inside"`
	Refused  int            `json:"refused"`
	Referred int            `json:"referred"`
	Reasons  map[string]int `json:"reasons"`
	Since    time.Time      `json:"since,omitzero"`
	Reset    time.Time      `json:"reset,omitzero"` // everybody was counted out by order
	Zones    []zoneJSON     `json:"zones"`
}

type packJSON struct {
	Version uint32    `json:"version"`
	Tickets int       `json:"tickets"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires,omitzero"`
}

type journalJSON struct {
	OK       bool   `json:"ok"`
	Epoch    uint32 `json:"epoch"`
	Sequence uint64 `json:"sequence"`
}

type warningJSON struct {
	Code     health.Code     `json:"code"`
	Severity health.Severity `json:"severity"`
	Subject  string          `json:"subject,omitempty"`
	Since    time.Time       `json:"since"`
	Text     string          `json:"text"`
	Next     string          `json:"next"`
}

func (s *Server) serveState(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, s.stateForMachines(s.textsFor(w, r).language))
}

func (s *Server) stateForMachines(l gate.Language) stateJSON {
	state := s.source.State()
	c := state.Counts
	out := stateJSON{
		Now: state.Now.UTC(), Gate: state.Gate, Venue: state.Venue, Event: state.Event,
		Training: state.Training, Ready: readiness(state), Lanes: []laneJSON{},
		Counts: countsJSON{
			In: c.In, Out: c.Out, Inside: c.Inside, Refused: c.Refused, Referred: c.Referred,
			Reasons: map[string]int{}, Since: c.Since.UTC(), Reset: c.Reset.UTC(), Zones: zonesForMachines(c.Zones),
		},
		Cluster: clusterForMachines(&state.Cluster), Conflicts: conflictsForMachines(state.Conflicts),
		Orders: ordersForMachines(state.Orders), Uplink: uplinkForMachines(state.Uplink),
		Journal:  journalJSON(state.Journal),
		Warnings: []warningJSON{},
	}
	for reason, n := range c.Reasons {
		out.Counts.Reasons[reason.String()] = n
	}
	if b := state.Battery; b != nil {
		out.Battery = &batteryJSON{b.Percent, b.Charging}
	}
	if p := state.Pack; p != nil {
		out.Pack = &packJSON{p.Version, p.Tickets, p.Made.UTC(), p.Expires.UTC()}
	}
	for _, lane := range state.Lanes {
		out.Lanes = append(out.Lanes, s.laneForMachines(lane, state.Now))
	}
	for _, a := range state.Warnings {
		out.Warnings = append(out.Warnings, warningJSON{a.Code, a.Severity(), a.Subject, a.Since.UTC(), a.Text(l), a.Next(l)})
	}
	return out
}

func (s *Server) laneForMachines(lane LaneView, now time.Time) laneJSON {
	out := laneJSON{
		ID: lane.ID, Name: lane.Name, Kind: kindWord(lane.Kind), Ready: lane.Ready, Closed: lane.Closed,
		Held: lane.Held, Open: lane.Evacuate,
		Barrier: lane.Barrier.String(), Devices: []deviceJSON{},
		Waiting: []string{}, Events: []eventJSON{}, Fire: lane.Fire, Case: lane.Case != nil && now.Before(lane.Case.Until),
	}
	if now.Before(lane.WantsUntil) {
		for _, w := range []struct {
			want gate.Want
			word string
		}{{gate.WantDocument, "document"}, {gate.WantCode, "code"}} {
			if lane.Wants&w.want != 0 {
				out.Waiting = append(out.Waiting, w.word)
			}
		}
	}
	for _, m := range lane.Mishaps {
		out.Events = append(out.Events, eventJSON{m.Kind.String(), m.Count, m.Last.UTC()})
	}
	for _, d := range lane.Devices {
		out.Devices = append(out.Devices, deviceJSON{d.Name, d.Role.String(), d.Up, d.Since.UTC()})
	}
	if n, ok := s.hub.lastOf(lane.ID); ok {
		out.Last = &lastJSON{n.view.At.UTC(), n.view.Outcome.String(), n.view.Reason, n.view.Took.Microseconds()}
	}
	return out
}

// readiness says whether the gate can serve a visitor, and why not. Health
// codes are used where there is one.
func readiness(s State) readyJSON {
	reasons := []string{}
	if s.Pack == nil {
		reasons = append(reasons, string(health.PackMissing))
	}
	if !s.Journal.OK {
		reasons = append(reasons, string(health.JournalFailed))
	}
	lane := false
	for i := range s.Lanes {
		lane = lane || s.Lanes[i].Ready && !s.Lanes[i].Closed
	}
	if !lane {
		reasons = append(reasons, "no_lane_ready")
	}
	return readyJSON{len(reasons) == 0, reasons}
}

func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	ready := readiness(s.source.State())
	status := http.StatusOK
	if !ready.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, ready)
}

// serveAlive answers as long as the process can answer at all; whether the gate
// is any use is /readyz's to say.
func (s *Server) serveAlive(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]bool{"alive": true})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client left: nobody to tell
}
