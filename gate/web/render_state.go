package web

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

// state says all of the gate that the page shows. Beside the lanes there is room
// for what presses among the gates; whole is for the page that is about them.
func (r renderer) state(s State, h *Hub, assets string, whole bool) statePage {
	gates, conflicts, orders := fewGates, fewConflicts, fewOrders
	if whole {
		gates, conflicts, orders = len(s.Cluster.Peers), maxConflicts, maxOrders
	}
	page := statePage{
		Assets: assets, Run: h.start, Clock: r.clockOf(s), Gate: s.Gate, Event: s.Event, Training: s.Training,
		Warnings: []warningPage{}, Lanes: []lanePage{},
		Counts: r.counts(s), Pack: r.pack(s),
		Alone: r.alone(&s, s.Lanes), Evacuation: r.evacuation(&s), Orders: r.orders(&s, orders),
		Conflicts: r.conflicts(&s, conflicts), Gates: r.gates(&s, gates),
	}
	for _, w := range s.Warnings {
		switch {
		case w.Code == health.Isolated && page.Alone != nil,
			w.Code == health.Conflicts && page.Conflicts.Title != "",
			w.Code == health.Evacuation && page.Evacuation != nil:
			continue // said already, and larger
		}
		page.Warnings = append(page.Warnings, r.warning(w, s.Now))
	}
	for i := range s.Lanes {
		page.Lanes = append(page.Lanes, r.lane(&s.Lanes[i], s.Now, h))
	}
	return page
}

func (r renderer) clockOf(s State) clockPage {
	_, offset := s.Now.In(r.zone).Zone()
	page := clockPage{Millis: s.Now.UnixMilli(), Offset: offset}
	switch source := string(s.ClockSource); s.ClockSource {
	case ClockUnknown:
	case ClockPeers:
		page.Note = r.say("clock_source", "source", r.say("clock_source_peers"))
	default:
		page.Note = r.say("clock_source", "source", source)
	}
	if slices.ContainsFunc(s.Warnings, func(w health.Active) bool { return w.Code == health.ClockUntrusted }) {
		page.Note = r.say("clock_untrusted")
	}
	if b := s.Battery; b != nil {
		page.Note = strings.TrimPrefix(page.Note+" · "+r.battery(b), " · ")
	}
	return page
}

// battery says how much is left, beside the clock, where people look for it.
func (r renderer) battery(b *BatteryView) string {
	key := "battery"
	if b.Charging {
		key = "battery_charging"
	}
	return r.say(key, "percent", strconv.Itoa(b.Percent))
}

func (r renderer) warning(w health.Active, now time.Time) warningPage {
	severity := w.Severity().String()
	page := warningPage{
		Severity: severity, Word: r.say("severity_" + severity), Code: string(w.Code),
		Text: w.Text(r.language), Next: w.Next(r.language),
	}
	if !w.Since.IsZero() {
		page.Since = r.say("warning_since", "time", r.moment(w.Since, now))
	}
	return page
}

func (r renderer) lane(l *LaneView, now time.Time, h *Hub) lanePage {
	kind := kindWord(l.Kind)
	status := "ready"
	switch {
	case l.Evacuate:
		status = "evacuating"
	case l.Closed:
		status = "closed"
	case !l.Ready:
		status = "not_ready"
	case l.Held:
		status = "held"
	}
	page := lanePage{
		ID: l.ID, Name: l.Name, Kind: kind, KindWord: r.say("kind_" + kind),
		Status: status, StatusWord: r.say("lane_" + status),
		Devices: r.devices(l, now), Waiting: r.waiting(l, now), Fire: l.Fire, Mishaps: r.mishaps(l, now),
	}
	if c := l.Case; c != nil && now.Before(c.Until) {
		page.Staff = &staffPage{Text: r.say("case_waits"), Until: c.Until.UnixMilli()}
	}
	if l.From != "" && l.To != "" {
		page.Way = l.From + " → " + l.To
	}
	if n, ok := h.lastOf(l.ID); ok {
		last := r.verdict(h, n)
		last.Replay = true
		page.Last = &last
	}
	return page
}

