package central

import (
	"errors"
	"fmt"
	"os"

	"github.com/venuegate/venuegate/gate"
)

// Serve opens the venue in a directory for a central that runs: its tickets are
// in a [Bolt], into which those that were in files are brought over, once. The
// caller closes it.
func Serve(dir string) (*Office, *Bolt, error) {
	if _, err := os.Stat(eventDir(dir)); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, ErrNoVenue)
	}
	b, err := OpenBolt(dir)
	if err != nil {
		return nil, nil, err
	}
	o, err := OpenWith(dir, b)
	if err == nil {
		err = o.bringOver(b)
	}
	if err != nil {
		return nil, nil, errors.Join(err, b.Close())
	}
	return o, b, nil
}

// bringAtOnce is how many tickets one transaction brings over.
const bringAtOnce = 10_000

// entryBrought says that an event's files were brought over.
const entryBrought = "brought/"

// bringOver copies tickets and leases from files. When it is interrupted, it
// goes on where it was.
func (o *Office) bringOver(b *Bolt) error {
	files := NewFiles(o.dir)
	for _, e := range o.all() {
		name := fmt.Sprintf("%s%d", entryBrought, e.ID)
		var done bool
		if _, err := b.Entry(name, &done); err != nil {
			return err
		}
		if done {
			continue
		}
		if err := bringTickets(files, b, e.id()); err != nil {
			return fmt.Errorf("bring over the tickets of event %d: %w", e.ID, err)
		}
		if err := bringLeases(files, b, e.id()); err != nil {
			return fmt.Errorf("bring over the leases of event %d: %w", e.ID, err)
		}
		if err := b.ChangeEntry(name, &done, func() error { done = true; return nil }); err != nil {
			return err
		}
	}
	return nil
}

func bringTickets(files *Files, b *Bolt, event gate.EventID) error {
	var some []gate.Ticket
	flush := func() error {
		err := b.Add(event, func(last gate.TicketID) ([]gate.Ticket, error) {
			for len(some) > 0 && some[0].ID <= last {
				some = some[1:]
			}
			return some, nil
		})
		some = some[:0]
		return err
	}
	for t, err := range files.Tickets(event) {
		if err != nil {
			return err
		}
		if some = append(some, t); len(some) == bringAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func bringLeases(files *Files, b *Bolt, event gate.EventID) error {
	lines, _, err := files.loadLeases(event)
	if err != nil {
		return err
	}
	leases := make([]Leased, len(lines))
	for i := range lines {
		leases[i] = Leased(lines[i])
	}
	return b.SetLeased(event, leases...)
}
