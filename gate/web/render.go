package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

// renderer says views in one language and one time zone.
type renderer struct {
	*texts
	zone *time.Location
}

func (t *texts) renderer(zone *time.Location) renderer {
	if zone == nil {
		zone = time.UTC
	}
	return renderer{t, zone}
}

func (r renderer) clock(at time.Time) string { return at.In(r.zone).Format("15:04:05") }

// moment says a time that may not be today's.
func (r renderer) moment(at, now time.Time) string {
	at, now = at.In(r.zone), now.In(r.zone)
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04")
	}
	return at.Format("2006-01-02 15:04")
}

func (r renderer) verdict(h *Hub, n numbered) verdictPage {
	v := n.view
	page := verdictPage{
		ID: h.eventID(n.number), Number: n.number,
		Time: r.clock(v.At), Millis: v.At.UnixMilli(), Lane: v.Lane, LaneName: v.LaneName,
		Outcome: v.Outcome.String(), Word: r.say("outcome_" + v.Outcome.String()),
		Reason: v.Reason, Text: v.Reason.StaffText(r.language),
		Notes: r.notes(v), Holder: r.holder(v),
		Took: r.say("took", "ms", strconv.FormatFloat(float64(v.Took.Microseconds())/1000, 'f', 1, 64)),
	}
	return page
}

// smallSkew is how far a phone's clock may be off before staff are told.
const smallSkew = 30 * time.Second

// notes says what staff should know besides the reason, the most useful first.
func (r renderer) notes(v VerdictView) []string {
	notes := []string{}
	add := func(on bool, key string, with ...string) {
		if on {
			notes = append(notes, r.say(key, with...))
		}
	}
	add(v.Entrance != "", "note_entrance", "entrance", v.Entrance)
	add(v.Wants&gate.WantDocument != 0, "note_want_document")
	add(v.Wants&gate.WantCode != 0, "note_want_code")
	add(v.Wants&gate.WantLongCode != 0, "note_want_long")
	if p := v.Previous; p != nil {
		if p.LaneName == "" {
			add(true, "note_previous_time", "time", r.clock(p.At))
		} else {
			add(true, "note_previous", "lane", p.LaneName, "time", r.clock(p.At))
		}
	}
	if !v.Back.IsZero() {
		add(true, "note_back", "time", r.moment(v.Back, v.At))
	}
	if g := v.Group; g.Of > 0 {
		add(true, "note_group", "n", strconv.Itoa(g.Admitted), "of", strconv.Itoa(g.Of))
	} else {
		add(v.Count > 1, "note_people", "n", strconv.Itoa(v.Count))
	}
	add(v.Entry > 0, "note_entry", "n", strconv.Itoa(v.Entry))
	add(v.Skew >= smallSkew, "note_ahead", "span", health.Span(v.Skew, r.language))
	add(v.Skew <= -smallSkew, "note_behind", "span", health.Span(-v.Skew, r.language))
	for _, m := range []struct {
		mark gate.Marks
		key  string
	}{
		{gate.MarkIsolated, "note_isolated"},
		{gate.MarkOverride, "note_override"},
		{gate.MarkClockUntrusted, "note_clock"},
		{gate.MarkTraining, "note_training"},
		{gate.MarkAssumed, "note_assumed"},
		{gate.MarkPreCheck, "note_precheck"},
	} {
		add(v.Marks.Has(m.mark), m.key)
	}
	return notes
}

// holder says whose ticket it is, as far as staff may know.
func (r renderer) holder(v VerdictView) []string {
	holder := []string{}
	if v.Name != "" {
		holder = append(holder, v.Name)
	}
	seat := strings.Join(slices.DeleteFunc([]string{v.Seat.Area, v.Seat.Row, v.Seat.Seat},
		func(s string) bool { return s == "" }), "-")
	if seat != "" {
		holder = append(holder, r.say("seat", "seat", seat))
	}
	if v.Ticket != "" {
		holder = append(holder, r.say("ticket", "digits", v.Ticket))
	}
	return holder
}
