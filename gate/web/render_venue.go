package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// How much of the venue fits beside the lanes. The page of all gates has more.
const (
	fewGates     = 8
	fewConflicts = 3
	fewOrders    = 4
	maxConflicts = 100
	maxGrants    = 12 // of one conflict
	maxOrders    = 100
)

// alone says that the gate cannot ask the others, at the given lanes; nil when
// it can, or need not.
func (r renderer) alone(s *State, lanes []LaneView) *alonePage {
	c := &s.Cluster
	if c.Alone.IsZero() {
		return nil
	}
	all, heard := c.others()
	page := &alonePage{
		Title: r.say("alone_title", "time", r.moment(c.Alone, s.Now)),
		Heard: r.say("alone_heard", "n", strconv.Itoa(heard), "of", strconv.Itoa(all)),
		Rules: r.rules(lanes), Hint: r.say("alone_hint"),
	}
	if slices.ContainsFunc(lanes, func(l LaneView) bool { return l.Evacuate }) {
		page.Rules, page.Hint = []rulePage{}, "" // nobody is asked for a ticket
	}
	switch last := c.lost(); {
	case heard == all:
		page.Heard += r.say("alone_keepers")
	case last.IsZero():
		page.Heard += r.say("alone_last_never")
	default:
		page.Heard += r.say("alone_last", "time", r.clock(last))
	}
	return page
}

// rules says what each policy of the lanes means, and names the lanes where
// there are several.
func (r renderer) rules(lanes []LaneView) []rulePage {
	rules := []rulePage{}
	for _, one := range []struct {
		rule gate.Isolation
		word string
	}{{gate.IsolationRefuse, "refuse"}, {gate.IsolationRefer, "refer"}, {gate.IsolationAdmit, "admit"}} {
		var names []string
		for i := range lanes {
			if l := &lanes[i]; slices.Contains(l.Isolation, one.rule) && l.Kind != gate.LaneExit {
				names = append(names, l.Name)
			}
		}
		if len(names) > 0 {
			rules = append(rules, rulePage{
				Rule: one.word, Lanes: strings.Join(names, r.say("list_comma")),
				Text: r.say("alone_" + one.word), Next: r.say("alone_" + one.word + "_next"),
			})
		}
	}
	if len(rules) == 1 {
		rules[0].Lanes = ""
	}
	return rules
}

// evacuation says that barriers stand open by order; nil when none does.
func (r renderer) evacuation(s *State) *evacuationPage {
	page := &evacuationPage{Title: r.say("evacuation_title"), Hint: r.say("evacuation_hint")}
	for i := range s.Orders {
		if o := &s.Orders[i]; o.Order.Kind == gate.OrderEvacuate && !s.Now.Before(o.Order.From) {
			said := r.order(o, s.Now)
			page.Lines = append(page.Lines, r.where(o)+" · "+said.By+" · "+said.When)
		}
	}
	if len(page.Lines) == 0 {
		var open []string // by an order that is not on record yet, or by one of an earlier run
		for i := range s.Lanes {
			if l := &s.Lanes[i]; l.Evacuate {
				open = append(open, l.Name)
			}
		}
		if len(open) == 0 {
			return nil
		}
		page.Lines = []string{r.say("evacuation_here", "names", strings.Join(open, r.say("list_comma")))}
	}
	return page
}

// orders says what is ordered besides evacuations, which have a place of their
// own: the latest first, and who is blocked after what concerns everybody.
func (r renderer) orders(s *State, limit int) ordersPage {
	page := ordersPage{Items: []orderPage{}}
	for i := range s.Orders {
		if o := &s.Orders[i]; o.Order.Kind != gate.OrderEvacuate || s.Now.Before(o.Order.From) {
			page.Items = append(page.Items, r.order(o, s.Now))
		}
	}
	slices.Reverse(page.Items)
	slices.SortStableFunc(page.Items, func(a, b orderPage) int {
		return cmp.Compare(strings.Count(a.Kind, "block"), strings.Count(b.Kind, "block"))
	})
	if more := len(page.Items) - limit; more > 0 {
		page.Items = page.Items[:limit]
		page.More = r.say("conflicts_more", "n", group(more))
	}
	return page
}

func (r renderer) order(v *OrderView, now time.Time) orderPage {
	o := &v.Order
	page := orderPage{Kind: o.Kind.String(), Coming: now.Before(o.From)}
	about := v.Session
	if about == "" {
		about = v.Event
	}
	at := ""
	if !o.At.IsZero() {
		at = r.moment(o.At, now)
	}
	page.Text = r.say("order_"+page.Kind,
		"what", about, "at", at, "entrance", v.Entrance, "to", v.To, "lane", v.Lane, "where", r.where(v),
		"kind", r.say("kind_"+kindWord(o.LaneKind)), "digits", MaskTicket(o.Ticket))
	switch {
	case v.By == "":
		page.By = r.say("order_by_nobody", "gate", v.Gate)
	case !v.Signed:
		page.By = r.say("order_by_unsigned", "name", v.By, "gate", v.Gate)
	default:
		page.By = r.say("order_by", "name", v.By)
	}
	since := v.Recorded
	if o.From.After(since) {
		since = o.From
	}
	key := "order_since"
	if page.Coming {
		key = "order_from"
	}
	page.When = r.say(key, "time", r.moment(since, now))
	if !o.Until.IsZero() {
		page.When += r.say("order_until", "time", r.moment(o.Until, now))
	}
	return page
}

