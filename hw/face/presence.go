package face

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Reasons for which a terminal on the network is down.
var (
	ErrNotConnected = errors.New("no terminal is connected")
	ErrQuiet        = errors.New("the terminal has sent nothing for too long")
)

// presence is whether a terminal on the network is there.
type presence struct {
	name      string
	tell      func(gate.DeviceState)
	heartbeat time.Duration

	mu    sync.Mutex
	post  bool // it comes and goes with each result
	conns int
	last  time.Time // when something was heard, or listening began
	wake  chan struct{}

	told, up bool
	reason   string
}

func (p *presence) listening(post bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.post, p.conns, p.last = post, 0, time.Now()
	p.look(p.last)
}

func (p *presence) connected(by int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns += by
	p.hear(time.Now())
}

func (p *presence) heard(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hear(at)
}

func (p *presence) hear(at time.Time) {
	p.last = at
	p.look(at)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// down is for a gate that cannot listen at all.
func (p *presence) down(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report(time.Now(), err)
}

// look says what is so at a time.
func (p *presence) look(now time.Time) {
	switch {
	case !p.post && p.conns == 0:
		p.report(now, ErrNotConnected)
	case p.heartbeat > 0 && now.Sub(p.last) >= p.heartbeat:
		p.report(now, ErrQuiet)
	default:
		p.report(now, nil)
	}
}

func (p *presence) report(now time.Time, err error) {
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	if p.told && p.up == (err == nil) && p.reason == reason {
		return
	}
	p.told, p.up, p.reason = true, err == nil, reason
	if p.tell != nil {
		p.tell(gate.DeviceState{Device: p.name, Up: p.up, Err: err, At: now})
	}
}

// watch looks again when a heartbeat is overdue.
func (p *presence) watch(ctx context.Context) {
	if p.heartbeat == 0 {
		return
	}
	for {
		p.mu.Lock()
		now := time.Now()
		due := p.last.Add(p.heartbeat).Sub(now)
		if due <= 0 {
			p.look(now)
		}
		p.mu.Unlock()
		t := time.NewTimer(max(due, 0))
		overdue := t.C
		if due <= 0 {
			overdue = nil // said; the next word is waited for
		}
		select {
		case <-overdue:
		case <-p.wake:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}
