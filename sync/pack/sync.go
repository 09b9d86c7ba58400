package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrNoPack says that the mirror is empty and no way had anything for it.
var ErrNoPack = errors.New("pack: nothing is here yet, and no way has a pack that this gate can use")

// pullers is how many files are fetched from one way at a time.
const pullers = 4

// Sync brings the newest version that verifies into the mirror, from whichever
// of the ways has it, and returns the repository as it is in the mirror now. A
// way that is behind, damaged or hostile costs a try and is left alone for a
// while. When nothing is newer, the version that is there is returned, and no
// way being reachable is no error: the report says it. Call Accept of the
// repository once it is in use.
//
// now decides what is expired, which is a warning only. Errors: [ErrNoPack],
// [*LocalError] when this machine failed (a full disk), or that of the context.
// Either way the mirror is what it was, and what was fetched already is not
// fetched again.
func (m *Mirror) Sync(ctx context.Context, ways []Way, now time.Time) (*Repository, Report, error) {
	m.syncing.Lock()
	defer m.syncing.Unlock()
	report := Report{Ways: make([]WayReport, len(ways))}
	received := make([]int64, len(ways))
	for i := range ways {
		received[i] = receivedOn(ways[i].From)
	}
	err := m.sync(ctx, ways, now, &report)
	for i := range ways {
		report.Ways[i].Bytes = receivedOn(ways[i].From) - received[i]
	}
	if m.current == nil {
		if err == nil {
			err = ErrNoPack
		}
		return nil, report, err
	}
	report.Version, report.From = m.current.Version(), m.from
	if err != nil {
		return nil, report, err
	}
	repo := *m.current
	repo.now = now
	return &repo, report, nil
}

// receivedOn returns how much came on a way so far, if it counts.
func receivedOn(f Fetcher) int64 {
	if c, ok := f.(interface{ Received() int64 }); ok {
		return c.Received()
	}
	return 0
}

func (m *Mirror) sync(ctx context.Context, ways []Way, now time.Time, report *Report) error {
	m.rest.forget(time.Now())
	if m.isBroken() || m.current == nil {
		if err := m.load(ctx, now); err != nil {
			return err
		}
	}
	claims, err := m.ask(ctx, ways, report.Ways)
	if err != nil {
		return err
	}
	order(claims)
	var failed error // on this machine; then other ways are of no use either
	for i := range claims {
		c := &claims[i]
		if c.report.Err == nil && failed == nil && m.isNewer(c) {
			err := m.pull(ctx, c, now)
			switch {
			case err == nil:
				c.report.State, m.from, report.Changed = StateNewer, c.way.Name, true
			case errors.As(err, new(*LocalError)):
				failed = err
			default:
				c.report.Err = err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		m.judge(c)
	}
	return failed
}

// isNewer reports whether a way offers more than the mirror has: a newer
// version, or the one of which the mirror lost a part.
func (m *Mirror) isNewer(c *claim) bool {
	return c.stamp > m.floor || c.stamp == m.floor && m.current == nil
}

// judge sets the state of a way that was asked.
func (m *Mirror) judge(c *claim) {
	r := c.report
	switch {
	case errors.Is(r.Err, errLate):
		r.State = StateSlow
		return
	case r.Err != nil:
		r.State = stateOf(r.Err)
		r.Until = m.rest.failed(r.Name, r.State, r.Err, time.Now())
		return
	case r.State == StateNewer:
	case m.isNewer(c):
		r.State = StateOffered
	case c.stamp < m.floor && (c.signed || c.once):
		r.State = StateBehind
	case !c.signed:
		r.State, r.Err = StateTampered, &UntrustedError{File: nameTimestamp, Why: "not signed by whom it must be"}
		r.Until = m.rest.failed(r.Name, r.State, r.Err, time.Now())
		return
	default:
		r.State = StateCurrent
	}
	m.rest.good(r.Name)
}

// load looks at what the mirror has. That it has nothing, or nothing whole, is
// no error: then current is nil.
func (m *Mirror) load(ctx context.Context, now time.Time) error {
	m.current, m.floor, m.from = nil, 0, FromMirror
	if repo, err := Open(ctx, m, m.trust, now); err == nil {
		m.floor = repo.stampVersion()
		if m.isWhole(repo) {
			m.current = repo
		}
	}
	return ctx.Err()
}

func (m *Mirror) isWhole(repo *Repository) bool {
	files, err := repo.files()
	return err == nil && !slices.ContainsFunc(files, func(f wanted) bool { return !m.has(f.file, f.length) })
}

// pull brings a way's version into the mirror.
func (m *Mirror) pull(ctx context.Context, c *claim, now time.Time) error {
	through := &through{mirror: m, from: c.way.From, stamp: c.raw}
	repo, err := Open(ctx, through, m.trust, now)
	if err != nil {
		return err
	}
	if repo.stampVersion() < m.floor {
		return &BehindError{File: nameTimestamp, Why: fmt.Sprintf("version %d after %d", repo.stampVersion(), m.floor)}
	}
	files, err := repo.files()
	if err != nil {
		return err
	}
	if err := m.pullAll(ctx, through, files); err != nil {
		return err
	}
	if err := m.publish(ctx, repo, through); err != nil {
		return err
	}
	repo.from = m
	names := repo.names()
	if m.current != nil {
		m.before = m.current.names()
	}
	m.prune(names, m.before)
	m.current, m.floor = repo, repo.stampVersion()
	return nil
}

// pullAll fetches what the mirror lacks, a few files at a time and in about
// their order, and ends with the first error.
func (m *Mirror) pullAll(ctx context.Context, from *through, files []wanted) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan wanted)
	var workers sync.WaitGroup
	for range pullers {
		workers.Go(func() {
			for f := range next {
				if err := from.pull(ctx, f); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
feed:
	for _, f := range files {
		if m.has(f.file, f.length) {
			continue
		}
		select {
		case next <- f:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// through is a way with the mirror before it: what the mirror has is not
// fetched, and what is fetched is checked and stays.
type through struct {
	mirror *Mirror
	from   Fetcher
	stamp  []byte // the timestamp that was fetched a moment ago
}

// Fetch gets a file for Open.
func (t *through) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	if name == nameTimestamp {
		return t.stamp, nil
	}
	f, ok := parseName(name)
	if !ok || f.sum == nil {
		return t.from.Fetch(ctx, name, limit)
	}
	if data, err := t.mirror.Fetch(ctx, name, limit); err == nil {
		return data, nil
	}
	data, err := t.from.Fetch(ctx, name, limit)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], f.sum) {
		return nil, &TamperedError{File: name, Why: "not what was signed"}
	}
	return data, t.mirror.write(name, data)
}

// pull fetches one target.
func (t *through) pull(ctx context.Context, f wanted) error {
	data, err := t.Fetch(ctx, f.file, f.length)
	switch {
	case errors.As(err, new(*LocalError)), errors.As(err, new(*TamperedError)), ctx.Err() != nil:
		return err
	case errors.As(err, new(*tooLongError)):
		return &TamperedError{File: f.target, Why: "longer than what was signed"}
	case err != nil:
		return fmt.Errorf("pack: fetch %s: %w", f.target, err)
	case int64(len(data)) != f.length:
		return &TamperedError{File: f.target, Why: fmt.Sprintf("%d bytes, %d were signed", len(data), f.length)}
	}
	return nil
}
