package storetest

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// The event that the tickets are of.
const (
	Event     gate.EventID  = 2026
	FirstID   gate.TicketID = 10_000_000_001
	Zones                   = 4 // zone groups 1 to 4 grant zones 11 to 14
	Channels                = 4
	KeyID     uint16        = 1
	Period    uint8         = 10
	Steps     uint16        = 8640
	Documents               = 0.3 // share of tickets that are bound to a document
	Foreign                 = 0.1 // share that another platform sold under a code of its own
)

// T0 is the step 0 of every ticket, and an hour before the doors open.
var T0 = time.Date(2026, time.November, 20, 9, 0, 0, 0, time.UTC)

// Options shape the tickets. The zero value is fine.
type Options struct {
	Seed uint64
	// Each may change a ticket before it is handed out, such as to put a real
	// chain's anchor into every thousandth. It must not change the id.
	Each func(i int, t *gate.Ticket)
}

// Tickets returns n tickets in ascending order of their ids, which are not
// dense: tickets are issued in runs with gaps between them. Anchors are random
// bytes, so codes of these tickets verify only where Each puts real ones in.
// The tickets do not share memory with each other.
func Tickets(n int, o Options) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		r := rand.New(rand.NewPCG(o.Seed, 0x5eed))
		for i := range n {
			t := one(r, i)
			if o.Each != nil {
				o.Each(i, &t)
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// ID returns the id of the i-th ticket.
func ID(i int) gate.TicketID { return FirstID + gate.TicketID(i+i/500*37) }

// DocumentTag returns the tag of the document that the i-th ticket is bound
// to, whether that ticket is among the bound ones or not. Four tickets in a
// row that are bound are the same person's.
func DocumentTag(i int) gate.Tag { return tag("document", i/4) }

// ForeignTag returns the tag of the i-th ticket's foreign code.
func ForeignTag(i int) gate.Tag { return tag("foreign", i) }

// tag spreads a number over 16 bytes, as the keyed tags it stands for do.
func tag(kind string, i int) gate.Tag {
	r := rand.New(rand.NewPCG(uint64(i), uint64(kind[0])))
	var t gate.Tag
	binary.BigEndian.PutUint64(t[:8], r.Uint64())
	binary.BigEndian.PutUint64(t[8:], r.Uint64())
	return t
}

func one(r *rand.Rand, i int) gate.Ticket {
	t := gate.Ticket{
		Event: Event, ID: ID(i), Generation: 1, Class: gate.ClassID(1 + i%3),
		ZoneGroup: gate.ZoneGroupID(1 + i%Zones), Sessions: []gate.SessionID{gate.SessionID(1 + i%2)},
		ReEntry: i%2 == 0, Party: 1, Order: gate.OrderID(500_000 + i/3), Channel: gate.ChannelID(1 + i%Channels),
		Code: gate.CodeParams{
			KeyID: KeyID, T0: uint32(T0.Unix()), Steps: Steps, Period: Period, Proof: gate.ProofChain,
		},
		Seat:     gate.Seat{Area: string(rune('A' + i%26)), Row: strconv.Itoa(1 + i/40%60), Seat: strconv.Itoa(1 + i%40)},
		Language: "zh-CN",
	}
	binary.BigEndian.PutUint64(t.Code.Anchor[:], r.Uint64())
	binary.BigEndian.PutUint64(t.Code.Anchor[8:], r.Uint64())
	binary.BigEndian.PutUint32(t.Code.Anchor[16:], r.Uint32())
	if r.Float64() < Documents {
		t.RealName = true
		t.Documents = []gate.DocumentTag{{Type: gate.DocumentResident, Tag: DocumentTag(i)}}
		t.Masked = "张*"
		t.Name, t.Phone = tag("name", i), tag("phone", i%10_000)
	}
	if r.Float64() < Foreign {
		t.Foreign = []gate.Tag{ForeignTag(i)}
	}
	if i%200 == 199 {
		t.Generation, t.Status = 2, gate.StatusVoid
	}
	return t
}

// Policy returns the event's policy: two sessions on one day, a zone group for
// every zone, coming back after a pause.
func Policy() *gate.Policy {
	groups := make(map[gate.ZoneGroupID][]gate.ZoneID, Zones)
	for z := range Zones {
		groups[gate.ZoneGroupID(z+1)] = []gate.ZoneID{gate.ZoneID(11 + z)}
	}
	return &gate.Policy{
		Event: Event, TimeZone: time.UTC, ZoneGroups: groups,
		Sessions:     []gate.Session{session(1, 1), session(2, 7)},
		ReEntry:      gate.ReEntryAfterPause,
		ReEntryPause: 5 * time.Minute,
		Margins:      gate.Margins{Behind: 3, Ahead: 2}, UntrustedMargins: gate.Margins{Behind: 30, Ahead: 30},
		Isolation: gate.IsolationRefer,
	}
}

func session(id gate.SessionID, hours int) gate.Session {
	doors := T0.Add(time.Duration(hours) * time.Hour)
	return gate.Session{
		ID: id, Name: fmt.Sprintf("session %d", id),
		Doors: doors, Start: doors.Add(time.Hour), LastEntry: doors.Add(2 * time.Hour), End: doors.Add(4 * time.Hour),
	}
}
