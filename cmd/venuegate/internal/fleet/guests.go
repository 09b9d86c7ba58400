package fleet

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/hwtest"
)

func unhex(text string) ([]byte, error) { return hex.DecodeString(text) }

// Kinds of guests.
const (
	kindPaper  = "paper ticket"
	kindApp    = "code in the app"
	kindShop   = "shop's code and ID card"
	kindID     = "ID card alone"
	kindFriend = "a friend with the same code"
	kindRefund = "refunded ticket"
	kindVoid   = "void ticket"
	kindOld    = "code of the former holder"
	kindNew    = "code of the new holder"
)

// guest is somebody who has a ticket, or thinks so.
type guest struct {
	kind    string
	ticket  string
	account string // in the app
	text    string // on paper, or what the shop's code says
	card    *hwtest.Card
	phone   *Phone // that holds codes already

	refused string // reason that is expected; empty: to be let in
	came    int    // at which box, from 1
}

// crowd are the guests who have not come yet, by kind, so that they come mixed.
type crowd struct {
	mu    sync.Mutex
	kinds [][]*guest
	next  int
	again []*guest // friends, who try at another gate
	here  []*guest // who have come, on paper
}

// join adds guests of one kind.
func (c *crowd) join(guests ...*guest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(guests) > 0 {
		c.kinds = append(c.kinds, guests)
	}
}

// take returns who comes next to a box; nil: nobody.
func (c *crowd) take(box int) *guest {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, g := range c.again {
		if g.came != box {
			c.again = append(c.again[:i], c.again[i+1:]...)
			return g
		}
	}
	for range c.kinds {
		c.next = (c.next + 1) % len(c.kinds)
		if k := c.kinds[c.next]; len(k) > 0 {
			c.kinds[c.next] = k[1:]
			return k[0]
		}
	}
	return nil
}

// pick takes n guests of a kind out of the crowd, before they come.
func (c *crowd) pick(kind string, n int) []*guest {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*guest
	for i, k := range c.kinds {
		for len(out) < n && len(k) > 0 && k[len(k)-1].kind == kind {
			out = append(out, k[len(k)-1])
			k = k[:len(k)-1]
		}
		c.kinds[i] = k
	}
	return out
}

// friendEvery is how many guests come for one friend who tries the same code.
const friendEvery = 15

// arrived notes that a guest was let in at a box.
func (c *crowd) arrived(g *guest, box, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g.came = box
	if g.kind == kindPaper {
		c.here = append(c.here, g)
	}
	if n%friendEvery == 0 && g.kind != kindShop && g.kind != kindApp {
		friend := *g
		friend.kind, friend.refused = kindFriend, "any"
		c.again = append(c.again, &friend)
	}
}

// try lets a guest show what they have at a box.
func (d *day) try(ctx context.Context, b *Box, g *guest) (Told, error) {
	switch {
	case g.phone != nil || g.account != "":
		if g.phone == nil {
			var err error
			if g.phone, err = d.central.Channels[1].Lease(ctx, g.ticket, g.account); err != nil {
				return Told{}, err
			}
		}
		text, err := g.phone.Text(time.Now())
		if err != nil {
			return Told{}, err
		}
		return b.Scan(ctx, text)
	case g.card != nil && g.text != "":
		told, err := b.Scan(ctx, g.text)
		if err != nil || told.Verdict.Reason != gate.ReasonDocumentNeeded {
			return told, err
		}
		return b.Lay(ctx, *g.card)
	case g.card != nil:
		return b.Lay(ctx, *g.card)
	default:
		return b.Scan(ctx, g.text)
	}
}

// identityCard makes up the card of a person that nobody is: its area, 000000,
// does not exist.
func identityCard(i int) *hwtest.Card {
	const birthdays = 18_000
	birth := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i%birthdays).Format("20060102")
	digits := fmt.Sprintf("000000%s%03d", birth, i/birthdays)
	sum := 0 // the check character is that of GB 11643 (ISO 7064, MOD 11-2)
	for _, c := range digits {
		sum = (sum + int(c-'0')) * 2 % 11
	}
	number := digits + string("0123456789X"[(12-sum)%11])
	return &hwtest.Card{Name: "张三", Sex: "1", Birth: birth, Number: number, From: "20200101", To: "20400101"}
}

func ticketNumber(first uint64, i int) string { return strconv.FormatUint(first+uint64(i), 10) }
