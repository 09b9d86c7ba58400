package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
)

// tryReader wants something held to one reader, and sees when another reads it.
func (w *walk) tryReader(ctx context.Context, name string) {
	w.say("\nHold a code or a document to %s (%v).", name, w.wait)
	select {
	case <-w.readings: // of before
	default:
	}
	timer := time.NewTimer(w.wait)
	defer timer.Stop()
	other := ""
	for {
		select {
		case r := <-w.readings:
			if r.Reader == name {
				w.pass("%s: %s", name, readingWords(r))
				return
			}
			// It may be what was held to that one before, or a swapped plug.
			other = r.Reader
			w.say("      %s read something", other)
		case s := <-w.states:
			if s.Device == name && !s.Up {
				w.say("      %s: %v", name, s.Err)
			}
		case <-timer.C:
			if other != "" {
				w.fail("%s: it read nothing, but %s did; are their plugs swapped?", name, other)
				return
			}
			w.fail("%s: it read nothing; check its baud rate and what it puts at the end of a code", name)
			return
		case <-ctx.Done():
			return
		}
	}
}

// readingWords says what was read without saying what it was.
func readingWords(r gate.Reading) string {
	if r.Document != nil {
		return "read a document and its number of " + count(utf8.RuneCountInString(string(r.Document.Number)), "character")
	}
	if r.Face != nil {
		if r.Face.Matched {
			return "recognised somebody"
		}
		return "saw a face, and did not recognise it"
	}
	text := "read " + count(utf8.RuneCountInString(string(r.Text)), "character")
	switch r.Symbology {
	case 'Q':
		text += ", a QR code"
	case 'd':
		text += ", a Data Matrix"
	case 'L':
		text += ", a PDF417"
	case 'C':
		text += ", a Code 128"
	case 'z':
		text += ", an Aztec code"
	case 0:
	default:
		text += ", symbology " + string(rune(r.Symbology))
	}
	return text
}

// tryBarrier opens the barrier each way it can.
func (w *walk) tryBarrier(ctx context.Context, b lane.Barrier) {
	c := &w.lane.Barrier
	if c.Type == "none" {
		return
	}
	w.tryOpening(ctx, b, gate.DirectionEntry, "entry")
	exit := c.ExitChannel != 0 && c.ExitChannel != c.Channel || c.Feedback != nil && c.Feedback.PassedExit != ""
	if exit && ctx.Err() == nil {
		w.tryOpening(ctx, b, gate.DirectionExit, "exit")
	}
}

func (w *walk) tryOpening(ctx context.Context, b lane.Barrier, way gate.Direction, word string) {
	tells := w.lane.Barrier.Feedback != nil
	w.say("\nThe arm will open now for %s: keep clear, then walk through. Enter to go on, s and Enter to leave it out.", word)
	answer, err := w.answer(ctx)
	switch {
	case err != nil:
		w.fail("barrier, %s: no answer, so it was not opened", word)
		return
	case strings.EqualFold(answer, "s"):
		w.say("      barrier, %s: left out", word)
		return
	}
	stop := w.drain()
	p, err := b.Open(ctx, gate.Opening{Direction: way, Count: 1})
	stop()
	switch {
	case p.Result == gate.PassagePassed:
		w.pass("barrier, %s: it opened, and told that somebody passed", word)
	case p.Result == gate.PassageNotOpened:
		w.fail("barrier, %s: %v", word, err)
	case p.Result == gate.PassageTimedOut:
		w.fail("barrier, %s: it told of nobody; if you walked through, check the lines passed and passed_exit", word)
	case err != nil || tells:
		w.fail("barrier, %s: it was told to open, but not what became of it", word)
	default:
		w.ask(ctx, word)
	}
}

// ask wants to hear from the technician what a barrier without feedback cannot
// tell.
func (w *walk) ask(ctx context.Context, word string) {
	w.say("Did it open, and close again? y or n, and Enter.")
	answer, err := w.answer(ctx)
	if err == nil && strings.EqualFold(answer, "y") {
		w.pass("barrier, %s: it opened, as you saw", word)
		return
	}
	w.fail("barrier, %s: you did not see it open and close; check channel and wiring", word)
}

// drain takes what devices say until stop is called, so that none of them waits
// for the technician.
func (w *walk) drain() (stop func()) {
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-w.readings:
			case <-w.states:
			case <-ending:
				return
			}
		}
	}()
	return func() {
		close(ending)
		<-ended
	}
}

// answer reads one line from the technician.
func (w *walk) answer(ctx context.Context) (string, error) {
	defer w.drain()()
	const most = 100
	var line []byte
	for one := make([]byte, 1); len(line) < most; {
		if err := w.ready(ctx); err != nil {
			return "", err
		}
		n, err := w.t.in.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return strings.TrimSpace(string(line)), nil
		case n == 1:
			line = append(line, one[0])
		case errors.Is(err, io.EOF) && len(line) > 0:
			return strings.TrimSpace(string(line)), nil
		case err != nil:
			return "", err
		}
	}
	return "", errors.New("the answer is too long")
}

// ready waits until standard input has something to read. A read of a terminal
// cannot be called off, so that Ctrl-C would have to wait for Enter.
func (w *walk) ready(ctx context.Context) error {
	f, ok := w.t.in.(*os.File)
	for ctx.Err() == nil {
		if !ok {
			return nil
		}
		fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 100)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n > 0:
			return nil
		}
	}
	return ctx.Err()
}
