package appliance_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate/health"
)

func (s *site) warned(code health.Code) bool {
	_, on := s.warning(code)
	return on
}

func (s *site) warning(code health.Code) (health.Active, bool) {
	for _, w := range s.gate.State().Warnings {
		if w.Code == code {
			return w, true
		}
	}
	return health.Active{}, false
}

// A page that fails does not stop the lanes, comes back by itself, and the gate
// still stops when it is told to.
func TestPageFails(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.plugIn()
	s.open()
	_ = s.get("/healthz")
	if err := s.listener.Close(); err != nil {
		t.Fatal(err)
	}
	s.await("the warning", func() bool { return strings.Contains(s.log.String(), string(health.PageDown)) })
	s.scan(s.code(1))
	s.awaitOpenings(1)
	s.await("the page is back", func() bool {
		r, err := http.Get(s.url + "/healthz")
		if err != nil {
			return false
		}
		return r.Body.Close() == nil && r.StatusCode == http.StatusOK
	})
	if s.warned(health.PageDown) {
		t.Error("the page is back and the warning stays")
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, `"change":"cleared"`) && strings.Contains(line, `"cause"`) {
			t.Errorf("what is over is told with its cause: %s", line)
		}
	}
}

// A barrier that does not open for a good ticket is in the log as a warning.
func TestBarrierNotOpened(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.plugIn()
	s.open()
	if err := s.turnstile.Close(); err != nil {
		t.Fatal(err)
	}
	s.await("the warning about the barrier", func() bool { return s.warned(health.DeviceDown) })
	s.scan(s.code(1))
	s.await("the log", func() bool {
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, `"passage":"not_opened"`) {
				return strings.Contains(line, `"level":"warn"`)
			}
		}
		return false
	})
}
