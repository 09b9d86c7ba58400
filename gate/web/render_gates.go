package web

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate/health"
)

// When a gate that is heard is worth a look all the same.
const (
	oddOffset  = 2 * time.Second // as far as an unkept clock may be believed
	oddRecords = 500             // lacking: a busy venue is a few behind at any moment
)

// gates lists the gates of the roster, problems first. Where limit cuts the list
// this gate itself may be missing, and gates without a problem.
func (r renderer) gates(s *State, limit int) gatesPage {
	c := &s.Cluster
	all, heard := c.others()
	page := gatesPage{Rows: []gateRow{}, Notes: []string{}, Lone: all == 0}
	n, of := strconv.Itoa(heard), strconv.Itoa(all)
	switch {
	case c.Gates == 0:
		page.Title = r.say("gates_none")
	case all == 0:
		page.Title = r.say("gates_lone")
	case heard == all:
		page.Title = r.say("gates_all_heard", "of", of)
	default:
		page.Title = r.say("gates_heard", "n", n, "of", of)
	}
	if all > 0 && c.Alone.IsZero() {
		if c.NoKeepers {
			page.Notes = append(page.Notes, r.say("gates_no_keepers"))
		} else if role := "claims_" + c.Role; r.words[role] != "" {
			page.Notes = append(page.Notes, r.say(role))
		}
	}
	if c.Late > 0 {
		page.Notes = append(page.Notes, r.say("gates_late", "n", group(c.Late)))
	}
	peers := slices.Clone(c.Peers)
	slices.SortStableFunc(peers, func(a, b GateView) int {
		return cmp.Or(b.trouble()-a.trouble(), cmp.Compare(a.ID, b.ID))
	})
	for i := range peers {
		if i == limit {
			page.More = r.say("gates_more", "n", group(len(peers)-limit))
			break
		}
		page.Rows = append(page.Rows, r.gate(&peers[i], s.Now))
	}
	return page
}

// trouble is how much a gate presses: 0 is none.
func (g *GateView) trouble() int {
	switch {
	case g.Self:
		return 0
	case g.Silent && g.Keeper:
		return 4
	case g.Silent:
		return 3
	case g.Down || g.Refused > 0:
		return 2
	case g.Offset != nil && g.Offset.Abs() > oddOffset, g.Lacks > oddRecords, g.Has > oddRecords:
		return 1
	default:
		return 0
	}
}

func (r renderer) gate(g *GateView, now time.Time) gateRow {
	row := gateRow{Name: g.Name, State: "ok", Clock: r.offset(g.Offset), Records: r.records(g), Role: r.keeper(g)}
	switch t := g.trouble(); {
	case g.Self:
		row.State, row.Heard, row.Clock, row.Records = "self", r.say("gate_self"), "", ""
	case g.Silent && g.Heard.IsZero():
		row.State, row.Heard, row.Clock = "silent", r.say("gate_never"), ""
	case g.Silent:
		row.State, row.Heard, row.Clock = "silent", r.say("gate_silent", "time", r.moment(g.Heard, now)), ""
	case t > 0:
		row.State, row.Heard = "odd", r.say("gate_heard")
	default:
		row.Heard = r.say("gate_heard")
	}
	return row
}

func (r renderer) records(g *GateView) string {
	text := ""
	add := func(n uint64, key string) {
		if n == 0 {
			return
		}
		if text != "" {
			text += r.say("list_comma")
		}
		text += r.say(key, "n", group(int(min(n, 1<<40))))
	}
	add(g.Has, "gate_has")
	add(g.Lacks, "gate_lacks")
	add(uint64(max(0, g.Refused)), "gate_refused")
	if text == "" && !g.Silent {
		return r.say("gate_level")
	}
	return text
}

func (r renderer) keeper(g *GateView) string {
	switch {
	case g.Leader:
		return r.say("gate_leads")
	case g.Down:
		return r.say("gate_keeper_down")
	case g.Keeper:
		return r.say("gate_keeper")
	default:
		return ""
	}
}

// offset says how far a gate's clock is from this one's.
func (r renderer) offset(d *time.Duration) string {
	switch {
	case d == nil:
		return r.say("clock_unmeasured")
	case *d >= sameClock:
		return r.say("clock_ahead", "span", r.span(*d))
	case *d <= -sameClock:
		return r.say("clock_behind", "span", r.span(-*d))
	default:
		return r.say("clock_same")
	}
}

// span says a time between clocks: small ones to a tenth of a second.
func (r renderer) span(d time.Duration) string {
	if d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return health.Span(d, r.language)
}
