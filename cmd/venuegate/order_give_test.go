package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/ledger"
)

// runningGate answers on the control socket of a data directory as a gate does:
// it keeps the orders that it is given.
func runningGate(t *testing.T) (data string, given *[]gate.SignedOrder) {
	t.Helper()
	data = t.TempDir()
	given = new([]gate.SignedOrder)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != orderType {
			http.Error(w, "not an order", http.StatusUnsupportedMediaType)
			return
		}
		o, err := gate.ParseSignedOrder(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if o.Lane == 99 {
			http.Error(w, "no lane 99", http.StatusConflict)
			return
		}
		*given = append(*given, o)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /orders", func(w http.ResponseWriter, _ *http.Request) {
		l := ledger.New()
		var clock ledger.Clock
		var prev ledger.Hash
		add := func(r ledger.Record) {
			r.Wall = evening
			clock = clock.Next(evening)
			r.Clock, r.Prev = clock, prev
			r.Position = ledger.Position{Origin: ledger.Origin{Gate: 1, Epoch: 1}, Sequence: l.Vector()[ledger.Origin{Gate: 1, Epoch: 1}] + 1}
			prev = r.Hash()
			if err := l.Add(&r); err != nil {
				t.Error(err)
			}
		}
		add(ledger.Record{Kind: ledger.KindEpoch, Step: ledger.NoStep})
		for i := range *given {
			records, err := ledger.OrderRecords(&(*given)[i])
			if err != nil {
				t.Error(err)
			}
			for _, r := range records {
				add(r)
			}
		}
		l.Trust(ledger.Authority{Gate: func(gate.GateID) bool { return true }})
		reports := []ledger.OrderReport{}
		for _, s := range l.Orders() {
			reports = append(reports, s.Report())
		}
		_ = json.NewEncoder(w).Encode(reports)
	})
	l, err := net.Listen("unix", appliance.ControlSocket(data))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}}
	server.Start()
	t.Cleanup(server.Close)
	return data, given
}

func TestGiveOrder(t *testing.T) {
	data, given := runningGate(t)
	key := filepath.Join(t.TempDir(), "12.pem")
	public := strings.TrimSpace(must(t, "staff", "key", key))
	if again := strings.TrimSpace(must(t, "staff", "key", key)); again != public {
		t.Error("the key has changed")
	}
	tests := []struct {
		args []string
		want gate.Order
	}{
		{[]string{"doors", "30m", "--event", "1"}, gate.Order{Kind: gate.OrderDoors, Event: 1, At: evening.Add(30 * time.Minute)}},
		{[]string{"last-entry", "2026-11-22T12:00:00Z", "--event", "1", "--session", "2", "--until", "2h"}, gate.Order{
			Kind: gate.OrderLastEntry, Event: 1, Session: 2, At: evening.Add(30 * time.Minute), Until: evening.Add(2 * time.Hour),
		}},
		{[]string{"doors", "12:05", "--event", "1"}, gate.Order{Kind: gate.OrderDoors, Event: 1, At: evening.Add(35 * time.Minute)}},
		{[]string{"entrance", "2", "--entrance", "3"}, gate.Order{Kind: gate.OrderEntrance, Entrance: 3, To: 2}},
		{[]string{"lane-kind", "exit", "--lane", "21"}, gate.Order{Kind: gate.OrderLaneKind, Lane: 21, LaneKind: gate.LaneExit}},
		{[]string{"close", "--lane", "21"}, gate.Order{Kind: gate.OrderLaneClosed, Lane: 21}},
		{[]string{"hold", "--entrance", "3", "--zone", "4"}, gate.Order{Kind: gate.OrderHold, Entrance: 3, Zone: 4}},
		{[]string{"block-ticket", "1000000001"}, gate.Order{Kind: gate.OrderBlockTicket, Ticket: 1000000001}},
		{[]string{"block-document", "8a441dd48c4101cbfeb077cb7438bc7b"}, gate.Order{
			Kind: gate.OrderBlockDocument, Person: gate.PersonKey{0x8a, 0x44, 0x1d, 0xd4, 0x8c, 0x41, 0x01, 0xcb},
		}},
		{[]string{"evacuate", "--zone", "4"}, gate.Order{Kind: gate.OrderEvacuate, Zone: 4}},
		{[]string{"normal"}, gate.Order{Kind: gate.OrderNormal}},
		{[]string{"cancel", "77"}, gate.Order{Kind: gate.OrderCancel, Cancels: 77}},
	}
	for _, test := range tests {
		t.Run(test.args[0], func(t *testing.T) {
			*given = nil
			args := append([]string{"order"}, test.args...)
			r := runAt(t, evening, "", append(args, "--data", data, "--staff", "12", "--key", key)...)
			if r.code != 0 || len(*given) != 1 {
				t.Fatalf("code %d, %d given: %s", r.code, len(*given), r.err)
			}
			got := (*given)[0]
			pub, err := hex.DecodeString(public)
			if err != nil || got.Verify(ed25519.PublicKey(pub)) != nil {
				t.Error("it is not signed by the key")
			}
			test.want.ID, test.want.Staff, test.want.Issued = got.ID, 12, evening
			if got.Order != test.want {
				t.Errorf("got %+v, want %+v", got.Order, test.want)
			}
		})
	}
	t.Run("a button needs no key", func(t *testing.T) {
		*given = nil
		if r := runAt(t, evening, "", "order", "evacuate", "--data", data); r.code != 0 || len(*given) != 1 || (*given)[0].IsSigned() {
			t.Errorf("code %d: %s", r.code, r.err)
		}
		if r := run(t, "", "order", "list", "--data", data); r.code != 0 || !strings.Contains(r.out, "evacuate  unsigned") {
			t.Errorf("list: %q %s", r.out, r.err)
		}
		r := run(t, "", "order", "list", "--data", data, "--json")
		var o ledger.OrderReport
		if err := json.Unmarshal([]byte(r.out), &o); err != nil || o.Kind != "evacuate" || o.Record != "1-1/2" {
			t.Errorf("list: %q, %v", r.out, err)
		}
	})
}

