package appliance

import (
	"os"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/hw/battery"
)

// status is what devices and lanes last said of themselves, for the page and
// for health.
type status struct {
	health  *health.Tracker
	changed func()
	power   *power
	venue   venueLook

	mu       sync.Mutex
	devices  map[string]gate.DeviceState
	barriers map[gate.LaneID]web.BarrierState
}

func newStatus(h *health.Tracker, changed func()) *status {
	return &status{
		health: h, changed: changed, power: &power{folder: os.DirFS(battery.Folder)},
		devices: map[string]gate.DeviceState{}, barriers: map[gate.LaneID]web.BarrierState{},
	}
}

// device takes a device's word on itself.
func (s *status) device(d gate.DeviceState) {
	s.mu.Lock()
	s.devices[d.Device] = d
	s.mu.Unlock()
	if d.Up {
		s.health.Clear(d.At, health.DeviceDown, d.Device)
	} else {
		s.health.Set(d.At, health.DeviceDown, d.Device, health.Detail{Cause: causeOf(d.Err)})
	}
	s.changed()
}

// forget drops what is known of a lane that was stopped and of its devices.
func (s *status) forget(at time.Time, r *running) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.barriers, r.config.ID)
	for _, n := range r.devices.names {
		delete(s.devices, n.name)
		s.health.Clear(at, health.DeviceDown, n.name)
	}
}

// lane follows a lane's barrier by what happens there.
func (s *status) lane(e *lane.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.Verdict != nil && e.Verdict.Opens():
		s.barriers[e.Lane] = web.BarrierOpen
	case e.Passage != nil && e.Passage.Result == gate.PassageUnknown:
		s.barriers[e.Lane] = web.BarrierUnknown
	case e.Passage != nil:
		s.barriers[e.Lane] = web.BarrierShut
	}
}

// up reports whether a device is up, and since when.
func (s *status) up(name string) (gate.DeviceState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.devices[name]
	return d, ok && d.Up
}

// barrier returns what is known of a lane's barrier.
func (s *status) barrier(id gate.LaneID) web.BarrierState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.barriers[id]; ok {
		return b
	}
	return web.BarrierShut
}

func causeOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
