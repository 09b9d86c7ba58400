package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
)

// Office calls central's API with one key, as a channel or the organiser does.
type Office struct {
	URL string
	Key string
}

// CallError is an answer of central that is no success.
type CallError struct {
	Call   string // method and path
	Status int
	Detail string
}

// Error says what central said.
func (e *CallError) Error() string {
	return fmt.Sprintf("%s: central answers %d: %s", e.Call, e.Status, e.Detail)
}

// Call makes a call with a JSON body, or none, and reads the answer into out,
// unless that is nil.
func (o *Office) Call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	return o.send(ctx, method, path, "application/json", body, out)
}

func (o *Office) send(ctx context.Context, method, path, kind string, body []byte, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, o.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+o.Key)
	r.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		var p struct{ Detail string }
		_ = json.Unmarshal(answer, &p) // the status says enough
		return &CallError{method + " " + path, resp.StatusCode, p.Detail}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Document is a holder's document, as a sale names it.
type Document struct {
	Type    string `json:"type"`
	Country string `json:"country,omitempty"`
	Number  string `json:"number"`
}

// Item is one ticket of a sale.
type Item struct {
	Proof     string     `json:"proof,omitempty"` // chain, static
	Documents []Document `json:"documents,omitempty"`
	Name      string     `json:"name,omitempty"`
	Foreign   []string   `json:"foreign_codes,omitempty"`
}

// Sold is a ticket as its wallet has it.
type Sold struct {
	Ticket     string    `json:"ticket"`
	Generation uint8     `json:"generation"`
	Text       string    `json:"text"` // of a static ticket
	LongUntil  time.Time `json:"long_until,omitzero"`
}

// Sell sells tickets of event 1 to an account.
func (o *Office) Sell(ctx context.Context, account string, items ...Item) ([]Sold, error) {
	var out struct{ Tickets []Sold }
	err := o.Call(ctx, http.MethodPost, eventPath+"/tickets", map[string]any{"account": account, "tickets": items}, &out)
	return out.Tickets, err
}

const eventPath = "/v1/events/1"

// Import sells tickets of event 1 as a list in CSV. It returns the number of the
// first; the others follow in the order of the list.
func (o *Office) Import(ctx context.Context, csv []byte) (first uint64, n int, err error) {
	var out struct {
		Tickets int
		First   string
	}
	if err := o.send(ctx, http.MethodPost, eventPath+"/imports", "text/csv", csv, &out); err != nil {
		return 0, 0, err
	}
	first, err = strconv.ParseUint(out.First, 10, 64)
	return first, out.Tickets, err
}

// Void takes a ticket out of use.
func (o *Office) Void(ctx context.Context, id string) error {
	return o.Call(ctx, http.MethodPost, eventPath+"/tickets/"+id+"/void", nil, nil)
}

// Refund takes a ticket back for its price.
func (o *Office) Refund(ctx context.Context, id string) error {
	return o.Call(ctx, http.MethodPost, eventPath+"/tickets/"+id+"/refund", nil, nil)
}

// Transfer gives a ticket to another account.
func (o *Office) Transfer(ctx context.Context, id, account string) (Sold, error) {
	var out Sold
	err := o.Call(ctx, http.MethodPost, eventPath+"/tickets/"+id+"/transfer", map[string]any{"account": account}, &out)
	return out, err
}

// EnrolmentCode makes a code for a place on the roster and returns the text of
// its QR code.
func (o *Office) EnrolmentCode(ctx context.Context, id gate.GateID, addresses ...string) (string, error) {
	var out struct{ QR string }
	err := o.Call(ctx, http.MethodPost, "/v1/enrolment-codes",
		map[string]any{"gate": strconv.FormatUint(uint64(id), 10), "addresses": addresses}, &out)
	return out.QR, err
}

// Attendance is what central counted.
type Attendance struct {
	Admitted  int `json:"admitted"`
	Exited    int `json:"exited"`
	Inside    int `json:"inside"`
	ReEntries int `json:"re_entries"`
	Tickets   struct {
		Valid    int `json:"valid"`
		Void     int `json:"void"`
		Refunded int `json:"refunded"`
		NoShows  int `json:"no_shows"`
	} `json:"tickets"`
	Gates []struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Admitted int    `json:"admitted"`
	} `json:"gates"`
	Refusals []struct {
		Reason string `json:"reason"`
		Times  int    `json:"times"`
	} `json:"refusals"`
}

// Attendance asks who came.
func (o *Office) Attendance(ctx context.Context) (Attendance, error) {
	var out Attendance
	return out, o.Call(ctx, http.MethodGet, eventPath+"/attendance", nil, &out)
}

