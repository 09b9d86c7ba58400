package uplink

import (
	"slices"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
)

// enter changes the state for Status.
func (u *Uplink) enter(s State, err error, retryAt time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if s != u.status.State || u.status.Since.IsZero() {
		u.status.State, u.status.Since = s, now
	}
	u.status.RetryAt = retryAt
	switch {
	case err != nil:
		u.status.LastError = err.Error()
		u.status.Rate, u.status.ETASeconds = 0, nil
	case s == Idle:
		u.status.Rate = 0
	}
	if s != Sending {
		u.meter = meter{}
	}
}

// note puts what the plan knows where others may ask for it. heard says that
// central has just answered, and worked that nothing is wrong any more.
func (u *Uplink) note(local ledger.Vector, heard, worked bool) {
	acked := make(ledger.Vector, len(local))
	var done, pending, skipped uint64
	var over []Skipped
	for _, o := range u.plan.order(local) {
		l := u.plan.logs[o]
		if l == nil {
			pending += local[o]
			continue
		}
		has := min(l.next-1, local[o])
		left := local[o] - has
		done += has
		if has > 0 {
			acked[o] = has
		}
		why := l.closed
		if why == "" && l.trouble != nil {
			why = l.trouble.Error()
		}
		if why == "" || left == 0 {
			pending += left
			continue
		}
		skipped += left
		over = append(over, Skipped{
			Gate: strconv.FormatUint(uint64(o.Gate), 10), Epoch: strconv.FormatUint(uint64(o.Epoch), 10),
			Records: left, Why: why,
		})
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.acked = acked
	s := &u.status
	s.Acked, s.Pending, s.Skipped, s.PassedOver = done, pending, skipped, slices.Clip(over)
	if heard {
		s.HeardAt = time.Now()
	}
	if worked {
		s.LastError = ""
	}
	s.Rate, s.ETASeconds = u.meter.rate(), nil
	switch {
	case pending == 0:
		s.ETASeconds = new(int64)
	case s.Rate > 0:
		eta := int64(float64(pending)/s.Rate + 0.5)
		s.ETASeconds = &eta
	}
}
