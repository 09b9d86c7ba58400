package pack

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// maxSealed bounds what is sealed to one gate, in bytes.
const maxSealed = 64 << 10

func sealedName(gate uint32) string { return fmt.Sprintf("venue/keys/%d", gate) }

// sealed writes the sealed keys of the venue's gates.
func (b *build) sealed(venue *Venue, keys map[uint32][]byte) error {
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		name, data := sealedName(id), keys[id]
		switch {
		case !slices.ContainsFunc(venue.Gates, func(g Gate) bool { return g.ID == id }):
			return &DocumentError{name, []Problem{{Why: fmt.Sprintf("the venue has no gate %d", id)}}}
		case len(data) == 0:
			return &DocumentError{name, []Problem{{Why: "empty; leave the gate away instead"}}}
		case len(data) > maxSealed:
			return &DocumentError{name, []Problem{{Why: fmt.Sprintf("%d bytes, at most %d", len(data), maxSealed)}}}
		}
		if err := b.target(metadata.TARGETS, name, data, nil); err != nil {
			return err
		}
	}
	return nil
}

// Sealed returns what the repository holds sealed to one gate, as it was
// signed. Only that gate can open it. A [*MissingError] says that there is
// nothing for the gate.
func (r *Repository) Sealed(ctx context.Context, gate uint32) ([]byte, error) {
	return r.fetch(ctx, r.set.Targets[metadata.TARGETS].Signed.Targets, sealedName(gate), maxSealed)
}
