package appliance

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/venuegate/venuegate/gate/health"
)

// How long a page that has failed is left alone: ever longer, until it has held
// for a while.
const (
	pagePause    = 250 * time.Millisecond
	pagePauseMax = 30 * time.Second
	pageHeld     = time.Minute
)

// servePage serves the page until ctx ends. When that fails, it says so and
// listens again at the same address: the lanes need no page.
func (a *Appliance) servePage(ctx context.Context) {
	at := a.page.Addr()
	listen := func() (net.Listener, error) { return a.page, nil }
	pause := pagePause
	for {
		held, err := a.servePageOnce(ctx, listen)
		if err == nil {
			return
		}
		if held > pageHeld {
			pause = pagePause
		}
		a.log.Error().Err(err).Dur("again_in_ms", pause).Msg("page")
		a.health.Set(a.clock.Now(), health.PageDown, at.String(), health.Detail{Cause: err.Error()})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, pagePauseMax)
		listen = func() (net.Listener, error) { return net.Listen(at.Network(), at.String()) }
	}
}

// servePageOnce serves until ctx ends, which is no error, or something fails. It
// returns how long it could.
func (a *Appliance) servePageOnce(ctx context.Context, listen func() (net.Listener, error)) (time.Duration, error) {
	listener, err := listen()
	if err != nil {
		return 0, fmt.Errorf("page: %w", err)
	}
	a.health.Clear(a.clock.Now(), health.PageDown, listener.Addr().String())
	begin := time.Now()
	err = a.server.Serve(ctx, listener)
	return time.Since(begin), err
}
