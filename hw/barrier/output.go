package barrier

// Output is a relay channel or a GPIO line that something besides the turnstile
// hangs on: a lamp, a buzzer. Boards hand it out; hw/indicator drives it.
type Output struct{ set func(on bool) error }

// Set switches it. It waits for the board to take the command, which a board
// that is gone fails at once and one that hangs within a second.
func (o *Output) Set(on bool) error { return o.set(on) }
