package keyring

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// maxIssuers bounds a list that is read; an event has a handful of keys.
const maxIssuers = 1024

// issuerJSON is the JSON form of an issuer key. Ids are decimal strings,
// because ticket ids do not fit a JavaScript number; times are RFC 3339, UTC.
type issuerJSON struct {
	ID        string     `json:"id"`
	Algorithm string     `json:"algorithm"`
	Public    string     `json:"public"` // hex
	Events    []string   `json:"events,omitempty"`
	Tickets   *rangeJSON `json:"tickets,omitempty"`
	NotAfter  string     `json:"not_after,omitempty"`
}

type rangeJSON struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// MarshalJSON returns the list that [ParseIssuers] reads, in the order of ids.
func (s *Issuers) MarshalJSON() ([]byte, error) {
	out := make([]issuerJSON, 0, len(s.Keys()))
	for _, k := range s.Keys() {
		j := issuerJSON{
			ID: strconv.Itoa(int(k.ID)), Algorithm: k.Algorithm.String(), Public: hex.EncodeToString(k.Public),
		}
		for _, e := range k.Events {
			j.Events = append(j.Events, strconv.FormatUint(uint64(e), 10))
		}
		if k.Tickets != nil {
			j.Tickets = &rangeJSON{
				From: strconv.FormatUint(k.Tickets.From, 10), To: strconv.FormatUint(k.Tickets.To, 10),
			}
		}
		if !k.NotAfter.IsZero() {
			j.NotAfter = k.NotAfter.UTC().Format(time.RFC3339Nano)
		}
		out = append(out, j)
	}
	return json.Marshal(out)
}

// UnmarshalJSON is ParseIssuers, so that a set can be a field of a larger
// document.
func (s *Issuers) UnmarshalJSON(data []byte) error {
	set, err := ParseIssuers(data)
	if err != nil {
		return err
	}
	*s = *set
	return nil
}

// ParseIssuers reads a JSON list of issuer keys:
//
//	[{"id": "7", "algorithm": "ed25519", "public": "<64 hex digits>",
//	  "events": ["2026"], "tickets": {"from": "1", "to": "99999"},
//	  "not_after": "2026-12-31T16:00:00Z"}]
//
// A list without events is of a key for every event, without tickets for every
// ticket, without not_after for ever. Unknown, repeated and wrongly typed
// fields are refused with a [*FieldError].
func ParseIssuers(data []byte) (*Issuers, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, &FieldError{Path: "keys", Why: "not a JSON list: " + plain(err)}
	}
	if list == nil {
		return nil, &FieldError{Path: "keys", Why: "null, want a list"}
	}
	if len(list) > maxIssuers {
		return nil, &FieldError{Path: "keys", Why: fmt.Sprintf("%d keys, at most %d", len(list), maxIssuers)}
	}
	keys := make([]IssuerKey, 0, len(list))
	for i, raw := range list {
		k, err := parseIssuer(raw, fmt.Sprintf("[%d]", i))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return NewIssuers(keys...)
}

func parseIssuer(raw json.RawMessage, path string) (IssuerKey, error) {
	var k IssuerKey
	o, err := readObject(raw, path, "id", "algorithm", "public", "events", "tickets", "not_after")
	if err != nil {
		return k, err
	}
	for _, name := range []string{"id", "algorithm", "public"} {
		if _, there := o.fields[name]; !there {
			return k, o.wrong(name, "missing")
		}
	}
	id, err := o.uint("id", 16)
	if err != nil {
		return k, err
	}
	algorithm, err := o.text("algorithm")
	if err != nil {
		return k, err
	}
	if algorithm != Ed25519.String() {
		return k, o.wrong("algorithm", "unknown; want "+Ed25519.String())
	}
	public, err := o.text("public")
	if err != nil {
		return k, err
	}
	k = IssuerKey{ID: uint16(id), Algorithm: Ed25519}
	if k.Public, err = ParsePublic(public); err != nil {
		return k, o.wrong("public", err.Error())
	}
	if err := o.events(&k); err != nil {
		return k, err
	}
	if err := o.tickets(&k); err != nil {
		return k, err
	}
	if _, there := o.fields["not_after"]; there {
		text, err := o.text("not_after")
		if err != nil {
			return k, err
		}
		if k.NotAfter, err = parseTime(text); err != nil {
			return k, o.wrong("not_after", err.Error())
		}
	}
	return k, nil
}

// parseTime reads an RFC 3339 time that is not Go's zero time, which means
// never here.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	t = t.UTC()
	if err != nil || t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, errors.New("not an RFC 3339 time")
	}
	return t, nil
}

// ParsePublic reads an Ed25519 public key from 64 hex digits.
func ParsePublic(text string) (ed25519.PublicKey, error) {
	if len(text) != 2*ed25519.PublicKeySize {
		return nil, fmt.Errorf("%d characters, want %d hex digits", len(text), 2*ed25519.PublicKeySize)
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("not hex digits")
	}
	return key, nil
}

func (o *object) events(k *IssuerKey) error {
	raw, there := o.fields["events"]
	if !there {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 {
		return o.wrong("events", "want a list of at least one event id")
	}
	for i, e := range list {
		at := fmt.Sprintf("%s.events[%d]", o.path, i)
		var text string
		if json.Unmarshal(e, &text) != nil || text == "" {
			return &FieldError{Path: at, Why: "want a decimal number in a string"}
		}
		v, err := parseUint(text, 32)
		if err != nil {
			return &FieldError{Path: at, Why: err.Error()}
		}
		if slices.Contains(k.Events, uint32(v)) {
			return &FieldError{Path: at, Why: "there twice"}
		}
		k.Events = append(k.Events, uint32(v))
	}
	return nil
}

func (o *object) tickets(k *IssuerKey) error {
	raw, there := o.fields["tickets"]
	if !there {
		return nil
	}
	r, err := readObject(raw, o.path+".tickets", "from", "to")
	if err != nil {
		return err
	}
	from, err := r.uint("from", 64)
	if err != nil {
		return err
	}
	to, err := r.uint("to", 64)
	if err != nil {
		return err
	}
	k.Tickets = &TicketRange{From: from, To: to}
	return nil
}
