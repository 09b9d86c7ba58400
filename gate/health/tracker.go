package health

import (
	"slices"
	"sync"
	"time"
)

// Tracker holds the warnings that are on. Its zero value is ready, and it may
// be used by many goroutines at once. It grows with the number of subjects,
// which the configuration bounds.
type Tracker struct {
	// order is held over a change and the calls that tell of it, so that every
	// watcher sees all changes in one order.
	order sync.Mutex

	mu       sync.Mutex // guards the rest
	active   map[key]Active
	watchers []*watcher
}

type key struct {
	code    Code
	subject string
}

type watcher struct{ tell func(Change) }

// Change is what became of one warning.
type Change struct {
	Event  Event
	At     time.Time
	Active Active // as it is now, or as it last was when it was cleared
}

// Event says how a warning changed.
type Event uint8

// The changes of a warning.
const (
	Raised  Event = iota // it came on
	Updated              // it stays on, with another detail
	Cleared              // it is over
)

// String returns the event's word: raised, updated or cleared.
func (e Event) String() string {
	switch e {
	case Raised:
		return "raised"
	case Updated:
		return "updated"
	default:
		return "cleared"
	}
}

// Set puts a warning on, or changes its detail. Setting what is on already,
// with the same detail, does nothing.
func (t *Tracker) Set(at time.Time, code Code, subject string, detail Detail) {
	t.order.Lock()
	defer t.order.Unlock()

	t.mu.Lock()
	k := key{code, subject}
	change := Change{Event: Raised, At: at}
	change.Active = Active{Code: code, Subject: subject, Detail: detail.tidy(), Since: at}
	if old, on := t.active[k]; on {
		change.Event = Updated
		change.Active.Since = old.Since
		if old.Detail == change.Active.Detail {
			t.mu.Unlock()
			return
		}
	}
	if t.active == nil {
		t.active = map[key]Active{}
	}
	t.active[k] = change.Active
	watchers := t.watchers
	t.mu.Unlock()

	tell(watchers, change)
}

// Clear takes a warning off. Clearing what is not on does nothing.
func (t *Tracker) Clear(at time.Time, code Code, subject string) {
	t.order.Lock()
	defer t.order.Unlock()

	t.mu.Lock()
	k := key{code, subject}
	old, on := t.active[k]
	delete(t.active, k)
	watchers := t.watchers
	t.mu.Unlock()

	if on {
		tell(watchers, Change{Event: Cleared, At: at, Active: old})
	}
}

// Current returns the warnings that are on, the most pressing first.
func (t *Tracker) Current() []Active {
	t.mu.Lock()
	defer t.mu.Unlock()
	current := make([]Active, 0, len(t.active))
	for _, a := range t.active {
		current = append(current, a)
	}
	slices.SortFunc(current, Compare)
	return current
}

// Watch calls tell on every change from now on, in order, until stop is
// called. The call comes from the goroutine that made the change and holds it
// up, so tell returns at once; it may ask for Current and may stop watchers,
// and must not set or clear. A change under way while stop is called may still
// be told.
func (t *Tracker) Watch(tell func(Change)) (stop func()) {
	w := &watcher{tell}
	t.mu.Lock()
	defer t.mu.Unlock()
	// A fresh slice every time: changes under way range over the old one.
	t.watchers = append(slices.Clone(t.watchers), w)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.watchers = slices.DeleteFunc(slices.Clone(t.watchers), func(x *watcher) bool { return x == w })
	}
}

func tell(watchers []*watcher, c Change) {
	for _, w := range watchers {
		w.tell(c)
	}
}
