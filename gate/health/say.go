package health

import (
	"fmt"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Span says a length of time in its one largest whole unit, as people would:
// "3 hours", "3 小时". Less than a minute is said in seconds; a negative span
// counts as none.
func Span(d time.Duration, l gate.Language) string {
	d = max(d, 0)
	type unit struct {
		length time.Duration
		en, zh string
	}
	for _, u := range []unit{
		{24 * time.Hour, "day", "天"},
		{time.Hour, "hour", "小时"},
		{time.Minute, "minute", "分钟"},
		{time.Second, "second", "秒"},
	} {
		if d < u.length && u.length > time.Second {
			continue
		}
		n := int64(d / u.length)
		switch {
		case l == gate.Chinese:
			return fmt.Sprintf("%d %s", n, u.zh)
		case n == 1:
			return "1 " + u.en
		default:
			return fmt.Sprintf("%d %ss", n, u.en)
		}
	}
	return "" // not reached: the last unit takes all
}

// size says a number of bytes in powers of 1000, as disks are sold.
func size(n int64) string {
	const unit = 1000
	if n < unit {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, prefix := float64(n)/unit, 0
	for value >= unit && prefix < len("kMGTPE")-1 {
		value /= unit
		prefix++
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTPE"[prefix])
}

// The helpers below each say one optional fact, or nothing when it is not
// known, so that a text reads whole either way.

func (a Active) causeEN() string { return optional(a.Detail.Cause != "", " (%s)", a.Detail.Cause) }

func (a Active) causeZH() string { return optional(a.Detail.Cause != "", "（%s）", a.Detail.Cause) }

func (a Active) at(format string) string {
	return optional(!a.Detail.At.IsZero(), format, a.Detail.At.Format("2006-01-02 15:04"))
}

func (a Active) left(format string) string {
	return optional(a.Detail.Bytes > 0, format, size(a.Detail.Bytes))
}

func (a Active) count(format string) string {
	return optional(a.Detail.Count > 0, format, a.Detail.Count)
}

func (a Active) percent(format string) string {
	return optional(a.Detail.Percent > 0, format, a.Detail.Percent)
}

func (a Active) in(format string) string { return optional(a.Subject != "", format, a.Subject) }

func (a Active) ageEN() string {
	if a.Detail.Age <= 0 {
		return "old"
	}
	return Span(a.Detail.Age, gate.English) + " old"
}

func (a Active) ageZH() string {
	if a.Detail.Age <= 0 {
		return "较旧"
	}
	return "已有 " + Span(a.Detail.Age, gate.Chinese) + "未更新"
}

func optional(known bool, format string, arg any) string {
	if !known {
		return ""
	}
	return fmt.Sprintf(format, arg)
}
