// Package drawn draws tickets at random for laws that must hold for all of them.
// It is apart from storetest because the library that draws is for tests only,
// and storetest is linked into a command.
package drawn

import (
	"time"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/gate"
)

// Ticket draws tickets that a pack can hold, for laws that hold for all of
// them: every field on and off, every status and proof. Lists that are empty
// are nil.
func Ticket() *rapid.Generator[gate.Ticket] {
	return rapid.Custom(func(t *rapid.T) gate.Ticket {
		x := gate.Ticket{
			Event:         gate.EventID(rapid.Uint32().Draw(t, "event")),
			ID:            gate.TicketID(rapid.Uint64Min(1).Draw(t, "id")),
			Generation:    rapid.Uint8Min(1).Draw(t, "generation"),
			Status:        gate.Status(rapid.Uint8Max(3).Draw(t, "status")),
			Class:         gate.ClassID(rapid.Uint16Min(1).Draw(t, "class")),
			ZoneGroup:     gate.ZoneGroupID(rapid.Uint16Min(1).Draw(t, "zone group")),
			Entrance:      gate.EntranceID(rapid.Uint16().Draw(t, "entrance")),
			Sessions:      list(t, "sessions", 4, func(t *rapid.T) gate.SessionID { return gate.SessionID(rapid.Uint16Min(1).Draw(t, "session")) }),
			ReEntry:       rapid.Bool().Draw(t, "re-entry"),
			RealName:      rapid.Bool().Draw(t, "real-name"),
			Party:         rapid.Uint8Min(1).Draw(t, "party"),
			AdmitFrom:     moment(t, "admit"),
			EntriesPerDay: rapid.Uint16().Draw(t, "per day"),
			EntriesInAll:  rapid.Uint16().Draw(t, "in all"),
			Order:         gate.OrderID(rapid.Uint64().Draw(t, "order")),
			Pass:          gate.PassID(rapid.Uint64().Draw(t, "pass")),
			Channel:       gate.ChannelID(rapid.Uint16().Draw(t, "channel")),
			Code:          code(t),
			Documents: list(t, "documents", 3, func(t *rapid.T) gate.DocumentTag {
				return gate.DocumentTag{Type: gate.DocumentType(rapid.Uint8Range(1, 7).Draw(t, "type")), Tag: anyTag(t, 1)}
			}),
			Name: anyTag(t, 0), Birth: anyTag(t, 0), Phone: anyTag(t, 0),
			Masked:   rapid.SampledFrom([]string{"", "*", "张*", "欧阳*", "J*** \"D*\" \\"}).Draw(t, "masked"),
			Seat:     gate.Seat{Area: text(t), Row: text(t), Seat: text(t)},
			Language: rapid.SampledFrom([]string{"", "en", "zh-CN", "zh-Hant-HK"}).Draw(t, "language"),
			Foreign:  list(t, "foreign", 3, func(t *rapid.T) gate.Tag { return anyTag(t, 1) }),
		}
		x.ValidFrom, x.ValidUntil = moment(t, "from"), moment(t, "until")
		if !x.ValidFrom.IsZero() && !x.ValidUntil.IsZero() && x.ValidUntil.Before(x.ValidFrom) {
			x.ValidFrom, x.ValidUntil = x.ValidUntil, x.ValidFrom
		}
		return x
	})
}

func list[T any](t *rapid.T, label string, most int, one func(*rapid.T) T) []T {
	all := rapid.SliceOfN(rapid.Custom(one), 0, most).Draw(t, label)
	if len(all) == 0 {
		return nil
	}
	return all
}

func moment(t *rapid.T, label string) time.Time {
	if !rapid.Bool().Draw(t, label+" set") {
		return time.Time{}
	}
	return time.Unix(rapid.Int64Range(1, 253402300799).Draw(t, label), 0).UTC()
}

// anyTag draws a tag whose first byte is at least so much.
func anyTag(t *rapid.T, least byte) gate.Tag {
	var tag gate.Tag
	copy(tag[:], rapid.SliceOfN(rapid.Byte(), len(tag), len(tag)).Draw(t, "tag"))
	tag[0] = max(tag[0], least)
	return tag
}

func text(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "A", "12", "看台东", `"`, "\\", "a\tb", "é", "😀", "<&>"}).Draw(t, "text")
}

func code(t *rapid.T) gate.CodeParams {
	c := gate.CodeParams{KeyID: rapid.Uint16().Draw(t, "key"), Proof: gate.Proof(rapid.Uint8Max(2).Draw(t, "proof"))}
	if c.Proof == gate.ProofStatic {
		return c
	}
	c.T0 = rapid.Uint32().Draw(t, "t0")
	c.Steps, c.Period = rapid.Uint16Min(1).Draw(t, "steps"), rapid.Uint8Min(1).Draw(t, "period")
	secret := rapid.SliceOfN(rapid.ByteMin(1), 32, 32).Draw(t, "anchor or holder")
	if c.Proof == gate.ProofChain {
		copy(c.Anchor[:], secret)
	} else {
		copy(c.Holder[:], secret)
	}
	return c
}
