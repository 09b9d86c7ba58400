package ticket

import "time"

// StepAt returns the step at a time: floor((t - T0) / period), negative before
// T0 and N or more after the end. It is zero for a static body.
func (b *Body) StepAt(t time.Time) int64 {
	if b.Period == 0 {
		return 0
	}
	return floorDiv(t.Unix()-int64(b.T0), int64(b.Period))
}

// LeaseTo returns the last step of a lease given at now that reaches length
// ahead, at most the body's last step. It is false when there is nothing to
// lease: no chain, or a chain that begins later than that.
func (b *Body) LeaseTo(now time.Time, length time.Duration) (last uint32, ok bool) {
	j := min(b.StepAt(now.Add(length)), int64(b.Steps)-1)
	if b.Proof != ProofChain || j < 0 {
		return 0, false
	}
	return uint32(j), true
}

// DarkAt returns when a phone whose lease reaches to a step can no longer be
// admitted, with nobody telling it anything: T0 + (last+1+behind)·period.
func (b *Body) DarkAt(last uint32, m Margins) time.Time {
	return time.Unix(int64(b.T0)+(int64(last)+1+int64(m.Behind))*int64(b.Period), 0)
}

// Margins are how many steps a code may be away from the gate's own step.
type Margins struct {
	Behind uint16 // older than the gate's
	Ahead  uint16 // newer than the gate's
}

// DefaultMargins are three steps behind and two ahead.
func DefaultMargins() Margins { return Margins{Behind: 3, Ahead: 2} }

// floorDiv divides towards minus infinity; d is positive.
func floorDiv(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}
