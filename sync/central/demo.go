package central

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/sync/pack"
)

// What the demo venue is made of.
const (
	DemoEvent     = 1
	DemoGate      = 1
	DemoEntryLane = 1 // north 1: the way in
	DemoBothLane  = 2 // north 2: in and out

	DemoStaff = 1 // may do everything

	// Zones, and the zone groups of those who may be there.
	DemoStand  = 1
	DemoLounge = 2

	// Classes.
	DemoAdult = 1
	DemoChild = 2

	// Channels: the box office, and another platform.
	DemoOffice = 1
	DemoShop   = 2

	demoZone = "Asia/Shanghai"
	demoDays = 7
)

// Demo returns a venue to try things out with: a stadium in Shanghai with one
// gate of two lanes, and an evening of football on the day of now and on each
// of the six days after it. Doors are open around the clock, which no real
// event does, so that the demo runs at any hour.
//
// Both lanes lead to the stand. Guests of the lounge go in elsewhere: at these
// lanes a ticket for the lounge is in the wrong place. Codes alone and documents
// alone are enough; another platform's code asks for the document that it was
// sold to.
func Demo(now time.Time, gateKey ed25519.PublicKey) (*pack.Venue, *pack.Event, error) {
	zone, err := time.LoadLocation(demoZone)
	if err != nil {
		return nil, nil, fmt.Errorf("demo: %w", err)
	}
	return demoVenue(gateKey), demoEvent(now.In(zone)), nil
}

func demoVenue(key ed25519.PublicKey) *pack.Venue {
	return &pack.Venue{
		Format: pack.Format, ID: 1, Name: names("江边体育场", "Riverside Stadium"),
		Zones: []pack.Place{
			{ID: DemoStand, Name: names("看台", "Stand")},
			{ID: DemoLounge, Name: names("贵宾厅", "Lounge")},
		},
		Entrances: []pack.Place{{ID: 1, Name: names("北门", "North")}},
		Gates: []pack.Gate{{
			ID: DemoGate, Incarnation: 1, Name: "North", Key: pack.PublicKey(key), Role: "gate",
			Lanes: []pack.Lane{
				{ID: DemoEntryLane, Name: names("北1", "North 1"), Kind: "entry", From: 0, To: DemoStand, Entrance: 1},
				{ID: DemoBothLane, Name: names("北2", "North 2"), Kind: "both", From: 0, To: DemoStand, Entrance: 1},
			},
		}},
		Keepers: []uint32{DemoGate},
		Staff:   []pack.Staff{{ID: DemoStaff, Name: "1", Roles: []string{"steward", "supervisor", "technician"}}},
	}
}

func demoEvent(today time.Time) *pack.Event {
	e := &pack.Event{
		Format: pack.Format, ID: DemoEvent, Name: names("江边德比", "Riverside Derby"), TimeZone: demoZone,
		Languages: []string{"zh-CN", "en"},
		Rules:     pack.Rules{ReEntry: "after_exit", RealName: "none", Isolation: "refer", AssumedClass: DemoAdult},
		ZoneGroups: []pack.ZoneGroup{
			{ID: DemoStand, Name: names("看台票", "Stand"), Zones: []uint16{DemoStand}},
			{ID: DemoLounge, Name: names("贵宾票", "Lounge"), Zones: []uint16{DemoLounge}},
		},
		Classes: []pack.Class{
			{ID: DemoAdult, Name: names("成人", "Adult")},
			{ID: DemoChild, Name: names("儿童", "Child")},
		},
		Channels: []pack.Channel{{ID: DemoOffice, Name: "Box office"}, {ID: DemoShop, Name: "Ticket shop"}},
	}
	y, m, d := today.Date()
	for i := range demoDays {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, today.Location())
		e.Sessions = append(e.Sessions, pack.Session{
			ID: uint16(i + 1), Name: names(day.Format("1月2日"), day.Format("2 January")),
			Doors: day, Start: day.Add(19*time.Hour + 30*time.Minute),
			End: time.Date(y, m, d+i+1, 0, 0, 0, 0, today.Location()),
		})
	}
	return e
}

func names(chinese, english string) pack.Names {
	return pack.Names{"zh-CN": chinese, "en": english}
}
