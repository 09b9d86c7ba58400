package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

func TestAlone(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*State)
		en, zh string // the lines, joined by "|"; empty: not alone
	}{
		{"all is well", func(s *State) { *s = venueGate().state }, "", ""},
		{"its own keeper", func(s *State) { s.Cluster = ClusterView{Gates: 1, Role: "alone", Peers: s.Cluster.Peers[2:3]} }, "", ""},
		{
			"one gate is heard", func(*State) {},
			"ALONE since 18:31|1 of 5 other gates heard, the rest last at 18:32:07|admit:",
			"本机已离线，自 18:31 起|能收到 1 / 5 台其他闸机，其余最近于 18:32:07 收到|admit:",
		},
		{
			"nobody was ever heard", func(s *State) {
				for i := range s.Cluster.Peers {
					s.Cluster.Peers[i].Silent, s.Cluster.Peers[i].Heard = i != 2, time.Time{}
				}
			},
			"ALONE since 18:31|0 of 5 other gates heard, the rest never|admit:",
			"本机已离线，自 18:31 起|能收到 0 / 5 台其他闸机，其余从未收到|admit:",
		},
		{
			"everybody is heard, and the keepers cannot agree",
			func(s *State) { s.Cluster.Peers = venueGate().state.Cluster.Peers },
			"ALONE since 18:31|5 of 5 other gates heard, but the keepers do not answer|admit:",
			"本机已离线，自 18:31 起|能收到 5 / 5 台其他闸机，但保管者无响应|admit:",
		},
		{
			"since yesterday, lanes differ",
			func(s *State) {
				s.Cluster.Alone = evening.Add(-24 * time.Hour)
				s.Lanes[0].Isolation = []gate.Isolation{gate.IsolationRefuse}
				s.Lanes[1].Isolation = []gate.Isolation{gate.IsolationRefer, gate.IsolationRefuse}
			},
			"ALONE since 2026-11-21 18:42|1 of 5 other gates heard, the rest last at 18:32:07|refuse:北 1, 北 2|refer:北 2",
			"本机已离线，自 2026-11-21 18:42 起|能收到 1 / 5 台其他闸机，其余最近于 18:32:07 收到|refuse:北 1、北 2|refer:北 2",
		},
		{
			"exits need no rule",
			func(s *State) { s.Lanes[0].Kind, s.Lanes[1].Kind = gate.LaneExit, gate.LaneExit },
			"ALONE since 18:31|1 of 5 other gates heard, the rest last at 18:32:07",
			"本机已离线，自 18:31 起|能收到 1 / 5 台其他闸机，其余最近于 18:32:07 收到",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := aloneGate().state
			test.change(&s)
			for l, want := range map[gate.Language]string{gate.English: test.en, gate.Chinese: test.zh} {
				got := ""
				if page := rendererIn(t, l).alone(&s, s.Lanes); page != nil {
					lines := []string{page.Title, page.Heard}
					for _, r := range page.Rules {
						lines = append(lines, r.Rule+":"+r.Lanes)
					}
					got = strings.Join(lines, "|")
				}
				if got != want {
					t.Errorf("%s: %s\nwant %s", l, got, want)
				}
			}
		})
	}
}

// What is said larger elsewhere is not said again among the warnings.
func TestWarningsAreSaidOnce(t *testing.T) {
	var tracker health.Tracker
	tracker.Set(evening, health.Isolated, "", health.Detail{At: evening})
	tracker.Set(evening, health.Conflicts, "1", health.Detail{Count: 1})
	tracker.Set(evening, health.Evacuation, "", health.Detail{Count: 2})
	tracker.Set(evening, health.PeersLost, "", health.Detail{Count: 4})
	codes := func(s State) string {
		s.Warnings = tracker.Current()
		said := []string{}
		for _, w := range rendererIn(t, gate.English).state(s, NewHub(), "", false).Warnings {
			said = append(said, w.Code)
		}
		slices.Sort(said)
		return strings.Join(said, " ")
	}
	alone := aloneGate().state
	alone.Conflicts, alone.Orders = []ConflictView{twice()}, []OrderView{evacuation()}
	if got := codes(alone); got != "peers_lost" {
		t.Errorf("alone: %s", got)
	}
	if got := codes(venueGate().state); got != "conflicts evacuation isolated peers_lost" {
		t.Errorf("before the state has it: %s", got)
	}
}

