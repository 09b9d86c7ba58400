package ticket

import (
	"math/bits"
	"strings"
)

// Fields is a set of the body fields that a pack and a code may both hold.
type Fields uint16

// The fields of a body, ticket and generation apart.
const (
	FieldAlgorithm Fields = 1 << iota
	FieldKeyID
	FieldEvent
	FieldFlags
	FieldZoneGroup
	FieldT0
	FieldSteps
	FieldPeriod
	FieldProof
	FieldDocumentTag
	FieldAnchor
	FieldHolder
)

// String names the fields, separated by commas.
func (f Fields) String() string {
	names := [...]string{
		"algorithm", "issuer key", "event", "flags", "zone group", "T0", "steps", "period", "proof",
		"document tag", "anchor", "holder key",
	}
	var out []string
	for f != 0 {
		i := bits.TrailingZeros16(uint16(f))
		if i >= len(names) {
			break
		}
		out = append(out, names[i])
		f &= f - 1
	}
	return strings.Join(out, ", ")
}

// differences returns the fields in which a and b are not the same.
func differences(a, b *Body) Fields {
	var f Fields
	mark := func(differ bool, field Fields) {
		if differ {
			f |= field
		}
	}
	mark(a.Algorithm != b.Algorithm, FieldAlgorithm)
	mark(a.KeyID != b.KeyID, FieldKeyID)
	mark(a.Event != b.Event, FieldEvent)
	mark(a.Flags != b.Flags, FieldFlags)
	mark(a.ZoneGroup != b.ZoneGroup, FieldZoneGroup)
	mark(a.T0 != b.T0, FieldT0)
	mark(a.Steps != b.Steps, FieldSteps)
	mark(a.Period != b.Period, FieldPeriod)
	mark(a.Proof != b.Proof, FieldProof)
	mark(a.DocumentTag != b.DocumentTag, FieldDocumentTag)
	mark(a.Anchor != b.Anchor, FieldAnchor)
	mark(a.Holder != b.Holder, FieldHolder)
	return f
}
