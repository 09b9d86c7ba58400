package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/sync/central"
)

// demo is a gate with visitors in front of it.
type demo struct {
	office  *central.Office
	devices *demoDevices
	gate    *appliance.Appliance
	events  <-chan lane.Event
	pace    time.Duration
	print   *demoPrinter
	round   int
}

// visitor is somebody who walks up to a lane.
type visitor struct {
	en, zh string // what they do
	lane   gate.LaneID
	show   func(d *demo) error
	stays  bool // on the outside, although the arm opens
}

// party is the tickets of one round's visitors, fresh every round: a demo that
// has run before still has people to let in.
type party struct {
	adult, second, card, refunded, shop, lounge, static, unlisted gate.TicketID
	cardNumber, shopNumber                                        string
	shopCode                                                      string
}

// play lets visitors walk up, round after round, or one round only.
func (d *demo) play(ctx context.Context, once bool) error {
	if err := d.awaitReady(ctx); err != nil {
		return err
	}
	for {
		p, err := d.sell(ctx)
		if err != nil {
			return err
		}
		for _, v := range d.visitors(p) {
			if err := d.walkUp(ctx, &v); err != nil {
				return err
			}
		}
		d.round++
		if once {
			return nil
		}
	}
}

func (d *demo) awaitReady(ctx context.Context) error {
	return d.until(ctx, "the gate's devices to come up", func() bool {
		for _, l := range d.gate.State().Lanes {
			if !l.Ready {
				return false
			}
		}
		return true
	})
}