// where says which lanes an order concerns.
func (r renderer) where(o *OrderView) string {
	var parts []string
	for _, p := range []struct{ key, name string }{{"order_at_lane", o.Lane}, {"order_at_entrance", o.Entrance}, {"order_at_zone", o.Zone}} {
		if p.name != "" {
			parts = append(parts, r.say(p.key, "name", p.name))
		}
	}
	if len(parts) == 0 {
		return r.say("order_everywhere")
	}
	return strings.Join(parts, r.say("list_comma"))
}

// conflicts says what was granted too often, at most limit of them.
func (r renderer) conflicts(s *State, limit int) conflictsPage {
	page := conflictsPage{Items: []conflictPage{}}
	n := len(s.Conflicts)
	if n == 0 {
		return page
	}
	page.Title = r.say("conflicts_title", "n", group(n))
	page.Zone = r.say("conflicts_zone", "zone", s.Now.In(r.zone).Format("UTC-07:00"))
	for i := range s.Conflicts[:min(n, limit)] {
		page.Items = append(page.Items, r.conflict(&s.Conflicts[i], s.Now))
	}
	if n > limit {
		page.More = r.say("conflicts_more", "n", group(n-limit))
	}
	return page
}

func (r renderer) conflict(c *ConflictView, now time.Time) conflictPage {
	page := conflictPage{Grants: []grantPage{}, Clocks: r.clocks(c)}
	page.Title = r.say("conflict_person")
	if c.Ticket != "" {
		page.Title = r.say("ticket", "digits", c.Ticket)
	}
	page.Text = r.say("conflict_excess", "n", group(c.Excess), "of", group(len(c.Grants)))
	if c.Claimed {
		page.Text += r.say("conflict_claimed")
	}
	for i := range c.Grants[:min(len(c.Grants), maxGrants)] {
		page.Grants = append(page.Grants, r.grant(&c.Grants[i], c.Ticket == "", now))
	}
	if more := len(c.Grants) - maxGrants; more > 0 {
		page.More = r.say("conflicts_more", "n", group(more))
	}
	return page
}

func (r renderer) grant(g *ConflictGrantView, ticket bool, now time.Time) grantPage {
	page := grantPage{Time: r.clock(g.At), Gate: g.Gate, Lane: g.Lane, Excess: g.Excess, Notes: []string{}}
	if at, now := g.At.In(r.zone), now.In(r.zone); at.Format(time.DateOnly) != now.Format(time.DateOnly) {
		page.Time = at.Format(time.DateTime)
	}
	add := func(on bool, key string, with ...string) {
		if on {
			page.Notes = append(page.Notes, r.say(key, with...))
		}
	}
	add(g.Excess, "grant_excess")
	add(ticket && g.Ticket != "", "ticket", "digits", g.Ticket)
	add(g.Count > 1, "note_people", "n", strconv.Itoa(g.Count))
	add(g.Out > 0, "grant_out", "n", strconv.Itoa(g.Out))
	add(g.Marks.Has(gate.MarkIsolated), "note_isolated")
	add(g.Marks.Has(gate.MarkOverride), "note_override")
	add(g.Marks.Has(gate.MarkClockUntrusted), "note_clock")
	return page
}

// sameClock is how far apart clocks may be that count as agreeing: times are
// shown in seconds.
const sameClock = time.Second

// clocks says how far the times of a conflict can be compared. Nothing is to be
// said where they all are one gate's.
func (r renderer) clocks(c *ConflictView) string {
	var least, most time.Duration
	gates, known, trusted := map[string]bool{}, true, true
	for i := range c.Grants {
		g := &c.Grants[i]
		gates[g.Gate] = true
		trusted = trusted && !g.Marks.Has(gate.MarkClockUntrusted)
		switch {
		case g.Offset == nil:
			known = false
		case i == 0:
			least, most = *g.Offset, *g.Offset
		default:
			least, most = min(least, *g.Offset), max(most, *g.Offset)
		}
	}
	switch apart := most - least; {
	case !trusted:
		return r.say("clocks_untrusted")
	case len(gates) < 2:
		return ""
	case !known:
		return r.say("clocks_unknown")
	case apart >= sameClock:
		return r.say("clocks_apart", "span", r.span(apart))
	default:
		return r.say("clocks_agree")
	}
}

func (r renderer) zones(s *State) []zonePage {
	zones := []zonePage{}
	for _, z := range s.Counts.Zones {
		zones = append(zones, zonePage{Name: z.Name, In: group(z.In), Out: group(z.Out), Inside: group(z.Inside)})
	}
	return zones
}

// uplink says how far central has the records.
func (r renderer) uplink(u *UplinkView, now time.Time) string {
	if u == nil {
		return ""
	}
	n, of := group(int(u.Acked)), group(int(u.Acked+u.Pending))
	switch {
	case u.State == "starting":
		return r.say("uplink_starting")
	case u.State == "waiting":
		text := r.say("uplink_waiting", "n", group(int(u.Pending)))
		if !u.Heard.IsZero() {
			text += r.say("uplink_heard", "time", r.moment(u.Heard, now))
		}
		return text
	case u.Pending == 0:
		return r.say("uplink_idle", "n", n)
	case u.Left < 0:
		return r.say("uplink_sending", "n", n, "of", of)
	default:
		return r.say("uplink_sending", "n", n, "of", of) + r.say("uplink_left", "n", strconv.Itoa(int(max(1, u.Left.Round(time.Minute)/time.Minute))))
	}
}
