package main

import (
	"context"
	"strings"

	"github.com/venuegate/venuegate/gate/appliance"
)

// trySignal shows one lamp or sound, and hears from the technician whether it
// was that one: a lamp cannot tell, and red and green may be swapped.
func (w *walk) trySignal(ctx context.Context, s appliance.Signal) {
	if s.Set == nil {
		for _, sound := range s.Sounds {
			if ctx.Err() == nil {
				w.trySound(ctx, s.Name, sound)
			}
		}
		return
	}
	name, question := "lamp, "+s.Name, "Does the "+s.Name+" lamp shine, and no other?"
	if s.Name == "buzzer" {
		name, question = s.Name, "Does the buzzer sound?"
	}
	w.say("")
	if err := s.Set(true); err != nil {
		w.fail("%s: %v", name, err)
		return
	}
	yes, err := w.seen(ctx, question)
	if off := s.Set(false); off != nil {
		w.fail("%s: it cannot be switched off: %v", name, off)
		return
	}
	w.judge(name, yes, err, "check its number in [lane.indicator] and its wiring")
}

func (w *walk) trySound(ctx context.Context, reader string, s appliance.Sound) {
	name := reader + ", " + s.Name + " beep"
	w.say("")
	if err := s.Make(); err != nil {
		w.fail("%s: %v", name, err)
		return
	}
	yes, err := w.seen(ctx, "Did "+reader+" make its "+s.Name+" sound?")
	w.judge(name, yes, err, "check beep in the configuration against the reader's manual")
}

// seen asks the technician.
func (w *walk) seen(ctx context.Context, question string) (bool, error) {
	w.say("%s y or n, and Enter.", question)
	answer, err := w.answer(ctx)
	return strings.EqualFold(answer, "y"), err
}

func (w *walk) judge(name string, yes bool, err error, advice string) {
	switch {
	case err != nil:
		w.fail("%s: no answer", name)
	case yes:
		w.pass("%s: it works, as you saw", name)
	default:
		w.fail("%s: you did not notice it; %s", name, advice)
	}
}
