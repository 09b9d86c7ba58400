package appliance_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/store/logs"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// The whole path, on real lines: a code goes in at the scanner's, the relay's
// moves; the same code again is refused with the first entry's time and lane.
func TestFromScannerToArm(t *testing.T) {
	s := newSite(t)
	s.sell(4711)
	s.sell(4712, zhangCard)
	s.setUp()
	s.plugIn()
	s.open()

	code := s.code(4711)
	s.scan(code)
	s.awaitOpenings(1)
	s.await("the passage is on record", func() bool { return strings.Contains(s.log.String(), `"passage":"passed"`) })
	s.await("one is inside", func() bool { return s.gate.State().Counts.Inside == 1 })

	s.scan(code)
	s.await("the refusal is counted", func() bool { return s.gate.State().Counts.Reasons[gate.ReasonAlreadyInside] == 1 })

	if err := s.cards.Place(zhang()); err != nil {
		t.Fatal(err)
	}
	s.awaitOpenings(2)
	s.cards.Remove()
	s.await("two are inside", func() bool { return s.gate.State().Counts.Inside == 2 })

	page := s.get("/")
	state := s.get("/api/state")
	for _, want := range []string{"North 1", "Stadium", "Final"} {
		if !strings.Contains(state, want) {
			t.Errorf("the state does not name %q", want)
		}
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for _, secret := range []string{zhangCard, "张三", code, code[8:40]} {
		if strings.Contains(s.log.String(), secret) || strings.Contains(page, secret) {
			t.Errorf("%q is in the log or on the page", secret)
		}
	}
	s.nothingPrivateOnDisk(zhangCard, "张三", code[4:])
}

func zhang() hwtest.Card {
	return hwtest.Card{Name: "张三", Sex: "1", Birth: "19491231", Number: zhangCard, From: "20200101", To: "长期"}
}

func (s *site) scan(text string) {
	if err := s.scanner.Scan(text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) get(path string) string {
	s.t.Helper()
	r, err := http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", path, r.Status, err)
	}
	return string(body)
}

func (s *site) nothingPrivateOnDisk(secrets ...string) {
	s.t.Helper()
	err := filepath.WalkDir(s.data(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, secret := range secrets {
			if strings.Contains(string(data), secret) {
				s.t.Errorf("%s holds %q", filepath.Base(path), secret)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// What was admitted before a restart is known after it.
func TestRestartRemembers(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.plugIn()
	s.open()
	s.scan(s.code(1))
	s.awaitOpenings(1)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.open()
	if n := s.gate.State().Counts.Inside; n != 1 {
		t.Errorf("%d inside after the restart, want 1", n)
	}
	s.scan(s.code(1))
	s.await("the second try is refused", func() bool { return s.gate.State().Counts.Reasons[gate.ReasonAlreadyInside] == 1 })
	if n := openings(s.turnstile.Switches()); n != 1 {
		t.Errorf("the arm moved %d times", n)
	}
}

// A lane whose reader is unplugged says so, goes on with the other one, and
// takes the first back when it is there again.
func TestReaderUnplugged(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.sell(2, zhangCard)
	s.setUp()
	s.plugIn()
	s.open()
	if err := s.scanner.Unplug(); err != nil {
		t.Fatal(err)
	}
	down := func() bool {
		for _, w := range s.gate.State().Warnings {
			if w.Code == health.DeviceDown && w.Subject == "code" {
				return true
			}
		}
		return false
	}
	s.await("the page says that the reader is down", down)
	s.await("the lane goes on with its card reader", func() bool { return s.gate.State().Lanes[0].Ready })
	if err := s.cards.Place(zhang()); err != nil {
		t.Fatal(err)
	}
	s.awaitOpenings(1)
	if err := s.scanner.Plug(); err != nil {
		t.Fatal(err)
	}
	s.await("the reader is back", func() bool { return !down() })
	s.await("the barrier is shut again", func() bool { return strings.Contains(s.log.String(), `"passage":`) })
	s.scan(s.code(1))
	s.awaitOpenings(2)
}

func TestReload(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.plugIn()
	s.open()

	bad := s.config()
	bad.Lanes[0].Barrier.Channel = 99
	bad.Gate.ID = 2
	if err := s.gate.Reload(bad); err == nil {
		t.Fatal("a bad configuration was taken")
	}
	bad.Gate.ID = 1
	err := s.gate.Reload(bad)
	var wrong config.Errors
	if !errors.As(err, &wrong) || wrong[0].Path != "lane[0].barrier.channel" {
		t.Fatalf("got %v, want an error about lane[0].barrier.channel", err)
	}
	s.await("the page says that the reload failed", func() bool {
		for _, w := range s.gate.State().Warnings {
			if w.Code == health.ConfigReloadFailed {
				return true
			}
		}
		return false
	})
	s.scan(s.code(1)) // the last good configuration still works
	s.awaitOpenings(1)

	good := s.config()
	good.Lanes[0].Readers = good.Lanes[0].Readers[:1]
	good.Gate.Name = "North, one reader"
	if err := s.gate.Reload(good); err != nil {
		t.Fatal(err)
	}
	s.await("the new configuration is in force", func() bool {
		state := s.gate.State()
		return state.Gate == "North, one reader" && len(state.Lanes[0].Devices) == 3 && state.Lanes[0].Ready && len(state.Warnings) == 0
	})
}

func TestGateWithoutAPack(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	if err := os.RemoveAll(filepath.Join(s.data(), "packs")); err != nil {
		t.Fatal(err)
	}
	s.plugIn()
	listener := s.config()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a, err := appliance.New(ctx, appliance.Options{Config: listener, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	s.await("the warning", func() bool {
		for _, w := range a.State().Warnings {
			if w.Code == health.PackMissing {
				return true
			}
		}
		return false
	})
	s.scan(s.code(1))
	s.await("the visitor is sent to staff", func() bool { return a.State().Counts.Reasons[gate.ReasonNoPack] == 1 })
	cancel()
	if err := errorsOf(<-done, a.Close()); err != nil {
		t.Error(err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	c := s.config()

	c.Gate.DataDir = filepath.Join(s.dir, "nothing here")
	if err := os.Mkdir(c.Gate.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := appliance.New(t.Context(), appliance.Options{Config: c, Log: zerolog.Nop()})
	if err == nil || !strings.Contains(err.Error(), "enrolment code") {
		t.Errorf("without a key: %v", err)
	}

	first, err := appliance.New(t.Context(), appliance.Options{Config: s.config(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	_, err = appliance.New(t.Context(), appliance.Options{Config: s.config(), Log: zerolog.Nop()})
	var locked *logs.LockedError
	if !errors.As(err, &locked) {
		t.Errorf("a second gate on the same data: %v", err)
	}
	busy := s.config()
	busy.Web.Listen = first.Page().String()
	busy.Gate.DataDir = s.dir
	if _, err := appliance.New(t.Context(), appliance.Options{Config: busy, Log: zerolog.Nop()}); err == nil {
		t.Error("a gate without anything in its data directory started")
	}
}

func TestMachinesSeeNothingPrivate(t *testing.T) {
	s := newSite(t)
	s.sell(1, zhangCard)
	s.setUp()
	s.plugIn()
	s.open()
	s.scan(s.code(1))
	s.awaitOpenings(1)
	s.await("the verdict is counted", func() bool { return strings.Contains(s.get("/metrics"), "venuegate_verdicts_total") })
	for _, path := range []string{"/metrics", "/api/state", "/readyz"} {
		if body := s.get(path); strings.Contains(body, "张") {
			t.Errorf("%s names a visitor:\n%s", path, body)
		}
	}
	var ready struct{ Ready bool }
	if err := json.Unmarshal([]byte(s.get("/readyz")), &ready); err != nil || !ready.Ready {
		t.Errorf("readyz: %v, %v", ready, err)
	}
}
