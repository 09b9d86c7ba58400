package sales

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

// Bounds of a list.
const (
	MaxBytes = 64 << 20
	MaxRows  = 200_000
	// maxFlaws is how many flaws are named; who has more has one cause.
	maxFlaws = 100
	maxCell  = 1000 // bytes
)

// Flaw is one thing that is wrong with a list.
type Flaw struct {
	Line   int    // from 1, as an editor counts; 0: the whole
	Column string // its name in the first line; may be empty
	Why    string
}

// String names line and column.
func (f Flaw) String() string {
	text := f.Why
	if f.Column != "" {
		text = f.Column + ": " + text
	}
	if f.Line > 0 {
		text = fmt.Sprintf("line %d, %s", f.Line, text)
	}
	return text
}

// Error is everything that is wrong with a list.
type Error struct{ Flaws []Flaw }

// Error lists the flaws, separated by semicolons.
func (e *Error) Error() string {
	texts := make([]string, len(e.Flaws))
	for i, f := range e.Flaws {
		texts[i] = f.String()
	}
	return "list of sales: " + strings.Join(texts, "; ")
}

// Row is one order of a list.
type Row struct {
	Line  int
	Order central.Order
}

// Columns are the names that the first line may hold. Document and foreign_code
// may stand there several times; the others once.
func Columns() []string {
	return []string{
		"class", "zone_group", "sessions", "party", "proof", "order", "area", "row", "seat", "language",
		"name", "document", "foreign_code", "channel", "no_re_entry",
	}
}

// Read reads a list: UTF-8, separated by commas, semicolons or tabs, the names
// of the columns in the first line. The error is an [*Error].
func Read(data []byte) ([]Row, error) {
	l := &list{}
	rows := l.read(data)
	if len(l.flaws) > 0 {
		return nil, &Error{l.flaws}
	}
	return rows, nil
}

type list struct {
	columns []string
	flaws   []Flaw
}

func (l *list) wrong(line int, column, format string, args ...any) {
	if len(l.flaws) < maxFlaws {
		l.flaws = append(l.flaws, Flaw{line, column, fmt.Sprintf(format, args...)})
	}
}

func (l *list) read(data []byte) []Row {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case len(data) > MaxBytes:
		l.wrong(0, "", "more than %d bytes", MaxBytes)
		return nil
	case !utf8.Valid(data):
		bad := 0
		for i := 0; i < len(data); {
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				bad = i
				break
			}
			i += n
		}
		l.wrong(1+bytes.Count(data[:bad], []byte("\n")), "", "not UTF-8; save the list as UTF-8")
		return nil
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator(data), -1, true
	first, err := r.Read()
	if err != nil || !l.header(first) {
		if len(l.flaws) == 0 {
			l.wrong(1, "", "want the names of the columns: %s", strings.Join(Columns(), ", "))
		}
		return nil
	}
	var rows []Row
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			l.wrong(parse.Line, "", "a quotation mark that is not closed, or stands where none may")
			return nil // what follows would be read wrongly
		}
		line, _ := r.FieldPos(0)
		if len(rows) == MaxRows {
			l.wrong(line, "", "more than %d rows; import them in parts", MaxRows)
			return nil
		}
		if len(cells) != len(l.columns) {
			l.wrong(line, "", "%d cells, want %d", len(cells), len(l.columns))
			continue
		}
		rows = append(rows, Row{line, l.order(line, cells)})
	}
	if len(rows) == 0 && len(l.flaws) == 0 {
		l.wrong(0, "", "no row")
	}
	return rows
}

// separator is what the first line separates by.
func separator(data []byte) rune {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(first, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}

func (l *list) header(cells []string) bool {
	known := map[string]bool{}
	for _, c := range Columns() {
		known[c] = true
	}
	seen := map[string]bool{}
	for i, cell := range cells {
		name := strings.ToLower(strings.TrimSpace(cell))
		switch {
		case !known[name]:
			l.wrong(1, "", "column %d has a name that is not one of %s", i+1, strings.Join(Columns(), ", "))
			return false
		case seen[name] && name != "document" && name != "foreign_code":
			l.wrong(1, name, "there twice")
			return false
		}
		seen[name] = true
		l.columns = append(l.columns, name)
	}
	return len(cells) > 0
}

func (l *list) order(line int, cells []string) central.Order {
	var o central.Order
	for i, cell := range cells {
		column := l.columns[i]
		cell = strings.TrimSpace(cell)
		if cell == "" {
			continue
		}
		if len(cell) > maxCell {
			l.wrong(line, column, "more than %d bytes", maxCell)
			continue
		}
		if why := set(&o, column, cell); why != "" {
			l.wrong(line, column, "%s", why)
		}
	}
	return o
}

// set puts a cell into an order and says what is wrong with it.
func set(o *central.Order, column, cell string) (why string) {
	number := func(bits int) uint64 {
		n, err := strconv.ParseUint(cell, 10, bits)
		if err != nil || n == 0 {
			why = fmt.Sprintf("want a whole number from 1, of at most %d bits", bits)
		}
		return n
	}
	switch column {
	case "class":
		o.Class = gate.ClassID(number(16))
	case "zone_group":
		o.ZoneGroup = gate.ZoneGroupID(number(16))
	case "sessions":
		return setSessions(o, cell)
	case "party":
		o.Party = uint8(number(8))
	case "proof":
		switch cell {
		case "static":
			o.Proof = ticket.ProofStatic
		case "chain":
			o.Proof = ticket.ProofChain
		default:
			return "want static or chain"
		}
	case "order":
		o.Order = gate.OrderID(number(64))
	case "area":
		o.Seat.Area = cell
	case "row":
		o.Seat.Row = cell
	case "seat":
		o.Seat.Seat = cell
	case "language":
		o.Language = cell
	case "name":
		o.Holder.Name = gate.Private(cell)
	case "document":
		d, why := document(cell)
		if why != "" {
			return why
		}
		o.Holder.Documents = append(o.Holder.Documents, d)
	case "foreign_code":
		o.Foreign = append(o.Foreign, gate.Private(cell))
	case "channel":
		o.Channel = gate.ChannelID(number(16))
	case "no_re_entry":
		if cell != "yes" && cell != "no" {
			return "want yes or no"
		}
		o.NoReEntry = cell == "yes"
	}
	return why
}

func setSessions(o *central.Order, cell string) string {
	if cell == "any" {
		o.AnySession = true
		return ""
	}
	for part := range strings.SplitSeq(cell, " ") {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil || n == 0 {
			return "want numbers of sessions, separated by single spaces, or: any"
		}
		o.Sessions = append(o.Sessions, gate.SessionID(n))
	}
	return ""
}

// document reads type:country:number, or a resident ID card's number alone.
func document(cell string) (central.Document, string) {
	parts := strings.SplitN(cell, ":", 3)
	if len(parts) == 1 {
		return central.Document{Type: identity.Resident, Country: "CHN", Number: gate.Private(cell)}, ""
	}
	if len(parts) != 3 {
		return central.Document{}, "want type:country:number, such as passport:DEU:…, or the number of a resident ID card"
	}
	typ, err := identity.ParseType(parts[0])
	if err != nil {
		return central.Document{}, "want one of these types before the first colon: " + types()
	}
	return central.Document{Type: typ, Country: parts[1], Number: gate.Private(parts[2])}, ""
}

func types() string {
	var words []string
	for _, t := range identity.Types() {
		words = append(words, t.String())
	}
	return strings.Join(words, ", ")
}