func TestGates(t *testing.T) {
	minute := evening.Add(-time.Minute)
	for _, test := range []struct {
		name   string
		gate   GateView
		en, zh string
	}{
		{"itself", GateView{Self: true, Keeper: true}, "self|this gate|||keeper", "self|本机|||保管者"},
		{
			"level",
			GateView{Heard: evening, Offset: apart(-900 * time.Millisecond)},
			"ok|heard|records level|clock agrees|", "ok|可收到|记录一致|时钟一致|",
		},
		{
			"a little behind, a little ahead",
			GateView{Heard: evening, Lacks: 3, Has: 1200, Offset: apart(1200 * time.Millisecond), Leader: true, Keeper: true},
			"odd|heard|we lack 1\u202f200 records, lacks 3 records|clock 1.2 s ahead|leads the keepers",
			"odd|可收到|本机缺 1\u202f200 条记录、缺 3 条记录|时钟快 1.2 s|主保管者",
		},
		{
			"a wrong clock",
			GateView{Heard: evening, Offset: apart(-3 * time.Hour)},
			"odd|heard|records level|clock 3 hours behind|", "odd|可收到|记录一致|时钟慢 3 小时|",
		},
		{
			"silent",
			GateView{Silent: true, Heard: minute, Lacks: 7, Keeper: true, Down: true, Offset: apart(0)},
			"silent|not heard since 18:41|lacks 7 records||keeper, does not answer", "silent|自 18:41 起收不到|缺 7 条记录||保管者，无响应",
		},
		{"never heard", GateView{Silent: true}, "silent|never heard|||", "silent|从未收到|||"},
		{
			"a keeper that is heard and does not answer",
			GateView{Heard: evening, Keeper: true, Down: true},
			"odd|heard|records level|clock not compared|keeper, does not answer", "odd|可收到|记录一致|时钟未比较|保管者，无响应",
		},
		{
			"not believed",
			GateView{Heard: evening, Refused: 2, Offset: apart(0)},
			"odd|heard|2 refused|clock agrees|", "odd|可收到|2 条不可信|时钟一致|",
		},
	} {
		for l, want := range map[gate.Language]string{gate.English: test.en, gate.Chinese: test.zh} {
			row := rendererIn(t, l).gate(&test.gate, evening)
			if got := strings.Join([]string{row.State, row.Heard, row.Records, row.Clock, row.Role}, "|"); got != want {
				t.Errorf("%s: %s\nwant %s", test.name, got, want)
			}
		}
	}
}

func TestGatesProblemsFirst(t *testing.T) {
	s := aloneGate().state
	page := rendererIn(t, gate.English).gates(&s, 4)
	var names []string
	for _, row := range page.Rows {
		names = append(names, row.Name)
	}
	if got := strings.Join(names, " "); got != "北门 1 南门 2 南门 1 东门" || page.More != "and 2 more" || page.Title != "1 of 5 others are heard" {
		t.Errorf("%s; %s; %s", got, page.More, page.Title)
	}
	s = State{Cluster: ClusterView{Gates: 1, Role: "alone", Peers: []GateView{{Self: true}}}}
	if page := rendererIn(t, gate.English).gates(&s, 4); !page.Lone || page.Title != "The venue's only gate. It need not ask anybody." || len(page.Notes) != 0 {
		t.Errorf("a gate without others: %+v", page)
	}
	s = venueGate().state
	s.Cluster.NoKeepers, s.Cluster.Role = true, "alone"
	if page := rendererIn(t, gate.English).gates(&s, 4); len(page.Notes) != 1 || !strings.Contains(page.Notes[0], "may come in twice") {
		t.Errorf("gates without keepers: %q", page.Notes)
	}
}

