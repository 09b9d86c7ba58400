package lane_test

import (
	"testing"

	"github.com/venuegate/venuegate/gate"
)

func (v *venue) face(f gate.Face) gate.Reading {
	return gate.Reading{Reader: "face", At: v.Now(), Face: &f}
}

// A face that was matched stands for the document of whoever it names.
func TestFace(t *testing.T) {
	const wangCard, zhaoCard = "110105199001010088", "110105199001010096"
	v := newVenue(t)
	v.policy.RealName = gate.RealNameCodeAndDocument
	v.sell(1, v.with(zhangCard))
	v.sell(2, v.with(liCard))
	v.sell(3, v.with(wangCard))
	v.sell(4)
	d := v.desk(northID)

	// In either order, and known by ticket or by tag.
	expect(t, d, v.short(1), gate.Refuse, gate.ReasonDocumentNeeded)
	expect(t, d, v.face(gate.Face{}), gate.Refuse, gate.ReasonFaceNotMatched)
	expect(t, d, v.face(gate.Face{Matched: true, Ticket: 1}), gate.Admit, gate.ReasonAdmitted) // they looked again
	expect(t, d, v.face(gate.Face{Matched: true, Document: v.tag(liCard)}), gate.Refuse, gate.ReasonCodeNeeded)
	expect(t, d, v.short(2), gate.Admit, gate.ReasonAdmitted)

	// Somebody else's face is no help: their code is missing now.
	expect(t, d, v.short(3), gate.Refuse, gate.ReasonDocumentNeeded)
	expect(t, d, v.face(gate.Face{Matched: true, Ticket: 1}), gate.Refuse, gate.ReasonCodeNeeded)

	// Matched, but with nobody who has a ticket here.
	for name, f := range map[string]gate.Face{
		"nobody":                       {Matched: true},
		"no such ticket":               {Matched: true, Ticket: 99},
		"a ticket without a document":  {Matched: true, Ticket: 4},
		"a document without a ticket":  {Matched: true, Document: v.tag(zhaoCard)},
		"a reference without a match":  {Ticket: 3},
		"a document's without a match": {Document: v.tag(zhangCard)},
	} {
		t.Run(name, func(t *testing.T) {
			want := gate.ReasonDocumentUnknown
			if !f.Matched {
				want = gate.ReasonFaceNotMatched
			}
			expect(t, d, v.face(f), gate.Refuse, want)
		})
	}
}

// Where a document opens by itself, so does a face.
func TestFaceAlone(t *testing.T) {
	v := newVenue(t)
	v.policy.RealName = gate.RealNameDocument
	v.sell(1, v.with(zhangCard))
	d := v.desk(northID)
	expect(t, d, v.face(gate.Face{Matched: true, Ticket: 1}), gate.Admit, gate.ReasonAdmitted)
	expect(t, d, v.face(gate.Face{Matched: true, Ticket: 1}), gate.Refuse, gate.ReasonAlreadyInside)
}
