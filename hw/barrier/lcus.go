package barrier

// LCUS relay boards take four bytes at 9600 8N1 and answer nothing:
// A0, the channel from 1, 1 for on or 0 for off, and the sum of the three.
const (
	lcusStart   = 0xA0
	lcusMaxChan = 16
)

func lcus(channel int, on bool) []byte {
	state := byte(0)
	if on {
		state = 1
	}
	ch := byte(channel)
	return []byte{lcusStart, ch, state, lcusStart + ch + state}
}
