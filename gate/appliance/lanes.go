package appliance

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
)

// running is one lane at work.
type running struct {
	config  config.Lane
	devices *devices
	lane    *lane.Lane
	stop    context.CancelFunc
	done    chan struct{}
}

// lanes starts and stops lanes. A reload restarts only those whose
// configuration has changed, so that the others keep their visitors.
type lanes struct {
	build   func(c *config.Lane, d *devices) *lane.Lane
	drivers *builder
	gone    func(*running)

	mu   sync.Mutex // one change at a time
	runs atomic.Pointer[[]*running]
}

// apply makes the lanes those of the configuration, or changes nothing and says
// what is wrong.
func (l *lanes) apply(ctx context.Context, wanted []config.Lane) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := make([]*running, len(wanted))
	kept := map[*running]bool{}
	var found config.Errors
	for i := range wanted {
		if r := l.same(&wanted[i]); r != nil {
			next[i], kept[r] = r, true
			continue
		}
		d, errs := l.drivers.devices(&wanted[i], fmt.Sprintf("lane[%d]", i))
		found = append(found, errs...)
		next[i] = &running{config: wanted[i], devices: d}
	}
	if len(found) > 0 {
		return found
	}
	l.drivers.locator.Set(wants(wanted))
	// What goes has let go of its devices before what comes opens them.
	now := l.all()
	for _, r := range now {
		if !kept[r] {
			r.stop()
		}
	}
	for _, r := range now {
		if !kept[r] {
			<-r.done
			l.gone(r)
		}
	}
	for _, r := range next {
		if !kept[r] {
			l.start(ctx, r)
		}
	}
	l.runs.Store(&next)
	return nil
}

func (l *lanes) same(c *config.Lane) *running {
	for _, r := range l.all() {
		if reflect.DeepEqual(&r.config, c) {
			return r
		}
	}
	return nil
}

func (l *lanes) start(ctx context.Context, r *running) {
	ctx, r.stop = context.WithCancel(ctx)
	r.done = make(chan struct{})
	r.lane = l.build(&r.config, r.devices)
	go func() {
		defer close(r.done)
		var lights sync.WaitGroup
		if r.devices.lights != nil {
			lights.Go(func() { _ = r.devices.lights.Run(ctx) })
		}
		r.lane.Run(ctx)
		lights.Wait()
	}()
}

// stop ends all lanes and waits for them.
func (l *lanes) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.all() {
		r.stop()
	}
	for _, r := range l.all() {
		<-r.done
	}
	l.runs.Store(nil)
}

// all returns the lanes in the order of the configuration. It never waits: a
// driver that is being stopped may ask.
func (l *lanes) all() []*running {
	if runs := l.runs.Load(); runs != nil {
		return *runs
	}
	return nil
}

// isolationOf reads the word that the configuration has checked.
func isolationOf(word string) gate.Isolation {
	switch word {
	case "admit":
		return gate.IsolationAdmit
	case "refer":
		return gate.IsolationRefer
	case "refuse":
		return gate.IsolationRefuse
	default:
		return gate.IsolationUnset
	}
}

// laneOptions are the parts of a lane that its configuration decides.
func laneOptions(c *config.Lane, d *devices) lane.Options {
	return lane.Options{
		DeskOptions: lane.DeskOptions{
			Lane: c.ID, PairWindow: time.Duration(c.PairWindow),
			Isolation: isolationOf(c.Isolation), Sides: d.sides,
		},
		Readers: d.readers, Barrier: d.barrier, Hold: time.Duration(c.Hold),
	}
}
