package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/configs"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
)

// Options say how a day is played.
type Options struct {
	Dir     string        // for the venue and the boxes; empty or not there
	Tickets int           // sold before doors open, at least 100
	Open    time.Duration // how long doors are open, in real time
	Least   int           // visitors that each gate has in each part of the day at least
	// Say is told the story as it happens; nil: nobody.
	Say func(line string)
}

// LeastTickets is the smallest number that a day can be played with.
const LeastTickets = 100

// day is a day under way.
type day struct {
	Options
	central *Central
	boxes   []*Box // by gate, less one
	dead    []*Box // whose place another has taken
	crowd   crowd
	begun   time.Time

	mu   sync.Mutex
	told tally
	sold [channels]int
	n    int // visitors

	cutFor  time.Duration
	waited  uint64 // records that waited for central at most
	refused struct{ refunds, voids, old int }
}

// parts are what the open doors' time is divided by.
const parts = 4

// Play plays a day and returns its books. An error is something that kept it
// from being played; books that do not balance are none.
func Play(ctx context.Context, o Options) (books *Books, err error) {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	d := &day{Options: o, begun: time.Now()}
	d.told.by = map[string]int{}
	defer func() { err = errors.Join(err, d.close()) }()
	for _, part := range []func(context.Context) error{d.morning, d.enrolAll, d.doors, d.noInternet, d.spare, d.evening} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	return d.books(ctx)
}

func (d *day) close() error {
	var errs []error
	for _, b := range append(d.boxes, d.dead...) {
		errs = append(errs, b.Close())
	}
	if d.central != nil {
		errs = append(errs, d.central.Close())
	}
	return errors.Join(errs...)
}

func (d *day) say(format string, args ...any) {
	d.Say(fmt.Sprintf("%6.1f s  ", time.Since(d.begun).Seconds()) + fmt.Sprintf(format, args...))
}

// morning founds the venue, starts central and sells.
func (d *day) morning(ctx context.Context) error {
	dir := filepath.Join(d.Dir, "central")
	venue, err := Found(ctx, dir, time.Now())
	if err != nil {
		return err
	}
	if d.central, err = Serve(ctx, dir, zerolog.Nop()); err != nil {
		return err
	}
	d.say("central serves %s: %s/admin/ (admin, password %s)", venue.Name.In("en"), d.central.Office.URL, d.central.Password)
	if err := d.sellAll(ctx); err != nil {
		return err
	}
	return d.central.Office.Call(ctx, "POST", "/v1/publications", struct{}{}, nil)
}

// enrolAll switches six boxes on that nobody has enrolled, and holds a code up to
// each.
func (d *day) enrolAll(ctx context.Context) error {
	for i := range gates {
		b, err := NewBox(filepath.Join(d.Dir, fmt.Sprintf("box-%d", i+1)), configs.FleetGate)
		if err != nil {
			return err
		}
		d.boxes = append(d.boxes, b)
		b.SwitchOn()
	}
	for i, b := range d.boxes {
		if err := d.enrol(ctx, b, gate.GateID(i+1)); err != nil {
			return err
		}
	}
	return d.together(ctx)
}

// gates are those of the demo fleet's venue.
const gates = 6

func (d *day) enrol(ctx context.Context, b *Box, id gate.GateID) error {
	text, err := d.central.Office.EnrolmentCode(ctx, id, b.Address.String())
	if err != nil {
		return err
	}
	place, err := b.Enrol(ctx, text)
	if err != nil {
		return err
	}
	d.say("a box read its enrolment code: it is gate %d, %s, of %s", place.Gate, place.Name, netip.MustParseAddrPort(place.Addresses[0]))
	return nil
}