// devices says how each device does, and of a barrier that answers, how it
// stands. A barrier without a device comes first.
func (r renderer) devices(l *LaneView, now time.Time) []devicePage {
	rows := []devicePage{}
	barrier := devicePage{State: l.Barrier.String(), Word: r.say("barrier_" + l.Barrier.String())}
	seen := false
	for _, d := range l.Devices {
		row := devicePage{State: "up", Word: r.say("device_up")}
		switch {
		case d.Up && d.Role == RoleBarrier:
			row = barrier
		case d.Up:
		case d.Since.IsZero():
			row = devicePage{State: "down", Word: r.say("device_down")}
		default:
			row = devicePage{State: "down", Word: r.say("device_down_since", "time", r.moment(d.Since, now))}
		}
		row.Name = r.say("role_"+d.Role.String()) + " " + d.Name
		rows = append(rows, row)
		seen = seen || d.Role == RoleBarrier
	}
	if !seen {
		barrier.Name = r.say("role_barrier")
		rows = slices.Insert(rows, 0, barrier)
	}
	return rows
}

func kindWord(k gate.LaneKind) string {
	switch k {
	case gate.LaneExit:
		return "exit"
	case gate.LaneBoth:
		return "both"
	case gate.LanePreCheck:
		return "precheck"
	default:
		return "entry"
	}
}

func (r renderer) counts(s State) countsPage {
	c := s.Counts
	page := countsPage{
		In: group(c.In), Out: group(c.Out), Inside: group(c.Inside),
		Refused: group(c.Refused), Referred: group(c.Referred), Reasons: []reasonPage{},
	}
	if !c.Since.IsZero() {
		page.Since = r.say("counts_since", "time", r.moment(c.Since, s.Now))
	}
	if !c.Reset.IsZero() {
		page.Reset = r.say("counts_reset", "time", r.moment(c.Reset, s.Now))
	}
	page.Zones = r.zones(&s)
	for _, reason := range byCount(c.Reasons) {
		page.Reasons = append(page.Reasons, reasonPage{firstSentence(reason.StaffText(r.language)), group(c.Reasons[reason])})
	}
	return page
}

// byCount returns the reasons that were given, the most frequent first.
func byCount(counts map[gate.Reason]int) []gate.Reason {
	reasons := slices.Collect(maps.Keys(counts))
	reasons = slices.DeleteFunc(reasons, func(r gate.Reason) bool { return counts[r] <= 0 })
	slices.SortFunc(reasons, func(a, b gate.Reason) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return reasons
}

// firstSentence leaves out what to do next: in a list of counts, what was the
// matter is enough.
func firstSentence(text string) string {
	for _, end := range []string{". ", "。", "，请"} {
		text, _, _ = strings.Cut(text, end)
	}
	return strings.TrimRight(text, ".")
}

func (r renderer) pack(s State) packPage {
	page := packPage{Journal: r.say("journal_failed"), Uplink: r.uplink(s.Uplink, s.Now)}
	if s.Journal.OK {
		page.Journal = r.say("journal_ok", "n", group(int(s.Journal.Sequence)))
	}
	p := s.Pack
	if p == nil {
		return page
	}
	page.Loaded = true
	page.Version, page.Tickets = strconv.FormatUint(uint64(p.Version), 10), group(p.Tickets)
	page.Age = health.Span(s.Now.Sub(p.Made), r.language)
	switch {
	case p.Expires.IsZero():
		page.Expires = r.say("pack_forever")
	case s.Now.After(p.Expires):
		page.Expires = r.say("pack_expired", "time", r.moment(p.Expires, s.Now))
	default:
		page.Expires = r.moment(p.Expires, s.Now)
	}
	return page
}

// group writes a number with a thin space between thousands, which reads the
// same in both languages.
func group(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return sign + digits
}
