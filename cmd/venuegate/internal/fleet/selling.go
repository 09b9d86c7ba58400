package fleet

import (
	"context"
	"fmt"
	"time"
)

// atOnce is how many tickets one call sells.
const atOnce = 100

// sellAll sells the day's tickets through all four channels: of ten, three on
// paper, two in the app, and as lists two and a half each with the shop's code
// and an ID card, and with an ID card alone.
func (d *day) sellAll(ctx context.Context) error {
	began := time.Now()
	paper, app := d.Tickets*3/10, d.Tickets/5
	shop := (d.Tickets - paper - app) / 2
	ids := d.Tickets - paper - app - shop
	guests, err := d.sellPaper(ctx, paper)
	if err != nil {
		return err
	}
	d.crowd.join(guests...)
	if guests, err = d.sellApp(ctx, app); err != nil {
		return err
	}
	d.crowd.join(guests...)
	if guests, err = d.sellShop(ctx, shop); err != nil {
		return err
	}
	d.crowd.join(guests...)
	if guests, err = d.sellIDs(ctx, shop, ids); err != nil {
		return err
	}
	d.crowd.join(guests...)
	d.say("%d tickets sold in %.1f s: %d on paper, %d in the app, %d in the shop with an ID card, %d for an ID card alone",
		d.Tickets, time.Since(began).Seconds(), paper, app, shop, ids)
	return nil
}

func (d *day) soldMore(channel, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sold[channel] += n
}

func (d *day) sellPaper(ctx context.Context, n int) ([]*guest, error) {
	var guests []*guest
	for len(guests) < n {
		items := make([]Item, min(atOnce, n-len(guests)))
		for i := range items {
			items[i].Proof = "static"
		}
		sold, err := d.central.Channels[0].Sell(ctx, "", items...)
		if err != nil {
			return nil, err
		}
		for _, s := range sold {
			guests = append(guests, &guest{kind: kindPaper, ticket: s.Ticket, text: s.Text})
		}
		d.soldMore(0, len(sold))
	}
	return guests, nil
}

func (d *day) sellApp(ctx context.Context, n int) ([]*guest, error) {
	var guests []*guest
	for len(guests) < n {
		account := fmt.Sprintf("account-%d", time.Now().UnixNano())
		sold, err := d.central.Channels[1].Sell(ctx, account, make([]Item, min(atOnce, n-len(guests)))...)
		if err != nil {
			return nil, err
		}
		for _, s := range sold {
			guests = append(guests, &guest{kind: kindApp, ticket: s.Ticket, account: account})
		}
		d.soldMore(1, len(sold))
	}
	return guests, nil
}

// sellShop imports what another platform sold: its own code, and the card of
// whoever bought it.
func (d *day) sellShop(ctx context.Context, n int) ([]*guest, error) {
	l := newList("document", "foreign_code")
	guests := make([]*guest, n)
	for i := range guests {
		g := &guest{kind: kindShop, card: identityCard(i), text: fmt.Sprintf("SHOP-%08d", i)}
		l.row(g.card.Number, g.text)
		guests[i] = g
	}
	return guests, d.importList(ctx, 2, l, guests)
}

// sellIDs imports a list of people who come with their ID card and nothing else.
// The first so many people are somebody else's.
func (d *day) sellIDs(ctx context.Context, first, n int) ([]*guest, error) {
	l := newList("document", "name")
	guests := make([]*guest, n)
	for i := range guests {
		g := &guest{kind: kindID, card: identityCard(first + i)}
		l.row(g.card.Number, g.card.Name)
		guests[i] = g
	}
	return guests, d.importList(ctx, 3, l, guests)
}

func (d *day) importList(ctx context.Context, channel int, l *list, guests []*guest) error {
	first, n, err := d.central.Channels[channel].Import(ctx, []byte(l.String()))
	if err != nil {
		return err
	}
	if n != len(guests) {
		return fmt.Errorf("a list of %d tickets was imported as %d", len(guests), n)
	}
	for i, g := range guests {
		g.ticket = ticketNumber(first, i)
	}
	d.soldMore(channel, n)
	return nil
}

// sellEvery is how often somebody buys while doors are open.
const sellEvery = 250 * time.Millisecond

// sellOn sells, now at the till and now in the app, until ctx ends. Whoever buys
// comes at once.
func (d *day) sellOn(ctx context.Context) error {
	tick := time.NewTicker(sellEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		sell := d.sellPaper
		if n%2 == 1 {
			sell = d.sellApp
		}
		guests, err := sell(context.WithoutCancel(ctx), 1) // a sale that was begun is ended
		if err != nil {
			return err
		}
		d.crowd.join(guests...)
	}
}
