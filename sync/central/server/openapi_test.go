package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/venuegate/venuegate/docs/protocol"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
)

// documented checks every answer against the document and notes which operation
// was called.
type documented struct {
	*fixture
	router routers.Router
	doc    *openapi3.T
	called map[string]bool
	key    string
}

func newDocumented(t *testing.T) *documented {
	t.Helper()
	d := &documented{fixture: newFixture(t), called: map[string]bool{}}
	var err error
	d.doc, err = openapi3.NewLoader().LoadFromData([]byte(protocol.Central()))
	d.check(err)
	d.check(d.doc.Validate(t.Context()))
	doc := *d.doc
	d.router, err = gorillamux.NewRouter(&doc)
	d.check(err)
	for _, kind := range []string{"application/vnd.venuegate.records", "application/octet-stream"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
	d.key = d.newKey(central.APIKey{Name: "office", Role: roleOffice})
	return d
}

func (f *fixture) newKey(k central.APIKey) string {
	f.Helper()
	text, err := NewKey(f.server.accounts(), k, f.server.random)
	f.check(err)
	return text
}

// as makes a call with a JSON body (nil: none) and an API key.
func (f *fixture) as(key, method, path string, in any, header ...string) answer {
	f.Helper()
	var body []byte
	if in != nil {
		body = jsonBody(f, in)
		header = append(header, "Content-Type", "application/json")
	}
	return f.call(method, path, body, append(header, "Authorization", "Bearer "+key)...)
}

// conforms checks an answer against the document.
func (d *documented) conforms(method, path string, request []byte, a answer, header ...string) answer {
	d.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "http://central"+path, bytes.NewReader(request))
	d.check(err)
	r.URL.Host, r.URL.Scheme = "", ""
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	route, params, err := d.router.FindRoute(r)
	if err != nil && strings.HasPrefix(path, "/v1/repository/") {
		r.URL.Path = "/v1/repository/x" // OpenAPI has no parameter that holds slashes
		route, params, err = d.router.FindRoute(r)
	}
	if err != nil {
		d.Fatalf("%s %s: %v", method, path, err)
	}
	d.called[route.Operation.OperationID] = true
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if a.status < 400 {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			d.Errorf("%s %s: a good request is not as documented: %v", method, path, err)
		}
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), Options: in.Options,
	})
	if err != nil {
		d.Errorf("%s %s: status %d is not as documented: %v\n%s", method, path, a.status, err, a.body[:min(len(a.body), 600)])
	}
	return a
}

