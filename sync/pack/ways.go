package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Way is one of several on which the repository can come.
type Way struct {
	// Name is what people call it: "central", "gate 7", "directory /media/stick".
	// It tells ways apart from one Sync to the next.
	Name string
	From Fetcher
	// Distance orders ways that offer the same version: the nearest is used, and
	// among equals any, so that not all gates ask the same one.
	Distance Distance
}

// Distance is how much it costs to fetch on a way.
type Distance uint8

// From near to far.
const (
	Here   Distance = iota // a directory of this machine
	Nearby                 // a gate on the venue's network
	Away                   // central
)

// State is what a Sync found on a way.
type State string

// The states of a way.
const (
	StateCurrent     State = "current"     // has the version that the mirror has
	StateNewer       State = "newer"       // had a newer one, which is in the mirror now
	StateOffered     State = "offered"     // offers a newer one, which this machine could not take
	StateBehind      State = "behind"      // has an older one, which is no attack
	StateTampered    State = "tampered"    // what it has is not what was signed, or not by whom it must be
	StateIncomplete  State = "incomplete"  // lacks files of what it offers
	StateRefused     State = "refused"     // does not serve this gate
	StateNonsense    State = "nonsense"    // is no repository, such as the log-in page of a network
	StateUnreachable State = "unreachable" // does not answer, or broke off
	StateSlow        State = "slow"        // was not waited for, because another way was faster
	StateResting     State = "resting"     // was not asked because of what it did before
)

// WayReport is what a Sync found on one way.
type WayReport struct {
	Name    string
	State   State
	Version uint64 // of the pack that it offers, as it says; zero: none
	Bytes   int64  // that came on it
	Err     error  // why it was of no use; nil if it was
	Until   time.Time
}

// FromMirror is where a version came from that was in the mirror before the
// process started.
const FromMirror = "mirror"

// Report is what a Sync did.
type Report struct {
	Version uint64      // in the mirror now; zero: none
	From    string      // name of the way on which it came, [FromMirror] when that is not known any more
	Changed bool        // it came just now
	Ways    []WayReport // in the order of the ways that were given
}

// claim is what a way says it has. Nothing of it is believed but the order in
// which to try.
type claim struct {
	way      *Way
	report   *WayReport
	raw      []byte
	stamp    int64
	snapshot int64
	signed   bool // by a key of the root that is trusted now
	once     bool // by a key of one before: somebody who has not heard of the new one
	lot      uint64
}

const (
	maxTimestamp = 16_384 // bytes, go-tuf's own bound
	askTime      = 5 * time.Second
	grace        = 300 * time.Millisecond
)

// errLate ends the asking of ways that are slower than one with a newer
// version.
var errLate = errors.New("pack: another way was faster")

// ask fetches the timestamps of all ways at once. It does not wait long for
// the others once one has something newer that is signed.
func (m *Mirror) ask(ctx context.Context, ways []Way, reports []WayReport) ([]claim, error) {
	raw, err := os.ReadFile(filepath.Join(m.trust, fileRoot))
	if err != nil {
		return nil, fmt.Errorf("pack: no trusted root, enrol first: %w", err)
	}
	root, err := rootOf(raw)
	if err != nil {
		return nil, err
	}
	ctx, timeout := context.WithTimeout(ctx, askTime)
	defer timeout()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var enough sync.Once
	var late *time.Timer
	floor := m.floor
	claims := make([]claim, len(ways))
	var asking sync.WaitGroup
	for i := range ways {
		w, r := &ways[i], &reports[i]
		r.Name = w.Name
		if until, why := m.rest.of(w.Name, time.Now()); why != nil {
			r.State, r.Err, r.Until = StateResting, why, until
			continue
		}
		asking.Go(func() {
			data, err := w.From.Fetch(ctx, nameTimestamp, maxTimestamp)
			if err == nil {
				claims[i], err = readClaim(data, root)
			}
			if err != nil && errors.Is(context.Cause(ctx), errLate) {
				err = errLate
			}
			if err == nil && claims[i].signed && claims[i].stamp > floor {
				enough.Do(func() { late = time.AfterFunc(grace, func() { cancel(errLate) }) })
			}
			claims[i].once = err == nil && !claims[i].signed && m.wasSigned(data)
			claims[i].way, claims[i].report, claims[i].lot = w, r, rand.Uint64()
			r.Version, r.Err = uint64(claims[i].snapshot), err
		})
	}
	asking.Wait()
	if late != nil {
		late.Stop()
	}
	return slices.DeleteFunc(claims, func(c claim) bool { return c.report == nil }), nil
}

