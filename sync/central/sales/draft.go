package sales

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

// Drafter knows what an order would make: an office.
type Drafter interface {
	Draft(order *central.Order, now time.Time) (gate.Ticket, error)
}

// Draft completes rows for an event and a channel (zero: each row's own), and
// checks all of them against the event and the codes that are on the list
// already. The error is an [*Error], or that of the list.
func Draft(rows []Row, event gate.EventID, channel gate.ChannelID, now time.Time, office Drafter, people central.People) ([]gate.Ticket, error) {
	l := &list{}
	drafts := make([]gate.Ticket, len(rows))
	codes := map[gate.Tag]int{} // → line
	for i := range rows {
		o, line := &rows[i].Order, rows[i].Line
		o.Event = event
		if channel != 0 && o.Channel != 0 && o.Channel != channel {
			l.wrong(line, "channel", "another channel's; leave it away")
		}
		if channel != 0 {
			o.Channel = channel
		}
		var err error
		if drafts[i], err = office.Draft(o, now); err != nil {
			column := column(err)
			if column == "" {
				return nil, err
			}
			l.wrong(line, column, "%s", why(err))
			continue
		}
		for _, tag := range drafts[i].Foreign {
			if other, there := codes[tag]; there {
				l.wrong(line, "foreign_code", "the same as in line %d", other)
			}
			codes[tag] = line
			id, there, err := people.OfForeign(event, tag)
			if err != nil {
				return nil, err
			}
			if there {
				l.wrong(line, "foreign_code", "ticket %s has it already", id)
			}
		}
	}
	if len(l.flaws) > 0 {
		return nil, &Error{l.flaws}
	}
	return drafts, nil
}

// column names the column that an order's error is of; empty when it is the
// list's own trouble.
func column(err error) string {
	var order *central.OrderError
	var personal *identity.Error
	switch {
	case errors.As(err, &order):
		return map[string]string{"zone group": "zone_group", "holder key": "proof"}[order.Field] + plain(order.Field)
	case errors.As(err, &personal):
		switch personal.Part {
		case identity.PartName:
			return "name"
		case identity.PartCode:
			return "foreign_code"
		}
		return "document"
	}
	return ""
}

func plain(field string) string {
	if slices.Contains(Columns(), field) {
		return field
	}
	return ""
}

func why(err error) string {
	var order *central.OrderError
	var personal *identity.Error
	switch {
	case errors.As(err, &order):
		return order.Why
	case errors.As(err, &personal):
		return fmt.Sprintf("the %s %s", personal.Part, personal.Problem)
	}
	return err.Error()
}