// want calls with the office's key, and checks status and form of the answer.
func (d *documented) want(status int, method, path string, in any, header ...string) answer {
	d.Helper()
	var body []byte
	full := header
	if in != nil {
		body = jsonBody(d, in)
		full = append(slices.Clone(header), "Content-Type", "application/json")
	}
	a := d.conforms(method, path, body, d.as(d.key, method, path, in, header...), full...)
	if a.status != status {
		d.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// Every operation of the document is called, answers what the document says,
// and every route of the server is documented.
func TestOpenAPI(t *testing.T) {
	d := newDocumented(t)
	d.enrolAndUpload()
	tickets := d.sellAndChange()
	d.reportAndTend(tickets)

	want := map[string]bool{}
	routes := map[string]bool{}
	for path, item := range d.doc.Paths.Map() {
		for method, op := range item.Operations() {
			want[op.OperationID] = true
			routes[method+" "+strings.Replace(path, "{path}", "{path...}", 1)] = true
		}
	}
	for id := range want {
		if !d.called[id] {
			t.Errorf("operation %s was not called", id)
		}
	}
	for _, r := range d.server.Routes() {
		if !routes[r] {
			t.Errorf("route %s is not documented", r)
		}
		delete(routes, r)
	}
	for r := range routes {
		t.Errorf("%s is documented and does not exist", r)
	}
}

func (d *documented) enrolAndUpload() {
	code := d.want(201, "POST", "/v1/enrolment-codes", invitation{Gate: "1"})
	var made invited
	code.into(d, &made)
	if made.QR != "VGE1 "+d.http.URL+" "+made.Code {
		d.Errorf("QR text %q", made.QR)
	}
	d.want(422, "POST", "/v1/enrolment-codes", invitation{Gate: "8"}) // a new gate without a name
	spare := newGate(d)
	a := d.enrol(made.Code, spare)
	d.conforms("POST", "/v1/enrolments", jsonBody(d, enrolment{Code: made.Code, Public: strings.Repeat("0", 64), Seal: strings.Repeat("0", 64)}), a, "Content-Type", "application/json")
	d.conforms("POST", "/v1/enrolments", nil, d.enrol(made.Code, newGate(d)), "Content-Type", "application/json")
	const stamp = "/v1/repository/metadata/timestamp.json"
	whole := d.conforms("GET", stamp, nil, d.asGate(spare, 1, "GET", stamp, nil))
	d.conforms("GET", stamp, nil, d.asGate(spare, 1, "GET", stamp, nil, "Range", "bytes=0-9"))
	d.conforms("GET", stamp, nil, d.asGate(spare, 1, "GET", stamp, nil, "If-None-Match", whole.header.Get("ETag")))
	d.conforms("GET", stamp, nil, d.call("GET", stamp, nil))

	j := newJournal(d.first, 1, 4)
	j.grant(central.FirstTicket(1), evening.Add(-time.Hour))
	j.grant(central.FirstTicket(1), evening.Add(time.Minute))
	j.add(ledger.Record{
		Kind: ledger.KindRefusal, Event: 1, Session: 1, Step: ledger.NoStep, Lane: central.DemoEntryLane, To: central.DemoStand,
		Outcome: gate.Refuse, Reason: gate.ReasonCodeStale,
	})
	const path = "/v1/journals/1/4?from="
	good := zipped(d, j.batch(1, 4))
	header := []string{"Content-Type", recordsType, "Content-Encoding", "zstd"}
	if a := d.conforms("POST", path+"1", good, d.upload(spare, 1, path+"1", j.batch(1, 4)), header...); a.status != 200 {
		d.Errorf("upload: %d %s", a.status, a.body)
	}
	d.conforms("POST", path+"9", good, d.upload(spare, 1, path+"9", j.batch(1, 4)), header...)
	d.conforms("GET", "/v1/journals", nil, d.asGate(spare, 1, "GET", "/v1/journals", nil))
}

func (d *documented) sellAndChange() (ids []string) {
	var out struct {
		Tickets    []sold
		Duplicates []duplicate
	}
	passport := []saleDocument{{Type: "passport", Country: "UTO", Number: "L898902C3"}, {Type: "resident", Number: "11010519491231002X"}}
	in := sale{Account: "alice", Order: "77", Tickets: []saleTicket{
		{Documents: passport, Name: "Eriksson Anna Maria", Seat: saleSeat{"C", "12", "7"}},
		{Documents: passport[:1], Proof: "static", Foreign: []gate.Private{"SHOP-1"}},
	}}
	// gate.Private does not write itself into JSON, so the body is made by hand.
	const first = `{"account":"alice","order":"77","tickets":[
		{"documents":[{"type":"passport","country":"UTO","number":"L898902C3"},{"type":"resident","number":"11010519491231002X"}],
		 "name":"Eriksson Anna Maria","seat":{"area":"C","row":"12","seat":"7"}},
		{"documents":[{"type":"passport","country":"UTO","number":"L898902C3"}],"proof":"static","foreign_codes":["SHOP-1"]}]}`
	_ = in
	const path = "/v1/events/1/tickets"
	a := d.want(201, "POST", path, json.RawMessage(first), "Idempotency-Key", "one")
	a.into(d, &out)
	if len(out.Tickets) != 2 || out.Tickets[0].Proof != "chain" || out.Tickets[0].LongUntil == nil || out.Tickets[1].Text == "" {
		d.Fatalf("sold %s", a.body)
	}
	if len(out.Duplicates) != 1 || out.Duplicates[0].Index != 1 || *out.Duplicates[0].With != 0 {
		d.Errorf("duplicates %s", a.body)
	}
	again := d.want(201, "POST", path, json.RawMessage(first), "Idempotency-Key", "one")
	if !bytes.Contains(again.body, []byte(`"ticket":"`+out.Tickets[0].Ticket+`"`)) {
		d.Error("the same sale a second time made other tickets")
	}
	d.want(409, "POST", path, json.RawMessage(first)) // its foreign code is on the list
	d.want(422, "POST", path, json.RawMessage(`{"tickets":[{"class":99}]}`))
	d.want(422, "POST", path, json.RawMessage(`{"tickets":[]}`))
	one := path + "/" + out.Tickets[0].Ticket
	d.want(200, "GET", one, nil)
	d.want(404, "GET", path+"/5", nil)

	lease := "/v1/tickets/" + out.Tickets[0].Ticket + "/lease"
	alice := leaseRequest{"alice", "phone 1"}
	d.want(200, "POST", lease, alice)
	d.want(200, "POST", lease, alice)
	taken := d.want(409, "POST", lease, leaseRequest{"alice", "phone 2"})
	if p := taken.problem(d); p.kind() != "phone-taken" || p.Until == nil {
		d.Errorf("a second phone: %s", taken.body)
	}
	d.want(403, "POST", lease, leaseRequest{"mallory", "phone 3"})
	d.want(422, "POST", lease, leaseRequest{})
	d.want(422, "POST", "/v1/tickets/"+out.Tickets[1].Ticket+"/lease", alice) // no chain
	d.want(200, "DELETE", lease, nil)
	d.want(200, "POST", lease, leaseRequest{"alice", "phone 2"})

	d.want(200, "PUT", "/v1/events/1/terms", central.Terms{Transfers: "counted", Most: 1})
	d.want(422, "PUT", "/v1/events/1/terms", central.Terms{Transfers: "counted"})
	d.want(200, "GET", "/v1/events/1/terms", nil)
	moved := d.want(200, "POST", one+"/transfer", json.RawMessage(`{"account":"bob"}`))
	if !bytes.Contains(moved.body, []byte(`"generation":2`)) || !bytes.Contains(moved.body, []byte("old_dark_at")) {
		d.Errorf("transferred: %s", moved.body)
	}
	d.want(409, "POST", one+"/transfer", json.RawMessage(`{"account":"carol"}`)) // more than once
	d.want(403, "POST", lease, leaseRequest{"alice", "phone 2"})
	d.want(200, "POST", lease, leaseRequest{"bob", "phone 9"})
	refunded := d.want(200, "POST", one+"/refund", nil)
	if !bytes.Contains(refunded.body, []byte(`"dark_at"`)) {
		d.Errorf("a refund does not say how far the ticket was leased: %s", refunded.body)
	}
	d.want(409, "POST", one+"/refund", nil)
	d.want(409, "POST", lease, leaseRequest{"bob", "phone 9"})
	d.want(200, "POST", path+"/"+out.Tickets[1].Ticket+"/void", nil)
	return []string{out.Tickets[0].Ticket, out.Tickets[1].Ticket}
}

func (d *documented) reportAndTend(tickets []string) {
	csv := []byte("document,foreign_code\npassport:UTO:L898902C3,SHOP-1\n,SHOP-2\n")
	const imports = "/v1/events/1/imports"
	header := []string{"Content-Type", "text/csv"}
	a := d.conforms("POST", imports, csv, d.call("POST", imports, csv, append(header, "Authorization", "Bearer "+d.key)...), header...)
	if a.status != 201 || !bytes.Contains(a.body, []byte(`"tickets":2`)) {
		d.Errorf("import: %d %s", a.status, a.body)
	}
	bad := d.call("POST", imports, []byte("class,foreign_code\n1,SHOP-2\nmany,SHOP-3\n"), append(header, "Authorization", "Bearer "+d.key)...)
	if p := bad.problem(d); bad.status != 422 || len(p.Errors) != 1 || p.Errors[0].Line != 3 || p.Errors[0].Column != "class" {
		d.Errorf("a bad list: %d %s", bad.status, bad.body)
	}
	d.conforms("POST", imports, nil, bad, header...)

	var who attendance
	d.want(200, "GET", "/v1/events/1/attendance", nil).into(d, &who)
	if who.Admitted != 2 || who.Late != 1 || who.Inside != 2 || len(who.Quarters) != 2 || len(who.Refusals) != 1 || who.Tickets.Valid != 2 || who.Tickets.NoShows != 2 {
		d.Errorf("attendance %+v", who)
	}
	d.want(200, "GET", "/v1/events/1/attendance?session=1", nil)
	d.want(400, "GET", "/v1/events/1/attendance?session=x", nil)
	d.want(404, "GET", "/v1/events/9/attendance", nil)
	table := d.want(200, "GET", "/v1/events/1/attendance.csv", nil)
	if !bytes.Contains(table.body, []byte("zone,1,Stand,2,0,2,0,1,")) {
		d.Errorf("CSV:\n%s", table.body)
	}
	var clash struct{ Conflicts []conflict }
	d.want(200, "GET", "/v1/events/1/conflicts", nil).into(d, &clash)
	if len(clash.Conflicts) != 1 || clash.Conflicts[0].Ticket != tickets[0] || len(clash.Conflicts[0].Grants) != 2 {
		d.Errorf("conflicts %+v", clash)
	}

	d.want(200, "GET", "/v1/events", nil)
	event := d.want(200, "GET", "/v1/events/1", nil)
	second := bytes.Replace(event.body, []byte(`"id":1,`), []byte(`"id":2,`), 1)
	var fields map[string]any
	d.check(json.Unmarshal(second, &fields))
	delete(fields, "issuers")
	d.want(200, "PUT", "/v1/events/2", fields)
	d.want(201, "POST", "/v1/events/2/tickets", json.RawMessage(`{"tickets":[{"party":2}]}`))
	d.want(422, "PUT", "/v1/events/3", fields)
	fields["time_zone"] = "nowhere"
	if p := d.want(422, "PUT", "/v1/events/2", fields); !bytes.Contains(p.body, []byte("time_zone")) {
		d.Errorf("a bad event: %s", p.body)
	}
	d.want(200, "GET", "/v1/venues", nil)
	d.want(200, "POST", "/v1/publications", nil)
	d.want(404, "POST", "/v1/publications?venue=9", nil)

	var key keyJSON
	d.want(201, "POST", "/v1/keys", keyJSON{Name: "shop", Role: roleSales, Channel: central.DemoShop}).into(d, &key)
	d.want(422, "POST", "/v1/keys", keyJSON{Name: "shop", Role: "everything"})
	if a := d.as(key.Key, "GET", "/v1/keys", nil); a.status != 403 {
		d.Errorf("a sales key lists keys: %d", a.status)
	}
	if a := d.as(key.Key, "GET", "/v1/events/1/tickets/"+tickets[0], nil); a.status != 403 {
		d.Errorf("a channel sees another's ticket: %d", a.status)
	}
	if list := d.want(200, "GET", "/v1/keys", nil); bytes.Contains(list.body, []byte(key.Key)) {
		d.Error("the list of keys holds a key")
	}
	d.want(204, "DELETE", "/v1/keys/"+key.ID, nil)
	if a := d.as(key.Key, "GET", "/v1/events", nil); a.status != 401 {
		d.Errorf("a key that was taken back: %d", a.status)
	}
	d.want(204, "DELETE", "/v1/gates/1", nil)
	d.want(404, "DELETE", "/v1/gates/1", nil)
	d.want(200, "GET", "/v1/problems/gap", nil)
	d.want(404, "GET", "/v1/problems/none", nil)
	d.want(200, "GET", "/v1/openapi.yaml", nil)
	for _, secret := range []string{"L898902C3", "11010519491231002X", "Eriksson", "SHOP-1"} {
		if strings.Contains(d.log.String(), secret) {
			d.Errorf("the log holds %s", fmt.Sprintf("%.3s…", secret))
		}
	}
}
