package health

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
)

// variants are full and bare warnings of a kind: texts read whole either way.
func variants(c Code) map[string]Active {
	v := map[string]Active{
		"bare": {Code: c, Subject: "qr-1"},
		"full": {Code: c, Subject: "qr-1", Since: noon, Detail: Detail{
			Cause: "no such device", Age: 26 * time.Hour, At: noon, Bytes: 1_250_000_000, Count: 3, Percent: 12, Charging: true,
		}},
	}
	switch c {
	case DeviceDown, LaneDown, BarrierUnknown, KeyFileLoose, LaneUnknown, EventDropped: // are always about something
	default:
		v["no subject"] = Active{Code: c}
	}
	return v
}

func TestEveryKindIsWhole(t *testing.T) {
	for _, code := range Codes() {
		for name, a := range variants(code) {
			for _, l := range []gate.Language{gate.English, gate.Chinese} {
				text, next := a.Text(l), a.Next(l)
				if text == "" || next == "" {
					t.Errorf("%s in %s: nothing to say (%q) or to do (%q)", code, l, text, next)
				}
				for _, flaw := range []string{"%!", "%s", "%d", "%%", "  ", "()", "（）", " .", " ，", "0001-01-01", "qr-1qr-1"} {
					if strings.Contains(text, flaw) {
						t.Errorf("%s, %s, in %s: %q has %q in it", code, name, l, text, flaw)
					}
				}
				if han := strings.ContainsFunc(text+next, func(r rune) bool { return unicode.Is(unicode.Han, r) }); han != (l == gate.Chinese) {
					t.Errorf("%s in %s: %q %q is in another language", code, l, text, next)
				}
				if end, _ := utf8.DecodeLastRuneInString(text); end != '.' && end != '。' {
					t.Errorf("%s in %s: %q does not end", code, l, text)
				}
			}
		}
		if c := string(code); c != strings.ToLower(c) || strings.ContainsAny(c, " -") {
			t.Errorf("%s is not snake_case", code)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, test := range []struct {
		active Active
		en, zh string
	}{
		{
			Active{Code: DeviceDown, Subject: "qr-1", Detail: Detail{Cause: "no such device"}},
			"Device qr-1 does not answer (no such device).",
			"设备 qr-1 无响应（no such device）。",
		},
		{
			Active{Code: PackExpired, Detail: Detail{At: noon}},
			"The ticket list's signature ran out on 2026-11-22 12:00. The gate keeps working with it.",
			"票务名单签名已于 2026-11-22 12:00 过期，闸机继续使用该名单。",
		},
		{Active{Code: PackOld, Detail: Detail{Age: 26 * time.Hour}}, "The ticket list is 1 day old.", "票务名单已有 1 天未更新。"},
		{Active{Code: PackOld}, "The ticket list is old.", "票务名单较旧。"},
		{
			Active{Code: DiskLow, Subject: "journal", Detail: Detail{Bytes: 1_250_000_000}},
			"Little disk space is left in journal: 1.2 GB.",
			"磁盘空间不足：journal，剩余 1.2 GB。",
		},
		{
			Active{Code: JournalDamaged, Detail: Detail{Count: 3}},
			"Damage in the record of an earlier run was found and kept apart (3 records).",
			"发现先前运行的记录有损坏，已单独保存（3 条）。",
		},
		{
			Active{Code: BatteryLow, Detail: Detail{Percent: 12}},
			"The battery is low: 12 % left.", "电池电量低，剩余 12 %。",
		},
		{
			Active{Code: BatteryLow, Detail: Detail{Percent: 4, Charging: true}},
			"The battery is low: 4 % left, charging.", "电池电量低，剩余 4 %，正在充电。",
		},
		{Active{Code: "made_up", Subject: "x"}, "made_up: x", "made_up: x"},
	} {
		if got := test.active.Text(gate.English); got != test.en {
			t.Errorf("%q, want %q", got, test.en)
		}
		if got := test.active.Text(gate.Chinese); got != test.zh {
			t.Errorf("%q, want %q", got, test.zh)
		}
	}
}

func TestUnknownCodeIsCritical(t *testing.T) {
	if c := Code("made_up"); c.Known() || c.Severity() != Critical {
		t.Errorf("known %v, severity %v; want an unknown code to be looked at", c.Known(), c.Severity())
	}
}

// Whatever an error's text holds, a warning is one line of bounded length.
func TestCauseIsTidy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cause := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.Just(strings.Repeat("长", 500))).Draw(t, "cause")
		got := Detail{Cause: cause}.tidy().Cause
		if len(got) > 3*(maxCause+len("…")) || !utf8.ValidString(got) {
			t.Fatalf("%d bytes, valid %v", len(got), utf8.ValidString(got))
		}
		if i := strings.IndexFunc(got, unicode.IsControl); i >= 0 {
			t.Fatalf("a control character at %d of %q", i, got)
		}
	})
	long := Detail{Cause: strings.Repeat("长", 500)}.tidy().Cause
	if want := strings.Repeat("长", maxCause/3) + "…"; long != want {
		t.Errorf("cut to %q, want %d whole characters", long, maxCause/3)
	}
}

func TestSpan(t *testing.T) {
	for _, test := range []struct {
		span   time.Duration
		en, zh string
	}{
		{-time.Hour, "0 seconds", "0 秒"},
		{0, "0 seconds", "0 秒"},
		{time.Second, "1 second", "1 秒"},
		{59 * time.Second, "59 seconds", "59 秒"},
		{time.Minute, "1 minute", "1 分钟"},
		{119 * time.Minute, "1 hour", "1 小时"},
		{49 * time.Hour, "2 days", "2 天"},
	} {
		if got := Span(test.span, gate.English); got != test.en {
			t.Errorf("%v: %q, want %q", test.span, got, test.en)
		}
		if got := Span(test.span, gate.Chinese); got != test.zh {
			t.Errorf("%v: %q, want %q", test.span, got, test.zh)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_250_000: "1.2 MB", 9_223_372_036_854_775_807: "9.2 EB",
	} {
		if got := size(n); got != want {
			t.Errorf("%d bytes: %q, want %q", n, got, want)
		}
	}
}

func TestSeverities(t *testing.T) {
	for want, s := range map[string]Severity{"info": Info, "warning": Warning, "critical": Critical, "severity_9": 9} {
		if text, err := s.MarshalText(); err != nil || string(text) != want {
			t.Errorf("%d: %s %v, want %s", s, text, err, want)
		}
	}
	if got := len(Severities()); got != 3 {
		t.Errorf("%d severities", got)
	}
}
