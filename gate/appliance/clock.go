package appliance

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// systemClock is the machine's clock and whether the kernel vouches for it.
type systemClock struct {
	always  bool
	trusted atomic.Bool
}

func newSystemClock(always bool) *systemClock {
	c := &systemClock{always: always}
	c.check()
	return c
}

// Now returns the machine's time.
func (*systemClock) Now() time.Time { return time.Now() }

// Trusted reports what the last check found.
func (c *systemClock) Trusted() bool { return c.trusted.Load() }

// check asks the kernel whether something keeps its clock right.
func (c *systemClock) check() {
	c.trusted.Store(c.always || kernelSynchronised())
}

// kernelSynchronised reads adjtimex(2), which any user may.
func kernelSynchronised() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}

// source says on the page where the time comes from, where that is known.
func (c *systemClock) source() string {
	if !c.always && c.Trusted() {
		return "NTP"
	}
	return ""
}