func rootOf(raw []byte) (*metadata.Metadata[metadata.RootType], error) {
	root, err := metadata.Root().FromBytes(raw)
	if err != nil {
		return nil, &UntrustedError{File: filepath.Join(DirTrust, fileRoot), Why: plain(err)}
	}
	return root, nil
}

// readClaim reads a timestamp that may be anything.
func readClaim(data []byte, root *metadata.Metadata[metadata.RootType]) (c claim, err error) {
	malformed := &TamperedError{File: nameTimestamp, Why: "no timestamp"}
	defer func() {
		if r := recover(); r != nil { // go-tuf trusts the shape of JSON
			c, err = claim{}, malformed
		}
	}()
	t, err := metadata.Timestamp().FromBytes(data)
	if err != nil {
		return claim{}, malformed
	}
	snapshot := t.Signed.Meta[fileSnapshot]
	if t.Signed.Version <= 0 || snapshot == nil || snapshot.Version <= 0 {
		return claim{}, malformed
	}
	return claim{
		raw: data, stamp: t.Signed.Version, snapshot: snapshot.Version,
		signed: root.VerifyDelegate(metadata.TIMESTAMP, t) == nil,
	}, nil
}

// wasSigned reports whether a timestamp is signed under one of the roots before
// the one that is trusted now.
func (m *Mirror) wasSigned(stamp []byte) bool {
	versions, err := rootVersions(filepath.Join(m.Path(), "metadata"))
	if err != nil {
		return false
	}
	for _, v := range versions {
		raw, err := m.dir.root.ReadFile(metadataName(int64(v), fileRoot))
		if err != nil {
			continue
		}
		if root, err := rootOf(raw); err == nil {
			if c, err := readClaim(stamp, root); err == nil && c.signed {
				return true
			}
		}
	}
	return false
}

// order puts claims into the order in which to try them: what is signed, what
// is newest, what is near, then by lot. A signature that does not verify may
// be one under a newer root, so it is tried, but last.
func order(claims []claim) {
	signed := func(c claim) int {
		if c.signed {
			return 0
		}
		return 1
	}
	slices.SortFunc(claims, func(a, b claim) int {
		return cmp.Or(
			cmp.Compare(signed(a), signed(b)), cmp.Compare(b.stamp, a.stamp),
			cmp.Compare(a.way.Distance, b.way.Distance), cmp.Compare(a.lot, b.lot),
		)
	})
}

// stateOf says what an error says of a way.
func stateOf(err error) State {
	var status *HTTPError
	switch {
	case errors.As(err, &status) && (status.Status == 401 || status.Status == 403):
		return StateRefused
	case errors.As(err, new(*AnswerError)):
		return StateNonsense
	case errors.As(err, new(*BehindError)):
		return StateBehind
	case errors.As(err, new(*MissingError)), errors.Is(err, os.ErrNotExist):
		return StateIncomplete
	case errors.As(err, new(*TamperedError)), errors.As(err, new(*UntrustedError)),
		errors.As(err, new(*DocumentError)), errors.As(err, new(*LineError)), errors.As(err, new(*tooLongError)):
		return StateTampered
	}
	return StateUnreachable
}