func TestGiveOrderRefuses(t *testing.T) {
	data, given := runningGate(t)
	key := filepath.Join(t.TempDir(), "12.pem")
	must(t, "staff", "key", key)
	signed := []string{"--data", data, "--staff", "12", "--key", key}
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no gate is named", []string{"hold"}, 2, "--data is missing"},
		{"nobody gives it", []string{"hold", "--data", data}, 2, "--staff and --key"},
		{"half a signature", []string{"evacuate", "--data", data, "--staff", "12"}, 2, "--staff and --key"},
		{"doors of no event", append([]string{"doors", "19:15"}, signed...), 2, "event is missing"},
		{"no time", append([]string{"doors", "soon", "--event", "1"}, signed...), 2, "TIME: want a time"},
		{"no lane kind", append([]string{"lane-kind", "sideways", "--lane", "1"}, signed...), 2, "KIND is one of"},
		{"no tag", append([]string{"block-document", "11010519491231002X"}, signed...), 2, "TAG is 32 hex digits"},
		{"a key that is not there", []string{"hold", "--data", data, "--staff", "12", "--key", key + "x"}, 1, "venuegate staff key makes one"},
		{"what the gate refuses", append([]string{"close", "--lane", "99"}, signed...), 1, "no lane 99"},
		{"no gate runs", []string{"hold", "--data", t.TempDir(), "--staff", "12", "--key", key}, 1, "no gate answers"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := runAt(t, evening, "", append([]string{"order"}, test.args...)...)
			if r.code != test.code || !strings.Contains(r.err, test.says) || strings.Contains(r.err, "11010519491231002X") {
				t.Errorf("code %d, said %q", r.code, r.err)
			}
		})
	}
	if len(*given) != 0 {
		t.Errorf("%d orders were given", len(*given))
	}
}

// The own journal is enough where a gate does not run.
func TestConflictsOfAGateThatDoesNotRun(t *testing.T) {
	data := t.TempDir()
	j, err := openJournal(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		r := ledger.Record{
			Kind: ledger.KindGrant, Wall: evening.Add(time.Duration(i) * time.Second), Event: 1, Ticket: 1000000001, Generation: 1, Session: 1,
			Step: uint32(42 + i), Count: 1, Lane: gate.LaneID(1 + i), To: 1, Outcome: gate.Admit, Reason: gate.ReasonAdmitted,
			Request: uint64(5 * i),
		}
		if i == 1 {
			r.Marks = gate.MarkIsolated
		}
		if _, err := j.Append(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(data, "packs"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := run(t, "", "conflicts", "--data", data)
	if r.code != 0 || !strings.Contains(r.out, "ticket 1000000001: event 1, session 1, 1 grant too many\n") ||
		!strings.Contains(r.out, "lane 2  1 person  1-1/3  in excess  isolated  claimed\n") {
		t.Errorf("code %d\n%s%s", r.code, r.out, r.err)
	}
	r = run(t, "", "conflicts", "--data", data, "--json")
	var c ledger.ConflictReport
	if err := json.Unmarshal([]byte(r.out), &c); err != nil || c.Excess != 1 || !c.ExcessClaimed || c.AllClaimed || len(c.Grants) != 2 {
		t.Errorf("%s, %v", r.out, err)
	}
	if r := run(t, "", "conflicts", "--data", t.TempDir()); r.code != 1 || !strings.Contains(r.err, "no journal") {
		t.Errorf("code %d, said %q", r.code, r.err)
	}
}
