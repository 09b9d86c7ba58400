package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

func (t *tool) centralSeedCommand() *cobra.Command {
	var dir string
	var tickets, venues int
	cmd := &cobra.Command{
		Use: "seed --data DIR --tickets N [--venues V]", Short: "Fill a central with invented tickets, to try it out",
		Long: `Sells N invented tickets, spread over V venues, and publishes them: static and
rotating codes, documents, and codes of another platform. Venues are made where
there is nothing. Central must not run.`,
		Example: indent("venuegate central seed --data /srv/try --tickets 20000"),
		Args:    between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tickets < 0 || venues < 1 || venues > 1000 {
				return usagef("--tickets: want 0 or more; --venues: 1 to 1000")
			}
			dirs, err := centralVenues(dir)
			if err != nil {
				return err
			}
			if len(dirs) == 0 {
				if dirs, err = makeVenues(cmd.Context(), dir, venues, t.now()); err != nil {
					return err
				}
			}
			for i, d := range dirs {
				n := tickets / len(dirs)
				if i < tickets%len(dirs) {
					n++
				}
				if err := t.seed(cmd.Context(), d, n); err != nil {
					return err
				}
			}
			return nil
		},
	}
	dataDirFlag(cmd, &dir)
	cmd.Flags().IntVar(&tickets, "tickets", 1000, "how many tickets in all")
	cmd.Flags().IntVar(&venues, "venues", 1, "how many venues to make, where there are none")
	return cmd
}

// makeVenues makes demo venues: one in the directory itself, several below it.
func makeVenues(ctx context.Context, dir string, n int, now time.Time) ([]string, error) {
	if n == 1 {
		_, err := makeVenue(ctx, dir, now, rand.Reader)
		return []string{dir}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the venues: %w", err)
	}
	var dirs []string
	for i := range n {
		d := filepath.Join(dir, fmt.Sprintf("venue-%03d", i+1))
		if err := makeNumbered(ctx, d, uint32(i+1), now); err != nil {
			return nil, err
		}
		dirs = append(dirs, d)
	}
	return dirs, nil
}

// makeNumbered makes a demo venue whose number, and its event's, is another
// than 1. Its gate's key is made here and thrown away: enrol a box for it.
func makeNumbered(ctx context.Context, dir string, id uint32, now time.Time) error {
	key, err := keyring.NewGate(rand.Reader)
	if err != nil {
		return err
	}
	venue, event, err := central.Demo(now, key.Public())
	if err != nil {
		return err
	}
	venue.ID, event.ID = id, id
	office, err := central.Create(dir, venue, []*pack.Event{event}, rand.Reader)
	if err != nil {
		return err
	}
	_, err = office.Publish(ctx, now)
	return err
}

// seedAtOnce is how many tickets are sold at a time.
const seedAtOnce = 5000

func (t *tool) seed(ctx context.Context, dir string, n int) (err error) {
	office, store, err := central.Serve(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	events := office.Events()
	if len(events) == 0 {
		return fmt.Errorf("%s: the venue has no event", dir)
	}
	now, done := t.now(), 0
	for done < n && ctx.Err() == nil {
		some := make([]central.Order, min(seedAtOnce, n-done))
		for i := range some {
			some[i] = invented(events[0], now, done+i)
		}
		if _, err := office.Sell(now, some...); err != nil {
			return err
		}
		done += len(some)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	result, err := office.Publish(ctx, now)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s: %s sold, version %d with %s\n", dir, count(n, "ticket"), result.Version, count(result.Tickets, "ticket"))
	return err
}

// invented is an order of nobody: of ten, one has a rotating code, five a
// document, and four another platform's code.
func invented(e *pack.Event, now time.Time, i int) central.Order {
	unique := fmt.Sprintf("%d-%d", now.UnixNano(), i)
	o := central.Order{Event: gate.EventID(e.ID), Seat: gate.Seat{Area: string(rune('A' + i/5000%26)), Row: fmt.Sprint(i/50%100 + 1), Seat: fmt.Sprint(i%50 + 1)}}
	if len(e.Channels) > 0 {
		o.Channel = gate.ChannelID(e.Channels[i%len(e.Channels)].ID)
	}
	switch {
	case i%10 == 0:
		o.Proof = ticket.ProofChain
	case i%10 < 6:
		o.Holder.Documents = []central.Document{{Type: identity.Passport, Country: "UTO", Number: gate.Private(fmt.Sprintf("U%X%d", now.UnixMilli(), i))}}
	default:
		o.Foreign = []gate.Private{gate.Private("SEED-" + unique)}
	}
	return o
}
