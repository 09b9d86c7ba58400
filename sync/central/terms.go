package central

import (
	"errors"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Terms are what the organiser allows holders of an event's tickets.
type Terms struct {
	// Transfers is free, forbidden or counted; empty is free.
	Transfers string `json:"transfers,omitempty"`
	// Most is how often a ticket may change hands, where transfers are counted.
	Most int `json:"most,omitempty"`
	// Until is when transfers end; zero: never.
	Until time.Time `json:"until,omitzero"`
}

// ErrTransfer is a transfer that the organiser does not allow.
var ErrTransfer = errors.New("the organiser does not allow this transfer")

// Check reports terms that make no sense. The error is an [*OrderError].
func (t *Terms) Check() error {
	switch t.Transfers {
	case "", "free", "forbidden":
		if t.Most != 0 {
			return &OrderError{"most", "only counted transfers have a limit"}
		}
	case "counted":
		if t.Most < 1 {
			return &OrderError{"most", "want at least 1"}
		}
	default:
		return &OrderError{"transfers", "want free, forbidden or counted"}
	}
	return nil
}

// Allow returns an error that matches ErrTransfer unless a ticket that changed
// hands so many times may do so once more.
func (t *Terms) Allow(transfers int, now time.Time) error {
	switch {
	case t.Transfers == "forbidden":
		return fmt.Errorf("%w: none are", ErrTransfer)
	case t.Transfers == "counted" && transfers >= t.Most:
		return fmt.Errorf("%w: the ticket has changed hands %d times already", ErrTransfer, transfers)
	case !t.Until.IsZero() && !now.Before(t.Until):
		return fmt.Errorf("%w: transfers ended at %s", ErrTransfer, t.Until.UTC().Format(time.RFC3339))
	}
	return nil
}

func termsEntry(event gate.EventID) string { return fmt.Sprintf("terms/%d", event) }

// TermsOf returns the terms of an event.
func TermsOf(book Book, event gate.EventID) (t Terms, err error) {
	_, err = book.Entry(termsEntry(event), &t)
	return t, err
}

// SetTerms replaces the terms of an event. The error may be an [*OrderError].
func SetTerms(book Book, event gate.EventID, t Terms) error {
	if err := t.Check(); err != nil {
		return err
	}
	var stored Terms
	return book.ChangeEntry(termsEntry(event), &stored, func() error { stored = t; return nil })
}
