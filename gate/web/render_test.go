package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
)

func rendererIn(t *testing.T, l gate.Language) renderer {
	t.Helper()
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	return all[l].renderer(shanghai)
}

func TestNotes(t *testing.T) {
	for _, test := range []struct {
		name   string
		view   VerdictView
		en, zh []string
	}{
		{"nothing special", VerdictView{}, nil, nil},
		{
			"a party",
			VerdictView{Count: 3, Entry: 2},
			[]string{"3 people", "Entry 2"},
			[]string{"3 人", "第 2 次入场"},
		},
		{
			"a group with its leader",
			VerdictView{Count: 28, Entry: 1, Group: gate.Group{Admitted: 28, Of: 30}},
			[]string{"Group: 28 of 30", "Entry 1"},
			[]string{"团体：28 / 30 人", "第 1 次入场"},
		},
		{
			"something is missing",
			VerdictView{Wants: gate.WantDocument | gate.WantLongCode},
			[]string{"Show a document too", "Tap the ticket for the full code"},
			[]string{"请另出示证件", "请点击门票显示完整票码"},
		},
		{
			"been here",
			VerdictView{Previous: &PreviousView{At: evening, LaneName: "N1"}},
			[]string{"First in: N1, 18:42:07"},
			[]string{"首次入场：N1，18:42:07"},
		},
		{
			"been at a lane that has no name here",
			VerdictView{Previous: &PreviousView{At: evening}},
			[]string{"First in at 18:42:07"},
			[]string{"首次入场时间 18:42:07"},
		},
		{
			"too early",
			VerdictView{At: evening, Back: evening.Add(18 * time.Minute)},
			[]string{"Come back at 19:00"},
			[]string{"请于 19:00 再来"},
		},
		{
			"a day early",
			VerdictView{At: evening, Back: evening.Add(24 * time.Hour)},
			[]string{"Come back at 2026-11-23 18:42"},
			[]string{"请于 2026-11-23 18:42 再来"},
		},
		{"a clock that is nearly right", VerdictView{Skew: 29 * time.Second}, nil, nil},
		{
			"a fast clock",
			VerdictView{Skew: 58 * time.Minute},
			[]string{"The phone's clock is 58 minutes ahead"},
			[]string{"手机时钟快 58 分钟"},
		},
		{
			"a slow clock",
			VerdictView{Skew: -2 * time.Hour},
			[]string{"The phone's clock is 2 hours behind"},
			[]string{"手机时钟慢 2 小时"},
		},
		{
			"marks",
			VerdictView{Marks: gate.MarkIsolated | gate.MarkTraining | gate.MarkAssumed},
			[]string{"Decided alone", "Training", "Not on the list; signed code"},
			[]string{"本机单独判定", "培训", "不在名单中，凭签名票码"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := rendererIn(t, gate.English).notes(test.view); !slices.Equal(got, test.en) {
				t.Errorf("English: %q, want %q", got, test.en)
			}
			if got := rendererIn(t, gate.Chinese).notes(test.view); !slices.Equal(got, test.zh) {
				t.Errorf("Chinese: %q, want %q", got, test.zh)
			}
		})
	}
}

func TestHolderIsMasked(t *testing.T) {
	ticket := &gate.Ticket{ID: 900018831234, Masked: "张*", Seat: gate.Seat{Area: "A", Seat: "7"}}
	for _, test := range []struct {
		id   gate.TicketID
		want string
	}{
		{900018831234, "张*, Seat A-7, Ticket …1234"},
		{42, "张*, Seat A-7, Ticket …42"},
		{0, "张*, Seat A-7"},
	} {
		view := NewVerdictView(evening, 1, "N1", &gate.Verdict{Ticket: test.id}, ticket, "", 0)
		if got := strings.Join(rendererIn(t, gate.English).holder(view), ", "); got != test.want {
			t.Errorf("ticket %d: %q, want %q", test.id, got, test.want)
		}
	}
}

