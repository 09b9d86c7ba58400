package hwtest

// Fire sends the feedback board's word for a fire signal that came or went.
func (t *Turnstile) Fire(on bool) {
	if on {
		t.say("FIRE\r\n")
	} else {
		t.say("SAFE\r\n")
	}
}