// Conflicts asks how many tickets were granted too often.
func (o *Office) Conflicts(ctx context.Context) (int, error) {
	var out struct{ Conflicts []any }
	err := o.Call(ctx, http.MethodGet, eventPath+"/conflicts", nil, &out)
	return len(out.Conflicts), err
}

// Log names a gate's journal between two starts.
type Log struct {
	Gate  string
	Epoch string
}

// Held is what central has of the venue.
type Held struct {
	Version uint64         // of the list that was published last
	Logs    map[Log]uint64 // how many records it has of each journal
	Closed  []Log          // that it takes no more of
}

// Held asks what central has.
func (o *Office) Held(ctx context.Context) (Held, error) {
	var in struct {
		Venues []struct {
			Published struct{ Version string }
			Gates     []struct {
				Gate     string
				Journals []struct {
					Epoch   string
					Records uint64
					Closed  string
				}
			}
		}
	}
	out := Held{Logs: map[Log]uint64{}}
	if err := o.Call(ctx, http.MethodGet, "/v1/venues", nil, &in); err != nil {
		return out, err
	}
	if len(in.Venues) != 1 {
		return out, fmt.Errorf("central has %d venues, want one", len(in.Venues))
	}
	for _, g := range in.Venues[0].Gates {
		for _, j := range g.Journals {
			out.Logs[Log{g.Gate, j.Epoch}] = j.Records
			if j.Closed != "" {
				out.Closed = append(out.Closed, Log{g.Gate, j.Epoch})
			}
		}
	}
	var err error
	out.Version, err = strconv.ParseUint(in.Venues[0].Published.Version, 10, 64)
	return out, err
}

// Published waits until everything that was done before the call is in a
// published list, and returns its version. It sells two tickets, each of which
// makes a publication: one may be under way already, the next begins after it.
func (o *Office) Published(ctx context.Context) (version uint64, sold int, err error) {
	for range 2 {
		before, err := o.Held(ctx)
		if err != nil {
			return 0, sold, err
		}
		if _, err := o.Sell(ctx, "", Item{Proof: "static"}); err != nil {
			return 0, sold, err
		}
		sold++
		var failed error
		err = Until(ctx, "central to publish", func() bool {
			now, err := o.Held(ctx)
			version, failed = now.Version, err
			return err != nil || now.Version > before.Version
		})
		if err := errors.Join(failed, err); err != nil {
			return 0, sold, err
		}
	}
	return version, sold, nil
}

// Phone shows the code of a rotating ticket: what an app does with a lease.
type Phone struct {
	signed    ticket.Signed
	lease     ticket.Lease
	longUntil time.Time
}

// Lease gets a ticket's lease for a phone.
func (o *Office) Lease(ctx context.Context, id, account string) (*Phone, error) {
	var in struct {
		Body, Value string
		Last        uint32
		LongUntil   time.Time `json:"long_until"`
	}
	err := o.Call(ctx, http.MethodPost, "/v1/tickets/"+id+"/lease", map[string]any{"account": account, "phone": account + "'s phone"}, &in)
	if err != nil {
		return nil, err
	}
	return newPhone(in.Body, in.Value, in.Last, in.LongUntil)
}

func newPhone(body, value string, last uint32, longUntil time.Time) (*Phone, error) {
	p := &Phone{longUntil: longUntil}
	raw, err1 := unhex(body)
	v, err2 := unhex(value)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	var err error
	if p.signed, err = ticket.ParseSigned(raw); err != nil {
		return nil, err
	}
	p.lease.Last = last
	if copy(p.lease.Value[:], v) != len(v) {
		return nil, errors.New("a lease's value is too long")
	}
	b := &p.signed.Body
	p.lease.Ticket, p.lease.Generation, p.lease.Steps = b.Ticket, b.Generation, b.Steps
	return p, nil
}

// Text is what the phone shows at a moment.
func (p *Phone) Text(at time.Time) (string, error) {
	b := &p.signed.Body
	step := uint32(b.StepAt(at))
	value, err := p.lease.At(step)
	if err != nil {
		return "", err
	}
	if at.Before(p.longUntil) {
		return ticket.LongText(&p.signed, step, value)
	}
	return ticket.ShortText(b.Ticket, b.Generation, step, value)
}

// list is rows of CSV below their header.
type list struct{ strings.Builder }

func newList(columns ...string) *list {
	l := &list{}
	l.row(columns...)
	return l
}

func (l *list) row(cells ...string) {
	l.WriteString(strings.Join(cells, ",") + "\n")
}
