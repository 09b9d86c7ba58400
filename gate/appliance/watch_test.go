package appliance_test

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/sync/pack"
)

// central is a signed repository that a site's gate watches.
type central struct {
	*site
	dir  string
	keys *pack.KeySet
	key  ed25519.PublicKey // the gate's
}

func (s *site) central() *central {
	s.t.Helper()
	c := &central{site: s, dir: filepath.Join(s.dir, "repository")}
	c.key = s.key().Public()
	var err error
	if c.keys, err = pack.CreateKeys(filepath.Join(s.dir, "keys")); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// publish signs the repository at a time, with an event for each end of a
// session; the events' numbers count from eventID.
func (c *central) publish(at time.Time, ends ...time.Time) {
	c.t.Helper()
	var content pack.Content
	for i, end := range ends {
		venue, event := c.documents(c.key)
		event.ID += uint32(i)
		if !end.IsZero() {
			event.Sessions = []pack.Session{{ID: 1, Name: event.Name, Doors: end.Add(-3 * time.Hour), Start: end.Add(-2 * time.Hour), End: end}}
		}
		content.Venue = &venue
		content.Events = append(content.Events, pack.EventContent{Event: &event, Tickets: func(func(gate.Ticket, error) bool) {}})
	}
	_, err := pack.Build(c.t.Context(), c.dir, c.keys, content, at)
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *central) enrol() {
	c.t.Helper()
	root, err := os.ReadFile(filepath.Join(c.dir, "metadata", "1.root.json"))
	if err := errorsOf(err, pack.Enrol(filepath.Join(c.data(), "trust"), root)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *central) config() *config.Config {
	o := c.site.config()
	o.Pack.Repository, o.Pack.Poll = c.dir, config.Duration(100*time.Millisecond)
	return o
}

// A repository that was only signed anew holds the same packs, and ends the
// warning that their signatures ran out.
func TestRenewedSignatures(t *testing.T) {
	s := newSite(t)
	s.setUp()
	if err := os.RemoveAll(filepath.Join(s.data(), "packs")); err != nil {
		t.Fatal(err)
	}
	c := s.central()
	now := time.Now()
	c.publish(now.Add(-20*24*time.Hour), time.Time{})
	c.enrol()
	s.run(c.config(), func(a *appliance.Appliance) {
		s.gate = a
		s.await("the warning", func() bool { return s.warned(health.PackExpired) })
		c.publish(now, time.Time{})
		s.await("its end", func() bool { return !s.warned(health.PackExpired) })
		if p := a.State().Pack; !p.Expires.After(now) || now.Sub(p.Made) > time.Hour {
			t.Errorf("the page says made %v, expires %v", p.Made, p.Expires)
		}
	})
}

// An event that has left the repository leaves the gate with its keys, once it
// is over.
func TestDroppedEvents(t *testing.T) {
	s := newSite(t)
	s.setUp()
	if err := os.RemoveAll(filepath.Join(s.data(), "packs")); err != nil {
		t.Fatal(err)
	}
	c := s.central()
	now := time.Now()
	yesterday, tomorrow := now.Add(-24*time.Hour), now.Add(24*time.Hour)
	secrets := func(event string) string { return filepath.Join(s.data(), "secrets", event+".json") }
	for _, event := range []string{"2027", "2028"} {
		if err := os.WriteFile(secrets(event), []byte(`{"document_key": "", "code_key": ""}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.publish(now, tomorrow, yesterday, tomorrow)
	c.enrol()
	s.run(c.config(), func(a *appliance.Appliance) {
		s.gate = a
		s.await("three events", func() bool { return a.State().Event == "Final · Final · Final" })
		c.publish(now.Add(time.Second), tomorrow)
		s.await("two events", func() bool { return a.State().Event == "Final · Final" })
		s.await("the warning", func() bool { return s.warned(health.EventDropped) })
		if w, _ := s.warning(health.EventDropped); w.Subject != "2028" {
			t.Errorf("the warning is about event %s", w.Subject)
		}
		if _, err := os.Stat(secrets("2027")); !os.IsNotExist(err) {
			t.Errorf("the keys of the event that is over: %v", err)
		}
		if _, err := os.Stat(secrets("2028")); err != nil {
			t.Errorf("the keys of the event to come: %v", err)
		}
		c.publish(now.Add(2*time.Second), tomorrow, yesterday, tomorrow)
		s.await("it is back", func() bool { return !s.warned(health.EventDropped) })
	})
}

// A pack that is damaged on the disk stays a warning for as long as it is so.
func TestDamagedPack(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	files, err := filepath.Glob(filepath.Join(s.data(), "packs", "*", "*.pack"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(s.config(), func(a *appliance.Appliance) {
		s.gate = a
		s.await("no pack is in use", func() bool { return s.warned(health.PackMissing) })
		if w, on := s.warning(health.PackUnusable); !on || w.Detail.Cause == "" {
			t.Errorf("the damaged pack is not told of: %+v", a.State().Warnings)
		}
	})
}
