package keyring

import (
	"fmt"
	"strings"
)

// ParseKeyFlag reads an issuer key from a command line: ID=HEX, the key's id
// in decimal and its 32-byte Ed25519 public key in hex. After it may stand, in
// any order and separated by commas, what the key is limited to:
//
//	7=<64 hex digits>,event=2026,event=2027,tickets=1-99999,not-after=2026-12-31T16:00:00Z
//
// The error is a [*FieldError] and does not quote the text.
func ParseKeyFlag(text string) (IssuerKey, error) {
	first, limits, limited := strings.Cut(text, ",")
	id, public, ok := strings.Cut(first, "=")
	if !ok {
		return IssuerKey{}, &FieldError{Path: "issuer key", Why: "want ID=HEX"}
	}
	n, err := parseUint(id, 16)
	if err != nil {
		return IssuerKey{}, &FieldError{Path: "issuer key id", Why: err.Error()}
	}
	k := IssuerKey{ID: uint16(n), Algorithm: Ed25519}
	if k.Public, err = ParsePublic(public); err != nil {
		return IssuerKey{}, &FieldError{Path: fmt.Sprintf("issuer key %d", n), Why: err.Error()}
	}
	if limited {
		for limit := range strings.SplitSeq(limits, ",") {
			if err := k.limit(limit); err != nil {
				return IssuerKey{}, err
			}
		}
	}
	if field, why := k.check(); field != "" {
		return IssuerKey{}, &FieldError{Path: fmt.Sprintf("issuer key %d, %s", n, field), Why: why}
	}
	return k, nil
}

// limit applies one limit of a flag to the key.
func (k *IssuerKey) limit(text string) error {
	name, value, _ := strings.Cut(text, "=")
	wrong := func(why string) error {
		return &FieldError{Path: fmt.Sprintf("issuer key %d, %s", k.ID, name), Why: why}
	}
	switch name {
	case "event":
		v, err := parseUint(value, 32)
		if err != nil {
			return wrong(err.Error())
		}
		k.Events = append(k.Events, uint32(v))
	case "tickets":
		from, to, ok := strings.Cut(value, "-")
		if !ok || k.Tickets != nil {
			return wrong("want one range FROM-TO")
		}
		f, err := parseUint(from, 64)
		if err != nil {
			return wrong(err.Error())
		}
		t, err := parseUint(to, 64)
		if err != nil {
			return wrong(err.Error())
		}
		k.Tickets = &TicketRange{From: f, To: t}
	case "not-after":
		t, err := parseTime(value)
		if err != nil || !k.NotAfter.IsZero() {
			return wrong("want one RFC 3339 time")
		}
		k.NotAfter = t
	default:
		return &FieldError{
			Path: fmt.Sprintf("issuer key %d", k.ID),
			Why:  "an unknown limit; want event=ID, tickets=FROM-TO or not-after=TIME",
		}
	}
	return nil
}
