package port

import (
	"context"
	"time"
)

// Retry paces the attempts to open a device again: a short pause, then twice as
// long each time up to Max, and at once when something was plugged in. Every
// driver that keeps a device open has one; it belongs to one goroutine, which
// calls Begin before each attempt and Wait after it.
type Retry struct {
	Min, Max time.Duration
	// Changed returns a channel that is closed when something is plugged in or
	// out next. Nil for the pauses alone.
	Changed func() <-chan struct{}
	// Lasted is how long a connection must have been there for the pauses to
	// start afresh; Max when zero. One that opens and dies at once must not be
	// hammered either.
	Lasted time.Duration

	next    time.Duration // the pause after this attempt; zero: Min
	begun   time.Time
	changed <-chan struct{}
}

// Begin marks the beginning of an attempt. It is called before the device is
// looked for, so that no plug falls in between.
func (r *Retry) Begin() {
	r.begun = time.Now()
	if r.Changed != nil {
		r.changed = r.Changed()
	}
}

// Wait pauses before the next attempt, or until ctx is done. A plug cuts the
// pause short, but never to less than Min: a loose one must not make a loop spin.
func (r *Retry) Wait(ctx context.Context) {
	lasted := r.Lasted
	if lasted == 0 {
		lasted = r.Max
	}
	if r.next == 0 || time.Since(r.begun) > lasted {
		r.next = r.Min
	}
	sleep(ctx, r.Min)
	if rest := r.next - r.Min; rest > 0 && r.plugged(ctx, rest) {
		r.next = r.Min // its links and permissions may take a moment more
		return
	}
	r.next = min(2*r.next, r.Max)
}

// plugged waits for d and reports whether a plug cut it short.
func (r *Retry) plugged(ctx context.Context, d time.Duration) bool {
	rest := time.NewTimer(d)
	defer rest.Stop()
	select {
	case <-r.changed:
		return true
	case <-rest.C:
	case <-ctx.Done():
	}
	return false
}
