package appliance

import (
	"io/fs"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/hw/battery"
)

// When a handheld's battery is low: in use it is time to look for a charger,
// and near the end even while it charges. It is over a little later than it
// began, so that it does not come and go.
const (
	batteryLow     = 20 // percent
	batteryVeryLow = 5
	batteryMargin  = 5
	batteryEvery   = 30 * time.Second
)

// power follows a handheld's battery. On a box without one it costs a look at
// an empty folder twice a minute.
type power struct {
	folder fs.FS

	mu    sync.Mutex
	next  time.Time // when it is looked at again
	state battery.State
	err   error
	low   bool
}

// check looks at the battery when it is time to, and makes the warning that of
// now.
func (p *power) check(now time.Time, h *health.Tracker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// A clock that was set back must not stop it.
	if now.Before(p.next) && p.next.Sub(now) <= batteryEvery {
		return
	}
	p.next = now.Add(batteryEvery)
	p.state, p.err = battery.Read(p.folder)
	limit := batteryLow
	if p.state.Charging {
		limit = batteryVeryLow
	}
	if p.low {
		limit += batteryMargin
	}
	p.low = p.err == nil && p.state.Present && p.state.Percent <= limit
	if p.low {
		h.Set(now, health.BatteryLow, "", health.Detail{Percent: p.state.Percent, Charging: p.state.Charging})
	} else {
		h.Clear(now, health.BatteryLow, "")
	}
}

// view is what the page shows, or nil where there is no battery.
func (p *power) view() *web.BatteryView {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.state.Present || p.err != nil {
		return nil
	}
	return &web.BatteryView{Percent: p.state.Percent, Charging: p.state.Charging}
}