func TestDeviceRows(t *testing.T) {
	down := evening.Add(-time.Minute)
	for _, test := range []struct {
		name string
		lane LaneView
		want []devicePage
	}{
		{"no devices", LaneView{}, []devicePage{{"Barrier", "none", "worked by staff"}}},
		{
			"a barrier that answers says how it stands",
			LaneView{Barrier: BarrierReleased, Devices: []DeviceView{{Name: "b", Role: RoleBarrier, Up: true}}},
			[]devicePage{{"Barrier b", "released", "held open"}},
		},
		{
			"a barrier that does not answer says so",
			LaneView{Barrier: BarrierUnknown, Devices: []DeviceView{{Name: "b", Role: RoleBarrier, Since: down}}},
			[]devicePage{{"Barrier b", "down", "does not answer since 18:41"}},
		},
		{
			"a reader that never answered",
			LaneView{Devices: []DeviceView{{Name: "r", Role: RoleReader}}},
			[]devicePage{{"Barrier", "none", "worked by staff"}, {"Code reader r", "down", "does not answer"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := rendererIn(t, gate.English).devices(&test.lane, evening); !slices.Equal(got, test.want) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestPackAndClock(t *testing.T) {
	r := rendererIn(t, gate.English)
	s := quietGate().State()
	if got := r.pack(s); got.Age != "3 hours" || got.Tickets != "1\u202f000\u202f000" || got.Expires != "2026-11-24 10:42" {
		t.Errorf("the pack reads %+v", got)
	}
	s.Pack = &PackView{Version: 3, Made: evening, Expires: evening.Add(-time.Minute)}
	if got := r.pack(s).Expires; got != "ran out 18:41" {
		t.Errorf("an expired pack reads %q", got)
	}
	s.Pack.Expires = time.Time{}
	if got := r.pack(s).Expires; got != "no end" {
		t.Errorf("a pack without end reads %q", got)
	}
	s.Pack = nil
	if got := r.pack(s); got.Loaded {
		t.Errorf("no pack reads %+v", got)
	}
	if got := r.clockOf(s); got.Note != "from NTP" || got.Offset != 8*60*60 || got.Millis != evening.UnixMilli() {
		t.Errorf("the clock reads %+v", got)
	}
	s.Battery = &BatteryView{Percent: 83}
	if got := r.clockOf(s); got.Note != "from NTP · battery 83 %" {
		t.Errorf("the clock of a handheld reads %+v", got)
	}
	s.Battery, s.ClockSource = &BatteryView{Percent: 7, Charging: true}, ""
	if got := r.clockOf(s); got.Note != "battery 7 %, charging" {
		t.Errorf("the clock of a handheld that is charging reads %+v", got)
	}
	s.Battery = nil
	s.Warnings = []health.Active{{Code: health.ClockUntrusted}}
	if got := r.clockOf(s); got.Note != "not trusted" {
		t.Errorf("an untrusted clock reads %+v", got)
	}
}

func TestReasonsByCount(t *testing.T) {
	counts := map[gate.Reason]int{gate.ReasonCodeStale: 2, gate.ReasonWrongZone: 9, gate.ReasonMalformed: 2, gate.ReasonNoPack: 0}
	want := []gate.Reason{gate.ReasonWrongZone, gate.ReasonMalformed, gate.ReasonCodeStale}
	if got := byCount(counts); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for text, want := range map[string]string{
		gate.ReasonPaymentCode.StaffText(gate.English):   "A payment code was held up",
		gate.ReasonPaymentCode.StaffText(gate.Chinese):   "对方出示的是付款码",
		gate.ReasonAlreadyInside.StaffText(gate.Chinese): "此票已入场",
	} {
		if got := firstSentence(text); got != want {
			t.Errorf("%q is shortened to %q, want %q", text, got, want)
		}
	}
}

func TestGroup(t *testing.T) {
	for n, want := range map[int]string{
		0: "0", 999: "999", 1000: "1\u202f000", -12345: "-12\u202f345", 1234567: "1\u202f234\u202f567",
	} {
		if got := group(n); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
}

// Every text that a value can ask for exists, in every language.
func TestTextsAreWhole(t *testing.T) {
	keys := []string{"severity_info", "severity_warning", "severity_critical", "lane_ready", "lane_not_ready", "lane_closed"}
	for o := gate.Refuse; o <= gate.Refer; o++ {
		keys = append(keys, "outcome_"+o.String())
	}
	for k := gate.LaneEntry; k <= gate.LanePreCheck; k++ {
		keys = append(keys, "kind_"+kindWord(k))
	}
	for b := BarrierNone; b <= BarrierReleased; b++ {
		keys = append(keys, "barrier_"+b.String())
	}
	for r := RoleReader; r <= RoleDisplay; r++ {
		keys = append(keys, "role_"+r.String())
	}
	for _, l := range languages {
		r := rendererIn(t, l)
		for _, key := range keys {
			if _, err := r.mustSay(key); err != nil {
				t.Error(err)
			}
		}
	}
}
