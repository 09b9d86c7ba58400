package pack_test

import (
	"reflect"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/store/storetest"
)

func TestBuildAndOpen(t *testing.T) {
	const n = 10_500
	v := newVenue(t)
	result := v.build(content(tickets(n)))
	if result.Version != 1 || result.Root != 1 || result.Written != 3 || result.Tickets != n {
		t.Fatalf("result %+v", result)
	}
	v.enrol()
	r := v.open()
	if r.Version() != 1 || len(r.Warnings()) != 0 || !r.Issued().Equal(now) {
		t.Fatalf("version %d, warnings %v, issued %v", r.Version(), r.Warnings(), r.Issued())
	}
	e, ok := r.Event(storetest.Event)
	if !ok || e.Tickets != n {
		t.Fatalf("event %+v", e)
	}
	last := gate.TicketID(0)
	got := r.Tickets(t.Context(), storetest.Event)
	want := storetest.Tickets(n, storetest.Options{})
	all := map[gate.TicketID]gate.Ticket{}
	for x, err := range got {
		if err != nil {
			t.Fatal(err)
		}
		if x.ID <= last {
			t.Fatalf("ticket %s after %s", x.ID, last)
		}
		last = x.ID
		all[x.ID] = x
	}
	for x, err := range want {
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(all[x.ID], x) {
			t.Fatalf("ticket %s:\n got %+v\nwant %+v", x.ID, all[x.ID], x)
		}
	}
	if len(all) != n {
		t.Fatalf("%d tickets", len(all))
	}
	if err := r.Accept(); err != nil {
		t.Fatal(err)
	}
	if again := v.open(); again.Version() != 1 {
		t.Fatalf("version %d", again.Version())
	}
}
