package pack

import (
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// resting remembers which ways were of no use, and leaves them alone for a
// while that grows, by chance longer or shorter so that gates do not come back
// all at once. A way that was good once starts afresh.
type resting struct {
	mu   *sync.Mutex
	ways map[string]*rest
}

type rest struct {
	until  time.Time
	why    error
	state  State
	growth *backoff.ExponentialBackOff
}

func newResting() resting { return resting{mu: new(sync.Mutex), ways: map[string]*rest{}} }

// pauses are the first and the longest pause. A network that comes back is
// wanted at once; who hands out what was not signed can wait.
func pauses(s State) (first, longest time.Duration) {
	switch s {
	case StateTampered, StateBehind:
		return 30 * time.Second, 10 * time.Minute
	case StateRefused:
		return 5 * time.Second, 2 * time.Minute
	}
	return 2 * time.Second, 30 * time.Second
}

// of returns until when a way rests, and why; a nil error means that it does
// not.
func (r *resting) of(name string, at time.Time) (time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	way := r.ways[name]
	if way == nil || !at.Before(way.until) {
		return time.Time{}, nil
	}
	return way.until, way.why
}

// failed lets a way rest and returns until when.
func (r *resting) failed(name string, state State, why error, at time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	way := r.ways[name]
	if way == nil || way.state != state {
		way = &rest{state: state, growth: backoff.NewExponentialBackOff()}
		way.growth.InitialInterval, way.growth.MaxInterval = pauses(state)
		way.growth.Reset()
		r.ways[name] = way
	}
	pause := way.growth.NextBackOff()
	var status *HTTPError
	if errors.As(why, &status) {
		pause = max(pause, status.RetryAfter)
	}
	way.why, way.until = why, at.Add(pause)
	return way.until
}

// good forgets what a way did before.
func (r *resting) good(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ways, name)
}

// forget drops ways that have not been heard of for long; gates come and go.
func (r *resting) forget(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, way := range r.ways {
		if at.Sub(way.until) > forgotten {
			delete(r.ways, name)
		}
	}
}

const forgotten = time.Hour