func TestOrders(t *testing.T) {
	s := State{Now: evening, Orders: append(ordered(), evacuation())}
	for l, want := range map[gate.Language][]string{
		gate.English: {
			"Hold the queue: nobody is let in (lane 北 1)|from 18:47|to come", "Lane 北 2 is closed|since 17:42",
			"Lane 北 2 works as: Exit|since 17:42", "Visitors of C go to B|since 17:42, until 19:42",
			"Last entry at 21:42: 周六|since 17:42", "Doors open at 19:15: 秋季音乐节|since 17:42",
			"The holder of one document is blocked|since 17:42", "Ticket …5678 is blocked|since 17:42",
		},
		gate.Chinese: {
			"暂停入场（通道 北 1）|将于 18:47 生效|to come", "通道 北 2 已关闭|自 17:42 起",
			"通道 北 2 改为：出口|自 17:42 起", "C 的观众改走 B|自 17:42 起，至 19:42",
			"21:42 停止入场：周六|自 17:42 起", "19:15 开始入场：秋季音乐节|自 17:42 起",
			"某证件持有人禁止入场|自 17:42 起", "票号 …5678 已停用|自 17:42 起",
		},
	} {
		var got []string
		for _, o := range rendererIn(t, l).orders(&s, 50).Items {
			line := o.Text + "|" + o.When
			if o.Coming {
				line += "|to come"
			}
			got = append(got, line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q\nwant %q", l, got, want)
		}
	}
	r := rendererIn(t, gate.English)
	if page := r.orders(&s, 3); len(page.Items) != 3 || page.More != "and 5 more" {
		t.Errorf("three of them: %+v", page)
	}
	if page := r.evacuation(&s); page == nil || page.Lines[0] != "everywhere · by supervisor at 北门 3, not signed · since 18:41" {
		t.Errorf("the evacuation: %+v", page)
	}
	s.Orders = []OrderView{{Order: gate.Order{Kind: gate.OrderEvacuate, From: evening.Add(time.Minute)}, Gate: "E"}}
	if page, orders := r.evacuation(&s), r.orders(&s, 50).Items; page != nil || len(orders) != 1 || orders[0].By != "at E, nobody signed in" {
		t.Errorf("one that is to come: %+v, %+v", page, orders)
	}
}

// A button's order opens the barriers before it is on record.
func TestEvacuationThatIsNotOnRecord(t *testing.T) {
	s := aloneGate().state
	s.Lanes[0].Evacuate = true
	r := rendererIn(t, gate.English)
	if page := r.evacuation(&s); page == nil || page.Lines[0] != "Open here: 北 1" {
		t.Errorf("%+v", page)
	}
	if page := r.alone(&s, s.Lanes); len(page.Rules) != 0 || page.Hint != "" {
		t.Errorf("nobody is asked for a ticket, and the page says %+v", page)
	}
}

func TestConflicts(t *testing.T) {
	grant := func(gateName string, offset *time.Duration, marks gate.Marks) ConflictGrantView {
		return ConflictGrantView{At: evening, Gate: gateName, Lane: "L", Ticket: "7", Count: 1, Offset: offset, Marks: marks}
	}
	for _, test := range []struct {
		name   string
		grants []ConflictGrantView
		clocks string
	}{
		{"one gate", []ConflictGrantView{grant("A", apart(0), 0), grant("A", apart(0), 0)}, ""},
		{"clocks agree", []ConflictGrantView{grant("A", apart(0), 0), grant("B", apart(400*time.Millisecond), 0)}, "These gates' clocks agree to within a second."},
		{"clocks apart", []ConflictGrantView{grant("A", apart(-time.Second), 0), grant("B", apart(1500*time.Millisecond), 0)}, "These gates' clocks are 2.5 s apart now."},
		{"hours apart", []ConflictGrantView{grant("A", apart(0), 0), grant("B", apart(8*time.Hour), 0)}, "These gates' clocks are 8 hours apart now."},
		{"not measured", []ConflictGrantView{grant("A", apart(0), 0), grant("B", nil, 0)}, "These gates' clocks cannot be compared now."},
		{"first not measured", []ConflictGrantView{grant("A", nil, 0), grant("B", apart(time.Hour), 0)}, "These gates' clocks cannot be compared now."},
		{"not trusted", []ConflictGrantView{grant("A", apart(0), 0), grant("A", apart(0), gate.MarkClockUntrusted)}, "A clock was not trusted: which came first is not certain."},
	} {
		c := ConflictView{Ticket: "7", Excess: 1, Grants: test.grants}
		if got := rendererIn(t, gate.English).clocks(&c); got != test.clocks {
			t.Errorf("%s: %q, want %q", test.name, got, test.clocks)
		}
	}

	long := ConflictView{Excess: 14, Claimed: true}
	for range 15 {
		g := grant("A", apart(0), gate.MarkIsolated|gate.MarkOverride|gate.MarkClockUntrusted)
		g.At, g.Count, g.Out, g.Excess = evening.Add(-24*time.Hour), 3, 1, true
		long.Grants = append(long.Grants, g)
	}
	s := State{Now: evening, Conflicts: []ConflictView{long, twice(), twice()}}
	page := rendererIn(t, gate.English).conflicts(&s, 2)
	if page.Title != "Let in too often: 3" || page.More != "and 1 more" || len(page.Items) != 2 || page.Zone != "Times are the venue's, UTC+08:00." {
		t.Errorf("%+v", page)
	}
	first := page.Items[0]
	if first.Title != "One person, several tickets" || len(first.Grants) != maxGrants || first.More != "and 3 more" ||
		first.Text != "14 of 15 entries too many although the gates agreed: tell a technician" {
		t.Errorf("%+v", first)
	}
	want := "2026-11-21 18:42:07|Too many|Ticket …7|3 people|1 left again|Decided alone|By staff|Clock not trusted"
	if got := first.Grants[0].Time + "|" + strings.Join(first.Grants[0].Notes, "|"); got != want {
		t.Errorf("a grant: %s\nwant %s", got, want)
	}
}

func TestUplinkInWords(t *testing.T) {
	for _, test := range []struct {
		view   *UplinkView
		en, zh string
	}{
		{nil, "", ""},
		{&UplinkView{State: "starting"}, "not heard yet", "尚未联系上"},
		{&UplinkView{State: "idle", Acked: 30112}, "has all 30\u202f112 records", "已收到全部 30\u202f112 条记录"},
		{&UplinkView{State: "sending", Acked: 12480, Pending: 17632, Left: 125 * time.Second}, "has 12\u202f480 of 30\u202f112 records, about 2 min", "已收到 12\u202f480 / 30\u202f112 条记录，约需 2 分钟"},
		{&UplinkView{State: "sending", Acked: 1, Pending: 1, Left: time.Second}, "has 1 of 2 records, about 1 min", "已收到 1 / 2 条记录，约需 1 分钟"},
		{&UplinkView{State: "sending", Acked: 1, Pending: 1, Left: -1}, "has 1 of 2 records", "已收到 1 / 2 条记录"},
		{&UplinkView{State: "waiting", Pending: 9, Heard: evening.Add(-26 * time.Hour)}, "does not answer; 9 records wait here, last heard 2026-11-21 16:42", "无响应，9 条记录保存在本机，最近联系 2026-11-21 16:42"},
	} {
		if got := rendererIn(t, gate.English).uplink(test.view, evening); got != test.en {
			t.Errorf("%+v: %q, want %q", test.view, got, test.en)
		}
		if got := rendererIn(t, gate.Chinese).uplink(test.view, evening); got != test.zh {
			t.Errorf("%+v: %q, want %q", test.view, got, test.zh)
		}
	}
}

func TestClockSources(t *testing.T) {
	for source, want := range map[ClockSource][2]string{
		ClockUnknown: {"", ""}, ClockSystem: {"from NTP", "来源 NTP"}, ClockPeers: {"from other gates", "来源 其他闸机"}, "GPS": {"from GPS", "来源 GPS"},
	} {
		s := State{ClockSource: source}
		if got := [2]string{rendererIn(t, gate.English).clockOf(s).Note, rendererIn(t, gate.Chinese).clockOf(s).Note}; got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}

func TestWhereToGo(t *testing.T) {
	v := VerdictView{Entrance: "B"}
	if got := rendererIn(t, gate.English).notes(v); !slices.Equal(got, []string{"Go to: B"}) {
		t.Errorf("%q", got)
	}
	if got := rendererIn(t, gate.Chinese).notes(v); !slices.Equal(got, []string{"请走：B"}) {
		t.Errorf("%q", got)
	}
}
