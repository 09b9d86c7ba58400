package store_test

import (
	"reflect"
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// equal compares tickets; a slice that is empty and one that is not there are
// the same.
func equal(a, b *gate.Ticket) bool {
	x, y := *a, *b
	for _, t := range []*gate.Ticket{&x, &y} {
		t.Sessions = append([]gate.SessionID{}, t.Sessions...)
		t.Documents = append([]gate.DocumentTag{}, t.Documents...)
		t.Foreign = append([]gate.Tag{}, t.Foreign...)
	}
	return reflect.DeepEqual(x, y)
}

func contains(ids []gate.TicketID, id gate.TicketID) bool { return slices.Contains(ids, id) }
