package appliance

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// systemClock is the gate's best time: the machine's clock, put right by the
// other gates' where nothing keeps it right by itself.
type systemClock struct {
	always bool
	// clocks returns the peers' clocks; nil: there are none.
	clocks  atomic.Pointer[func() []peerClock]
	trusted atomic.Bool
	offset  atomic.Int64 // nanoseconds, added to the machine's clock
	from    atomic.Value // string, see source
}

// Where the time comes from, as the page shows it.
const (
	fromKernel = "NTP"
	fromPeers  = "other gates"
)

func newSystemClock(always bool) *systemClock {
	c := &systemClock{always: always}
	c.from.Store("")
	c.check()
	return c
}

// Now returns the gate's best time.
func (c *systemClock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Wall returns what the machine's clock shows, right or wrong.
func (*systemClock) Wall() time.Time { return time.Now() }

// Trusted reports whether the time that Now gives is right as far as anybody can
// tell, by the last check.
func (c *systemClock) Trusted() bool { return c.trusted.Load() }

// Borrowed reports whether it is the other gates' time and not this one's.
func (c *systemClock) Borrowed() bool { return c.offset.Load() != 0 }

// check asks the kernel whether something keeps its clock right, and the other
// gates where nothing does.
func (c *systemClock) check() {
	trusted, offset, from := c.always, time.Duration(0), ""
	if !trusted && kernelSynchronised() {
		trusted, from = true, fromKernel
	}
	if clocks := c.clocks.Load(); !trusted && clocks != nil {
		o := ask(time.Now(), (*clocks)())
		switch {
		case o.trusts():
			trusted, from = true, fromPeers
		case o.vouch:
			trusted, offset, from = true, o.ahead, fromPeers
		}
	}
	c.offset.Store(int64(offset))
	c.from.Store(from)
	c.trusted.Store(trusted)
}

// kernelSynchronised reads adjtimex(2), which any user may.
func kernelSynchronised() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// source says on the page where the time comes from, where that is known.
func (c *systemClock) source() string { return c.from.Load().(string) }
