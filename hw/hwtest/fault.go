package hwtest

// More faults, of boards that answer.
const (
	FaultRefuse   Fault = iota + 64 // the board says no
	FaultUnplug                     // unplugged in the middle of the answer
	FaultNoAction                   // nothing is done, and nothing answered
)

// answerer spoils the answers of a board, each with the next fault.
type answerer struct {
	faults []Fault
	cut    bool // the line is to be unplugged when what is there was sent
}

// take reports whether f is the next fault, and uses it up.
func (a *answerer) take(f Fault) bool {
	if len(a.faults) == 0 || a.faults[0] != f {
		return false
	}
	a.faults = a.faults[1:]
	return true
}

// spoil returns what is sent for an answer.
func (a *answerer) spoil(b []byte) []byte {
	switch {
	case a.take(FaultSilence):
		return nil
	case a.take(FaultChecksum):
		b[len(b)-1] ^= 0x10
	case a.take(FaultHalf):
		b = b[:len(b)/2]
	case a.take(FaultNoise):
		b = append([]byte{0x00, b[0], 0xFF, b[0], b[1], 0x7E, 0x7F}, b...)
	case a.take(FaultUnplug):
		b, a.cut = b[:len(b)/2], true
	}
	return b
}