// together waits until all boxes can serve, hear each other and agree.
func (d *day) together(ctx context.Context) error {
	began := time.Now()
	for i, b := range d.boxes {
		err := Until(ctx, fmt.Sprintf("gate %d to serve, hear the others and ask the keepers", i+1), func() bool {
			return b.Ready() && b.Running(func(a *appliance.Appliance) bool {
				v := a.Cluster()
				return v.Heard == gates-1 && v.Gates == gates && v.Claims.Leader != "" && v.Isolated == nil
			})
		})
		if err != nil {
			return fmt.Errorf("%w\n%+v\n%s", err, b.Gate().Cluster(), b.Log())
		}
	}
	d.say("all %d gates have the list, hear each other and agree (%.1f s)", gates, time.Since(began).Seconds())
	return nil
}

// doors lets people in while sales go on; then tickets are taken back and handed
// over, and all gates know.
func (d *day) doors(ctx context.Context) error {
	d.say("doors open: three entrances, six gates; sales go on")
	if err := d.serve(ctx, d.boxes); err != nil {
		return err
	}
	return d.changes(ctx)
}

// noInternet takes the doors' way to central away. In the middle of it a box
// dies.
func (d *day) noInternet(ctx context.Context) error {
	began := time.Now()
	d.central.Doors.Cut()
	d.say("the doors have lost the internet; the box office has not")
	if err := d.serve(ctx, d.boxes); err != nil {
		return err
	}
	dead := d.boxes[deadGate-1]
	if err := d.passedOn(ctx, dead); err != nil {
		return err
	}
	if err := dead.SwitchOff(); err != nil {
		return err
	}
	d.dead = append(d.dead, dead)
	d.say("gate %d is dead: its plug was pulled, its records are on its neighbours' disks", deadGate)
	rest := append(append([]*Box{}, d.boxes[:deadGate-1]...), d.boxes[deadGate:]...)
	d.boxes = append(append(append([]*Box{}, d.boxes[:deadGate-1]...), nil), d.boxes[deadGate:]...)
	err := d.serve(ctx, rest)
	d.boxes[deadGate-1] = dead // until a spare stands there
	d.dead = d.dead[:0]
	if err != nil {
		return err
	}
	for _, b := range rest {
		if v := b.Gate().Uplink(); v.Pending > d.waited {
			d.waited = v.Pending
		}
	}
	d.central.Doors.Mend()
	d.cutFor = time.Since(began)
	d.say("the internet is back after %.0f s; %d records waited for it", d.cutFor.Seconds(), d.waited)
	return nil
}

// deadGate is the gate whose box dies.
const deadGate = 4

// passedOn waits until all other gates hold what a box has recorded.
func (d *day) passedOn(ctx context.Context, dead *Box) error {
	own, err := ReadDisk(dead.Data())
	if err != nil {
		return err
	}
	return Until(ctx, "the neighbours to hold what a gate recorded", func() bool {
		for _, b := range d.boxes {
			if b != dead && !b.Running(func(a *appliance.Appliance) bool { return holds(a, own.Logs) }) {
				return false
			}
		}
		return true
	})
}

func holds(a *appliance.Appliance, logs map[Log]uint64) bool {
	held := map[Log]uint64{}
	for _, l := range a.Cluster().Logs {
		held[Log{fmt.Sprint(l.Gate), fmt.Sprint(l.Epoch)}] = l.Last
	}
	for l, last := range logs {
		if held[l] < last {
			return false
		}
	}
	return true
}

// spare puts another box in the dead one's place.
func (d *day) spare(ctx context.Context) error {
	b, err := NewBox(filepath.Join(d.Dir, "box-spare"), configs.FleetGate)
	if err != nil {
		return err
	}
	dead := d.boxes[deadGate-1]
	d.dead, d.boxes[deadGate-1] = append(d.dead, dead), b
	b.SwitchOn()
	if err := d.enrol(ctx, b, deadGate); err != nil {
		return err
	}
	if err := d.together(ctx); err != nil {
		return err
	}
	if err := d.struckOff(ctx, dead); err != nil {
		return err
	}
	d.say("the dead box's key opens nothing at central any more; the spare serves")
	return d.serve(ctx, d.boxes)
}
