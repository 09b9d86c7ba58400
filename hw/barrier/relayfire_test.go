package barrier_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/barrier"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// An LCUS board with a feedback board that tells of fire.
func TestRelayFire(t *testing.T) {
	dir := t.TempDir()
	b := newBench()
	o := hwtest.TurnstileOptions{
		Relay: filepath.Join(dir, "relay"), Feedback: filepath.Join(dir, "feedback"),
		ReadyEvery: 20 * time.Millisecond, PassAfter: nobody,
	}
	dev, err := hwtest.NewTurnstile(o)
	must(t, err)
	r, err := barrier.NewSerialRelay(barrier.RelayOptions{
		Name: "arm", Port: b.port(o.Relay), ExitChannel: 2, Pulse: 200 * time.Millisecond, Wait: time.Hour,
		Feedback: &barrier.Feedback{Port: b.port(o.Feedback)}, FireHold: true, OnEvent: b.onEvent,
	})
	must(t, err)
	b.run(t, r, dev)
	b.awaitUp(t, true) // the other line
	awaitHeld := func(want bool) {
		t.Helper()
		must(t, dev.Await(patient(t), func(all []hwtest.Switch) bool {
			last := map[int]bool{}
			for _, s := range all {
				last[s.Channel] = s.On
			}
			return len(last) == 2 && last[1] == want && last[2] == want
		}))
	}
	awaitHeld(false)
	done := b.open(oneIn)
	must(t, dev.Await(patient(t), func(all []hwtest.Switch) bool { return all[len(all)-1].On }))
	dev.Fire(true) // inside the pulse
	if got := hwtest.Receive(t, done); got.err != nil || !got.p.Fire || got.p.Result != gate.PassageUnknown {
		t.Errorf("got %+v", got)
	}
	awaitHeld(true)
	dev.Pass()
	b.awaitKinds(t, "fire", "fire_passage")
	if err := b.ResetFire(); !errors.Is(err, barrier.ErrFire) {
		t.Errorf("ended while it burns: %v", err)
	}
	dev.Fire(false)
	b.awaitKinds(t, "fire", "fire_passage", "fire_quiet")
	must(t, b.ResetFire())
	awaitHeld(false)
	if s := r.Stats(); s.FirePassed != 1 || s.Unknown != 1 || r.Fire() {
		t.Errorf("stats %+v", s)
	}
}
