package central

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
)

// leaseLength is how far past now a phone may show codes without asking again.
const leaseLength = 6 * time.Hour

// Shown is a code as a phone shows it at one moment.
type Shown struct {
	Text   string
	Form   ticket.Form
	Ticket gate.Ticket
	Step   uint32
	From   time.Time // of the step; zero for a static ticket
	Until  time.Time
}

// WindowError is a moment at which a ticket has no code.
type WindowError struct {
	Ticket      gate.TicketID
	From, Until time.Time // when it has
}

// Error names the ticket and when it has codes.
func (e *WindowError) Error() string {
	return fmt.Sprintf("ticket %s has no code then, only from %s to %s", e.Ticket,
		e.From.UTC().Format(time.RFC3339), e.Until.UTC().Format(time.RFC3339))
}

// ErrHolderKey is a code that only the holder's phone can make.
var ErrHolderKey = errors.New("only the phone that holds the ticket's key can show its code")

// Ticket returns a ticket as it is on the list.
func (o *Office) Ticket(id gate.TicketID) (gate.Ticket, error) {
	_, t, err := o.find(id)
	return t, err
}

// Signed returns a ticket's body and signature.
func (o *Office) Signed(id gate.TicketID) (ticket.Signed, error) {
	_, t, err := o.find(id)
	if err != nil {
		return ticket.Signed{}, err
	}
	_, s, err := o.signed(&t)
	return s, err
}

// Show returns the code of a ticket at a moment: the short form of a chain, or
// the long one where asked; a static ticket has one text. For a holder's key,
// which the office does not have, the private key is an argument; nil gives
// ErrHolderKey. A ticket that is void is shown like any other: its phone would
// do so too.
func (o *Office) Show(id gate.TicketID, at time.Time, long bool, holder ed25519.PrivateKey) (Shown, error) {
	_, t, err := o.find(id)
	if err != nil {
		return Shown{}, err
	}
	is, s, err := o.signed(&t)
	if err != nil {
		return Shown{}, err
	}
	out := Shown{Ticket: t, Form: ticket.FormLong}
	if s.Body.Proof == ticket.ProofStatic {
		out.Form = ticket.FormStatic
		out.Text, err = ticket.StaticText(&s)
		return out, err
	}
	step := s.Body.StepAt(at)
	if step < 0 || step >= int64(s.Body.Steps) {
		return Shown{}, &WindowError{id, stepTime(&s.Body, 0), stepTime(&s.Body, int64(s.Body.Steps))}
	}
	out.Step, out.From, out.Until = uint32(step), stepTime(&s.Body, step), stepTime(&s.Body, step+1)
	if s.Body.Proof == ticket.ProofHolder {
		out.Text, err = holderText(&s, out.Step, holder)
		return out, err
	}
	chain, err := is.Chain(s.Body)
	if err != nil {
		return Shown{}, err
	}
	value, err := chain.Value(out.Step)
	if err != nil {
		return Shown{}, err
	}
	if long {
		out.Text, err = ticket.LongText(&s, out.Step, value)
		return out, err
	}
	out.Form = ticket.FormShort
	out.Text, err = ticket.ShortText(s.Body.Ticket, s.Body.Generation, out.Step, value)
	return out, err
}

func holderText(s *ticket.Signed, step uint32, key ed25519.PrivateKey) (string, error) {
	if key == nil {
		return "", fmt.Errorf("ticket %d: %w", s.Body.Ticket, ErrHolderKey)
	}
	if public, ok := key.Public().(ed25519.PublicKey); !ok || !public.Equal(ed25519.PublicKey(s.Body.Holder[:])) {
		return "", fmt.Errorf("ticket %d: this is not its holder's key", s.Body.Ticket)
	}
	signature, err := ticket.SignShow(key, s, step)
	if err != nil {
		return "", err
	}
	return ticket.HolderText(s, step, signature)
}

func stepTime(b *ticket.Body, step int64) time.Time {
	return time.Unix(int64(b.T0)+step*int64(b.Period), 0).UTC()
}

// Lease gives a phone what it may show without asking again, and records how
// far that reaches: six hours past now, or from doors on to the end of the
// ticket's codes. The ticket must be valid and have a chain.
func (o *Office) Lease(id gate.TicketID, now time.Time) (ticket.Lease, error) {
	e, t, err := o.find(id)
	if err != nil {
		return ticket.Lease{}, err
	}
	if t.Status != gate.StatusValid {
		return ticket.Lease{}, &StatusError{id, t.Status}
	}
	_, s, err := o.signed(&t)
	if err != nil {
		return ticket.Lease{}, err
	}
	if s.Body.Proof != ticket.ProofChain {
		return ticket.Lease{}, fmt.Errorf("ticket %s: %w", id, ticket.ErrNotChain)
	}
	list := []Issued{{Ticket: t, Signed: s}}
	if err := o.lease(e, list, now); err != nil {
		return ticket.Lease{}, err
	}
	if list[0].Lease == (ticket.Lease{}) {
		return ticket.Lease{}, &WindowError{id, stepTime(&s.Body, 0), stepTime(&s.Body, int64(s.Body.Steps))}
	}
	return list[0].Lease, nil
}

// lease fills in the leases of tickets with a chain and records them before
// anybody has one. One that would begin later stays zero.
func (o *Office) lease(e *event, issued []Issued, now time.Time) error {
	var given []Leased
	for i := range issued {
		b := &issued[i].Signed.Body
		last, ok := e.leaseTo(b, now)
		if !ok {
			continue
		}
		is := o.issuers[b.KeyID]
		chain, err := is.Chain(*b)
		if err != nil {
			return err
		}
		if issued[i].Lease, err = chain.Lease(last); err != nil {
			return err
		}
		given = append(given, Leased{
			Ticket: gate.TicketID(b.Ticket), Generation: b.Generation, Last: last, At: now.UTC().Truncate(time.Second),
		})
	}
	if len(given) == 0 {
		return nil
	}
	return o.storage.SetLeased(e.id(), given...)
}

func (e *event) leaseTo(b *ticket.Body, now time.Time) (last uint32, ok bool) {
	if b.StepAt(now) >= int64(b.Steps) {
		return 0, false // all over
	}
	if doors := stepTime(b, 0).Add(beforeDoors); !now.Before(doors) {
		return b.LeaseTo(stepTime(b, int64(b.Steps)), 0)
	}
	return b.LeaseTo(now, leaseLength)
}