// until waits for something that the gate does by itself.
func (d *demo) until(ctx context.Context, what string, ok func() bool) error {
	deadline := time.After(15 * time.Second)
	for !ok() {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			return fmt.Errorf("waited 15 s for %s; run with --verbose to see the gate's log", what)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// sell issues the round's tickets, refunds one, and publishes the pack.
func (d *demo) sell(ctx context.Context) (*party, error) {
	now := time.Now()
	p := &party{
		cardNumber: residentNumber(now, d.round, 1), shopNumber: residentNumber(now, d.round, 2),
		shopCode: "SHOP-" + rand.Text()[:10],
	}
	holder := func(name gate.Private, number string) central.Holder {
		return central.Holder{Name: name, Documents: []central.Document{{Type: identity.Resident, Country: "CHN", Number: gate.Private(number)}}}
	}
	chain := central.Order{ZoneGroup: central.DemoStand, Channel: central.DemoOffice, Proof: ticket.ProofChain, Holder: central.Holder{Name: "王小明"}}
	card, shop, lounge, paper := chain, chain, chain, chain
	card.Holder = holder("张三", p.cardNumber)
	shop.Holder, shop.Channel, shop.Foreign = holder("李四", p.shopNumber), central.DemoShop, []gate.Private{gate.Private(p.shopCode)}
	lounge.ZoneGroup = central.DemoLounge
	paper.Proof = ticket.ProofStatic
	issued, err := d.office.Issue(time.Now(), chain, chain, card, chain, shop, lounge, paper)
	if err != nil {
		return nil, err
	}
	for i, id := range []*gate.TicketID{&p.adult, &p.second, &p.card, &p.refunded, &p.shop, &p.lounge, &p.static} {
		*id = issued[i].Ticket.ID
	}
	if _, err := d.office.Refund(p.refunded); err != nil {
		return nil, err
	}
	made, err := d.office.Publish(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	if err := d.until(ctx, "the gate to install the pack", func() bool {
		pack := d.gate.State().Pack
		return pack != nil && uint64(pack.Version) >= made.Version
	}); err != nil {
		return nil, err
	}
	// Sold after the pack was made: the gate has never heard of this one.
	late, err := d.office.Issue(time.Now(), chain)
	if err != nil {
		return nil, err
	}
	p.unlisted = late[0].Ticket.ID
	return p, nil
}

func (d *demo) visitors(p *party) []visitor {
	const one, two = central.DemoEntryLane, central.DemoBothLane
	return []visitor{
		{"a live code on a phone", "出示手机实时票码", one, d.code(p.adult, d.devices.code1), false},
		{"a friend with a photo of that code", "朋友出示该票码的照片", two, d.code(p.adult, d.devices.in2), false},
		{"an ID card, and nothing else", "仅刷身份证", one, d.card("张三", p.cardNumber), false},
		{"the same ID card again", "再次刷同一身份证", one, d.card("张三", p.cardNumber), false},
		{"a screenshot, two minutes old", "出示两分钟前的截图", one, d.screenshot(p.second), false},
		{"a forged code", "出示伪造票码", two, d.forged(p.second), false},
		{"a ticket signed by somebody else", "出示他人签发的假票", one, d.counterfeit(), false},
		{"a refunded ticket", "出示已退款的票", two, d.code(p.refunded, d.devices.in2), false},
		{"a lounge ticket at the stand", "在看台入口出示贵宾票", one, d.code(p.lounge, d.devices.code1), false},
		{"another platform's code", "出示其他平台票码", one, d.text(p.shopCode, d.devices.code1), false},
		{"… and then the ID card it was sold to", "……再刷购票身份证", one, d.card("李四", p.shopNumber), false},
		{"a ticket bought a minute ago", "出示一分钟前购买的票", two, d.code(p.unlisted, d.devices.in2), false},
		{"… and then its full code", "……再出示完整码", two, d.long(p.unlisted, d.devices.in2), false},
		{"a payment code", "误出示付款码", one, d.text("134567890123456789", d.devices.code1), false},
		{"a good code, but nobody walks through", "票码有效，但无人通过", one, d.code(p.second, d.devices.code1), true},
		{"the same visitor again", "同一观众再次出示", one, d.nextCode(p.second, d.devices.code1), false},
		{"a paper ticket", "出示纸质票", two, d.paper(p.static), false},
		{"out for a moment, at the way out", "临时离场", two, d.code(p.adult, d.devices.out2), false},
		{"… and back in", "……再次入场", two, d.nextCode(p.adult, d.devices.in2), false},
	}
}

// walkUp lets one visitor do what they do, and prints what comes of it.
func (d *demo) walkUp(ctx context.Context, v *visitor) error {
	select {
	case <-time.After(d.pace):
	case <-ctx.Done():
		return ctx.Err()
	}
	for len(d.events) > 0 { // what nobody waits for any more
		<-d.events
	}
	if v.stays {
		d.devices.arm1.PassAfter(-1)
		defer d.devices.arm1.PassAfter(walkThrough)
	}
	if err := v.show(d); err != nil {
		return err
	}
	opened := false
	timeout := time.After(20 * time.Second)
	for {
		select {
		case e := <-d.events:
			switch {
			case e.Lane != v.lane:
			case e.Verdict != nil:
				d.print.verdict(v, &e)
				if opened = e.Verdict.Opens(); !opened {
					d.devices.card1.Remove()
					return nil
				}
			case e.Passage != nil && opened:
				d.print.passage(e.Passage)
				d.devices.card1.Remove()
				return nil
			}
		case <-timeout:
			return fmt.Errorf("%q: no verdict within 20 s; run with --verbose to see the gate's log", v.en)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// code shows what a phone shows now.
func (d *demo) code(id gate.TicketID, at *hwtest.Scanner) func(*demo) error {
	return d.shown(id, at, 0, false)
}

func (d *demo) long(id gate.TicketID, at *hwtest.Scanner) func(*demo) error {
	return d.shown(id, at, 0, true)
}

func (d *demo) screenshot(id gate.TicketID) func(*demo) error {
	return d.shown(id, d.devices.code1, -2*time.Minute, false)
}

func (d *demo) shown(id gate.TicketID, at *hwtest.Scanner, shift time.Duration, long bool) func(*demo) error {
	return func(d *demo) error {
		s, err := d.office.Show(id, time.Now().Add(shift), long, nil)
		if err != nil {
			return err
		}
		return at.Scan(s.Text)
	}
}

// nextCode waits until the phone shows another code than it does now: one that
// was accepted is not accepted twice.
func (d *demo) nextCode(id gate.TicketID, at *hwtest.Scanner) func(*demo) error {
	return func(d *demo) error {
		now, err := d.office.Show(id, time.Now(), false, nil)
		if err != nil {
			return err
		}
		time.Sleep(time.Until(now.Until))
		return d.code(id, at)(d)
	}
}

// forged changes the last characters of a good code.
func (d *demo) forged(id gate.TicketID) func(*demo) error {
	return func(d *demo) error {
		s, err := d.office.Show(id, time.Now(), false, nil)
		if err != nil {
			return err
		}
		cut := len(s.Text) - 2
		end := "00"
		if strings.HasSuffix(s.Text, end) {
			end = "11"
		}
		return d.devices.in2.Scan(s.Text[:cut] + end)
	}
}

// counterfeit is a ticket for this event that its issuer never signed.
func (d *demo) counterfeit() func(*demo) error {
	return func(d *demo) error {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		event := d.office.Events()[0]
		forger := ticket.Issuer{KeyID: event.Issuers.Keys()[0].ID, Private: private, IssueKey: []byte(rand.Text())}
		signed, err := forger.Sign(ticket.Body{
			Event: event.ID, Ticket: 1_999_999_999, Generation: 1, ZoneGroup: central.DemoStand, Proof: ticket.ProofStatic,
		})
		if err != nil {
			return err
		}
		text, err := ticket.StaticText(&signed)
		if err != nil {
			return err
		}
		return d.devices.code1.Scan(text)
	}
}

func (d *demo) paper(id gate.TicketID) func(*demo) error {
	return d.shown(id, d.devices.in2, 0, false)
}

func (d *demo) text(text string, at *hwtest.Scanner) func(*demo) error {
	return func(*demo) error { return at.Scan(text) }
}

// liftedFor is longer than the card reader's pause between two looks.
const liftedFor = 500 * time.Millisecond

func (d *demo) card(name, number string) func(*demo) error {
	return func(d *demo) error {
		// The card before has to leave the field first, and be seen to.
		d.devices.card1.Remove()
		time.Sleep(liftedFor)
		return d.devices.card1.Place(hwtest.Card{
			Name: name, Sex: "1", Birth: number[6:14], Number: number, From: "20200101", To: "20400101",
		})
	}
}

// residentNumber makes up an ID number that nobody has: its area, 000000, does
// not exist. Each minute and round has numbers of its own, so that yesterday's
// visitors are not today's.
func residentNumber(now time.Time, round, person int) string {
	const birthdays = 18_000
	birth := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(now.Unix()/60%birthdays))
	digits := fmt.Sprintf("000000%s%03d", birth.Format("20060102"), (round*2+person)%1000)
	return digits + checkCharacter(digits)
}

// checkCharacter is that of GB 11643 (ISO 7064, MOD 11-2).
func checkCharacter(digits string) string {
	sum := 0
	for _, c := range digits {
		sum = (sum + int(c-'0')) * 2 % 11
	}
	return string("0123456789X"[(12-sum)%11])
}
