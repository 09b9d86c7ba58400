package pack

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/venuegate/venuegate/gate"
)

// implausible says what makes a ticket unusable whatever the event. seen holds
// the fields that a line had; none where a ticket is about to be
// written.
func implausible(t *gate.Ticket, seen uint64) (field, why string) {
	c := &t.Code
	anchor, holder := c.Anchor != [20]byte{}, c.Holder != [32]byte{}
	switch {
	case t.ID == 0:
		return "id", "zero or missing"
	case t.Generation == 0:
		return "gen", "zero or missing"
	case t.Class == 0:
		return "class", "zero or missing"
	case t.ZoneGroup == 0:
		return "zones", "zero or missing"
	case t.Party == 0:
		return "party", "zero"
	case seen&fieldSessions != 0 && len(t.Sessions) == 0:
		return "sessions", "empty; leave it away for any session"
	case !t.ValidFrom.IsZero() && !t.ValidUntil.IsZero() && t.ValidUntil.Before(t.ValidFrom):
		return "until", "before from"
	case c.Proof == gate.ProofStatic && (c.Steps != 0 || c.Period != 0 || c.T0 != 0 || anchor || holder):
		return "code", "a static ticket has a key at most"
	case c.Proof == gate.ProofChain && (c.Steps == 0 || c.Period == 0 || !anchor || holder):
		return "code", "a chain has steps, period and anchor, and no holder"
	case c.Proof == gate.ProofHolder && (c.Steps == 0 || c.Period == 0 || anchor || !holder):
		return "code", "a holder's key has steps, period and holder, and no anchor"
	case t.Masked != "" && !strings.Contains(t.Masked, "*"):
		return "masked", "a name without a mask"
	case t.Language != "" && !isLanguage(t.Language):
		return "lang", "no language"
	}
	for i := range t.Sessions {
		if t.Sessions[i] == 0 {
			return "sessions", "zero"
		}
	}
	for i := range t.Documents {
		d := &t.Documents[i]
		if d.Type == gate.DocumentNone || d.Type > gate.DocumentOther || d.Tag.IsZero() || d.Short {
			return "docs", "want a type of 1 to 7 and a whole tag"
		}
	}
	for i := range t.Foreign {
		if t.Foreign[i].IsZero() {
			return "foreign", "zero"
		}
	}
	return "", ""
}

// unwritable says what a line cannot carry, or a gate would refuse.
func unwritable(t *gate.Ticket) (field, why string) {
	u := *t
	u.Party = max(u.Party, 1)
	if field, why = implausible(&u, 0); field != "" {
		return field, why
	}
	switch {
	case t.Assumed:
		return "assumed", "a stand-in for a ticket, not a ticket"
	case t.Status > gate.StatusUsedUp:
		return "status", "unknown"
	case t.Code.Proof > gate.ProofHolder:
		return "code", "an unknown proof"
	case len(t.Sessions) > maxSessions:
		return "sessions", "too many"
	case len(t.Documents) > maxDocuments:
		return "docs", "too many"
	case len(t.Foreign) > maxForeign:
		return "foreign", "too many"
	}
	for _, at := range []time.Time{t.ValidFrom, t.ValidUntil, t.AdmitFrom} {
		if !at.IsZero() && (at.Nanosecond() != 0 || at.Unix() <= 0 || at.Unix() > maxUnix) {
			return "from, until or admit", "not a whole second after 1970"
		}
	}
	for _, text := range []string{t.Masked, t.Seat.Area, t.Seat.Row, t.Seat.Seat} {
		if len(text) > maxText || !utf8.ValidString(text) {
			return "masked or seat", "too long, or not UTF-8"
		}
	}
	return "", ""
}
