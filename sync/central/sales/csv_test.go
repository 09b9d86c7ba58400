package sales_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/sales"
)

func TestRead(t *testing.T) {
	rows, err := sales.Read([]byte("\ufeffClass; sessions;document;document;foreign_code;name;no_re_entry\r\n" +
		"2;1 3;11010519491231002X;passport:DEU:C01X00T47;\"SHOP;1\";张无忌;yes\r\n;any;;;;;\r\n"))
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	o := rows[0].Order
	if rows[0].Line != 2 || o.Class != 2 || len(o.Sessions) != 2 || len(o.Holder.Documents) != 2 || !o.NoReEntry ||
		o.Holder.Documents[1].Type != identity.Passport || o.Foreign[0].Reveal() != "SHOP;1" || o.Holder.Name.Reveal() != "张无忌" {
		t.Errorf("the first row is wrong")
	}
	if !rows[1].Order.AnySession || rows[1].Line != 3 {
		t.Errorf("the second row is wrong")
	}
}

// Everything that is wrong is named by line and column, and nothing is quoted.
func TestBadLists(t *testing.T) {
	const secret = "11010519491231002X"
	for _, c := range []struct{ name, list, want string }{
		{"empty", "", "want the names of the columns"},
		{"no row", "class\n", "no row"},
		{"an unknown column", "class,id number\n1,2\n", "line 1, column 2 has a name"},
		{"a column twice", "class,class\n1,2\n", "line 1, class: there twice"},
		{"no header", secret + "\n" + secret + "\n", "column 1 has a name"},
		{"too few cells", "class,name\n1,A\n1\n", "line 3, 1 cells, want 2"},
		{"no number", "class,document\nmany," + secret + "\n", "line 2, class: want a whole number"},
		{"zero", "party\n0\n", "line 2, party"},
		{"too large", "party\n256\n", "line 2, party"},
		{"sessions", "sessions\n1  2\n", "line 2, sessions"},
		{"proof", "proof\nholder\n", "line 2, proof: want static or chain"},
		{"a document of no type", "document\nlibrary:CHN:" + secret + "\n", "line 2, document: want one of these types"},
		{"a document in two parts", "document\npassport:" + secret + "\n", "line 2, document: want type:country:number"},
		{"an open quotation mark", "name,document\nA,\"" + secret + "\n", "line 2, a quotation mark"},
		{"a mark in the middle", "name\nA\"B\n", "line 2, a quotation mark"},
		{"not UTF-8", "name\nA\n\xd5\xc5\n", "line 3, not UTF-8"},
		{"a long cell", "name\n" + strings.Repeat("A", 2000) + "\n", "line 2, name: more than 1000 bytes"},
		{"all of them", "class,party\nx,1\n1,y\n", "line 2, class: want a whole number from 1, of at most 16 bits; line 3, party"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := sales.Read([]byte(c.list))
			var list *sales.Error
			if !errors.As(err, &list) || rows != nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%d rows, %v; want %q", len(rows), err, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Error("the error quotes what it read")
			}
		})
	}
}

// list is a list of codes that are taken, and an office with rules of its own.
type list struct{ taken map[gate.Tag]gate.TicketID }

func (l list) OfDocument(gate.EventID, gate.Tag) ([]gate.TicketID, error) { return nil, nil }

func (l list) OfForeign(_ gate.EventID, tag gate.Tag) (gate.TicketID, bool, error) {
	id, ok := l.taken[tag]
	return id, ok, nil
}

func (l list) Draft(o *central.Order, _ time.Time) (gate.Ticket, error) {
	if o.Class == 9 {
		return gate.Ticket{}, &central.OrderError{Field: "class", Why: "the event has no class 9"}
	}
	if o.ZoneGroup == 9 {
		return gate.Ticket{}, &central.OrderError{Field: "zone group", Why: "unknown"}
	}
	t := gate.Ticket{Channel: o.Channel}
	for _, d := range o.Holder.Documents {
		if _, err := identity.Tag(make([]byte, 32), d.Type, d.Country, d.Number.Reveal()); err != nil {
			return t, err
		}
	}
	for _, f := range o.Foreign {
		t.Foreign = append(t.Foreign, gate.Tag{0: f.Reveal()[0]})
	}
	return t, nil
}

func TestDraft(t *testing.T) {
	l := list{map[gate.Tag]gate.TicketID{{0: 'T'}: 77}}
	rows, err := sales.Read([]byte("class,zone_group,document,foreign_code,channel\n" +
		"1,1,,A,\n9,1,,B,\n1,9,,C,\n1,1,110105194912310021,D,\n1,1,,A,\n1,1,,T,\n1,1,,E,3\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = sales.Draft(rows, 1, 2, time.Time{}, l, l)
	want := "list of sales: line 3, class: the event has no class 9; line 4, zone_group: unknown; " +
		"line 5, document: the document number has a wrong check character; line 6, foreign_code: the same as in line 2; " +
		"line 7, foreign_code: ticket 77 has it already; line 8, channel: another channel's; leave it away"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	drafts, err := sales.Draft(rows[:1], 1, 2, time.Time{}, l, l)
	if err != nil || drafts[0].Channel != 2 || rows[0].Order.Event != 1 {
		t.Errorf("%+v, %v", drafts, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"class,name\n1,A\n", "document;document\n1;passport:DEU:C\n", "\ufeffsessions\tproof\nany\tchain\n",
		"name\n\"a\nb\"\n", "class\n\xff\n", "party\n\n0\n", "foreign_code,foreign_code\n\"\"\"\",x\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := sales.Read(data)
		var list *sales.Error
		switch {
		case err != nil && (!errors.As(err, &list) || len(list.Flaws) == 0 || rows != nil):
			t.Errorf("%d rows and an error of another type: %v", len(rows), err)
		case err == nil && len(rows) == 0:
			t.Error("no row and no error")
		}
		last := 1
		for _, r := range rows {
			if r.Line <= last {
				t.Fatalf("line %d after %d", r.Line, last)
			}
			last = r.Line
		}
	})
}
