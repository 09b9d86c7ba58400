package appliance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/hw/find"
	"github.com/venuegate/venuegate/sync/enrol"
)

// enrolling is a box that is not a gate yet: its readers wait for the text of an
// enrolment's QR code, and for nothing else. No barrier is touched.
type enrolling struct {
	config *config.Config
	log    zerolog.Logger
	texts  chan string
	clock  *systemClock

	mu      sync.Mutex
	up      map[string]bool
	trouble string
	busy    bool
}

// Enrol waits until somebody holds the office's enrolment QR code up to one of
// the box's readers and central has given the box its place. The page says what
// it waits for. It returns when the box is enrolled, for [Place] and [New] to go
// on, or when ctx ends. Whatever fails is shown, and the next try waited for.
func Enrol(ctx context.Context, o Options) error {
	notify := o.Notify
	if notify == nil {
		notify = func(string) {}
	}
	if o.Tick == 0 {
		o.Tick = 2 * time.Second
	}
	e := &enrolling{
		config: o.Config, log: o.Log, texts: make(chan string, 1), up: map[string]bool{},
		clock: newSystemClock(o.Config.Clock.Trust == "always"),
	}
	ctx, stop := context.WithCancel(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer stop()
	plugs := find.NewWatcher(find.WatchOptions{})
	parts.Go(func() { _ = plugs.Run(ctx) })
	readers, err := e.readers(plugs)
	if err != nil {
		return err
	}
	if len(readers) == 0 {
		return fmt.Errorf("%s: %w, and no reader of it reads codes: run 'venuegate enrol'", o.Config.Gate.DataDir, enrol.ErrNotEnrolled)
	}
	for _, r := range readers {
		parts.Go(func() { _ = r.Run(ctx, e.deliver) })
	}
	parts.Go(func() { e.servePage(ctx) })
	notify("READY=1\nSTATUS=waits for an enrolment code")
	e.log.Info().Int("readers", len(readers)).Msg("this box is not enrolled: hold the ticket office's enrolment QR code up to a reader")
	alive := time.NewTicker(o.Tick)
	defer alive.Stop()
	for {
		select {
		case text := <-e.texts:
			if e.try(ctx, text) {
				return nil
			}
		case <-alive.C:
			notify("WATCHDOG=1")
		case <-ctx.Done():
			return nil
		}
	}
}

// codeReaders are the types of readers that read QR codes.
var codeReaders = map[string]bool{"serial": true, "wedge": true, "hidpos": true, "camera": true}

// readers makes the drivers of all readers of codes, at whatever lane.
func (e *enrolling) readers(plugs *find.Watcher) ([]lane.Reader, error) {
	b := &builder{onState: e.device, locator: find.NewLocator(find.Under("/")), changed: plugs.Changed}
	b.locator.Set(wants(e.config.Lanes))
	var all []lane.Reader
	for i := range e.config.Lanes {
		for j := range e.config.Lanes[i].Readers {
			c := &e.config.Lanes[i].Readers[j]
			if !codeReaders[c.Type] {
				continue
			}
			r, _, err := b.reader(c)
			if err != nil {
				return nil, config.Errors{fieldError(fmt.Sprintf("lane[%d].reader[%d]", i, j), err)}
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// deliver takes what a reader has read; while central is asked, nothing.
func (e *enrolling) deliver(r gate.Reading) {
	text := r.Text.Reveal()
	if !enrol.IsEnrolment(text) {
		return
	}
	select {
	case e.texts <- text:
	default:
	}
}

// try enrols with the text of a QR code and reports whether the box has its
// place.
func (e *enrolling) try(ctx context.Context, text string) bool {
	e.set("", true)
	got, err := e.enrol(ctx, text)
	if err != nil {
		if ctx.Err() == nil {
			e.log.Error().Err(err).Msg("not enrolled")
		}
		e.set(err.Error(), false)
		return false
	}
	e.log.Info().Uint32("gate", uint32(got.Gate)).Uint32("incarnation", got.Incarnation).Str("name", got.Name).Str("central", got.Central).Msg("enrolled")
	if len(got.Loose) > 0 {
		e.log.Warn().AnErr("cause", got.LooseWhy).Strs("files", got.Loose).Msg("the venue's keys stand in plain on this disk: whoever takes the disk has them")
	}
	e.set("", false)
	return true
}

func (e *enrolling) enrol(ctx context.Context, text string) (enrol.Result, error) {
	inv, err := enrol.Parse(text)
	if err != nil {
		return enrol.Result{}, err
	}
	c := &e.config.Central
	if c.URL != "" && c.URL != inv.URL {
		return enrol.Result{}, fmt.Errorf("the code is of %s, but this box's configuration names %s as its central", inv.URL, c.URL)
	}
	client, err := officeClient(officeTLS(c, e.clock.Now))
	if err != nil {
		return enrol.Result{}, err
	}
	name, _ := os.Hostname() // the office's list shows none, then
	got, err := enrol.Enrol(ctx, enrol.Options{
		URL: inv.URL, Code: inv.Code, DataDir: e.config.Gate.DataDir, Client: client, Name: name,
		Guard: findGuard(ctx), Now: e.clock.Now(),
	})
	var already *enrol.EnrolledError
	if errors.As(err, &already) { // by hand, meanwhile
		return enrol.Result{Enrolment: already.Enrolment}, nil
	}
	return got, err
}

func (e *enrolling) set(trouble string, busy bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trouble, e.busy = trouble, busy
}

func (e *enrolling) device(d gate.DeviceState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.up[d.Device] = d.Up
}

func (e *enrolling) view() web.WaitingView {
	e.mu.Lock()
	defer e.mu.Unlock()
	v := web.WaitingView{Trouble: e.trouble, Busy: e.busy}
	for i := range e.config.Lanes {
		for _, r := range e.config.Lanes[i].Readers {
			if codeReaders[r.Type] {
				v.Readers = append(v.Readers, web.DeviceView{Name: r.Name, Role: web.RoleReader, Up: e.up[r.Name]})
			}
		}
	}
	return v
}

// servePage serves the page; without one, the readers wait all the same.
func (e *enrolling) servePage(ctx context.Context) {
	if e.config.Web.Listen == "" {
		return
	}
	var listening net.ListenConfig
	l, err := listening.Listen(ctx, "tcp", e.config.Web.Listen)
	if err == nil {
		e.log.Info().Str("page", "http://"+l.Addr().String()+"/").Msg("page")
		err = (&web.Waiting{Hosts: e.config.Web.Hosts, View: e.view}).Serve(ctx, l)
	}
	if err != nil {
		e.log.Error().Err(err).Msg("page")
	}
}
