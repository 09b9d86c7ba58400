package appliance_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/store/journal"
)

// refused tells why a gate does not start.
func refused(t *testing.T, c *config.Config) error {
	t.Helper()
	a, err := appliance.New(t.Context(), appliance.Options{Config: c, Log: zerolog.Nop()})
	if err == nil {
		t.Fatal("the gate started", a.Close())
	}
	return err
}

func TestIdentityAgainstRoster(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()

	wrong := s.config()
	wrong.Gate.ID = 77
	if err := refused(t, wrong); !strings.Contains(err.Error(), "gate.id: is 77, but identity.key is gate 1's (north) in the roster: set gate.id = 1") {
		t.Errorf("another's id: %v", err)
	}
	if names, err := os.ReadDir(filepath.Join(s.data(), "journal")); err == nil && len(names) > 0 {
		t.Errorf("the journal is bound to the wrong gate: %v", names)
	}

	other, err := keyring.NewGate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.data(), "identity.key")
	if err := errorsOf(os.Remove(path), other.Save(path)); err != nil {
		t.Fatal(err)
	}
	if err := refused(t, s.config()); !strings.Contains(err.Error(), "is not the key of gate 1 (north)") {
		t.Errorf("another's key: %v", err)
	}

	// A gate newer than the roster starts and says that it is not in it.
	wrong.Lanes[0].ID = 9
	s.run(wrong, func(a *appliance.Appliance) {
		s.gate = a
		s.await("both warnings", func() bool { return s.warned(health.GateUnknown) && s.warned(health.LaneUnknown) })
		if w, _ := s.warning(health.LaneUnknown); w.Subject != "9" || w.Detail.Cause != "no gate has it" {
			t.Errorf("%+v", w)
		}
	})

	// From then on the journal is gate 77's.
	if err := os.RemoveAll(filepath.Join(s.data(), "packs")); err != nil {
		t.Fatal(err)
	}
	err = refused(t, s.config())
	var foreign *journal.ForeignError
	if !errors.As(err, &foreign) || !strings.Contains(err.Error(), "Set it to 77 if this box is that gate") {
		t.Errorf("another's journal: %v", err)
	}
}

// run runs a gate while check looks at it.
func (s *site) run(c *config.Config, check func(*appliance.Appliance)) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	a, err := appliance.New(ctx, appliance.Options{Config: c, Log: zerolog.New(s.log)})
	if err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- errorsOf(a.Run(ctx), a.Close()) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	}()
	check(a)
}
