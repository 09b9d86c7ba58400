package lane

import "time"

// StandingOf is what a desk that no lane runs waits for.
func StandingOf(d *Desk, now time.Time) Standing { return *d.standing(now) }
