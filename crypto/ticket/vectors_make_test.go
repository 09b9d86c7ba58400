package ticket_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

// The world of the vectors: doors of event 2026 on a Saturday evening.
const (
	vectorT0     = 1790424000 // 2026-09-26T12:00:00Z, 20:00 in Beijing
	vectorTicket = 0x0123456789ABCDEF
	holderTicket = 0x0123456789ABCDF0
	staticTicket = 0x0123456789ABCDF1
)

func vectorDescription() []string {
	return []string{
		"VG1 vectors: what a gate answers to a text. Specification: docs/protocol/ticket.md. Licence: Apache-2.0.",
		"secrets: what an issuer and one phone hold, so that bodies and texts can be made again; 'issuers' maps a key id to the 32-byte seed of its Ed25519 private key. They are derived from their names with SHA-256 and are worth nothing.",
		"issuers: the public keys that the gate holds, and what each may sign. A key of 'secrets' that is not here is unknown to the gate.",
		"base45: bytes and their text.",
		"bodies: every signed body used below. 'unsigned' is the body without signature; body+signature is 'unsigned' followed by 'signature'. For chains, seed_input is what HMAC-SHA256 under secrets.issue_key is taken of to get x[0] (first 20 bytes), 'chain' samples x[i], 'values' samples what the phone shows at a step.",
		"cases: the gate's clock is 'at'; 'held' names the body that its pack holds of the ticket (absent: the pack does not know the ticket), 'highest' the highest generation that the pack knows to be issued (absent: the held body's); 'events' are the events on at the gate (absent: every event); 'behind' and 'ahead' are the margins in steps.",
		"expect: the result. skew_seconds is positive when the phone is ahead of the gate. For malformed texts everything but the reason is empty or zero, and 'malformed' names the part that is wrong; that name is informative, the reason is normative.",
	}
}

func vectorSeed(name string) []byte {
	s := sha256.Sum256([]byte("venuegate VG1 vectors: " + name))
	return s[:]
}

func makeSecrets() vectorSecrets {
	s := vectorSecrets{
		IssueKey: hex.EncodeToString(vectorSeed("issue key")),
		Holder:   hex.EncodeToString(vectorSeed("holder key")),
		Issuers:  map[string]string{},
	}
	for _, id := range []string{"7", "8", "9", "12"} {
		s.Issuers[id] = hex.EncodeToString(vectorSeed("issuer key " + id))
	}
	return s
}

func vectorIssuer(t testing.TB, s vectorSecrets, key uint16) ticket.Issuer {
	return ticket.Issuer{
		KeyID:    key,
		Private:  ed25519.NewKeyFromSeed(unhex(t, s.Issuers[strconv.Itoa(int(key))])),
		IssueKey: unhex(t, s.IssueKey),
	}
}

func (b *vectorBody) body(t testing.TB) ticket.Body {
	out := ticket.Body{
		Event: b.Event, Ticket: b.Ticket, Generation: b.Generation, Flags: ticket.Flags(b.Flags),
		ZoneGroup: b.ZoneGroup, T0: b.T0, Steps: b.Steps, Period: b.Period,
	}
	switch b.Proof {
	case "chain":
		out.Proof = ticket.ProofChain
	case "holder":
		out.Proof = ticket.ProofHolder
	}
	copy(out.DocumentTag[:], unhex(t, b.Tag))
	copy(out.Holder[:], unhex(t, b.Holder))
	return out
}

// maker collects bodies and cases.
type maker struct {
	t      testing.TB
	v      vectors
	signed map[string]ticket.Signed
	holder ed25519.PrivateKey
}

func makeVectors(t testing.TB) []byte {
	m := &maker{t: t, signed: make(map[string]ticket.Signed)}
	m.v.Description = vectorDescription()
	m.v.Secrets = makeSecrets()
	m.holder = ed25519.NewKeyFromSeed(unhex(t, m.v.Secrets.Holder))
	m.issuers()
	for _, h := range []string{"", "00", "ff", "4142", "ffff", "48656c6c6f2121", "695f6465636f6465", "000000"} {
		m.v.Base45 = append(m.v.Base45, vectorBase45{Hex: h, Text: string(ticket.AppendBase45(nil, unhex(t, h)))})
	}
	m.bodies()
	m.cases()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m.v); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func (m *maker) issuers() {
	public := func(id uint16) ed25519.PublicKey {
		return vectorIssuer(m.t, m.v.Secrets, id).Private.Public().(ed25519.PublicKey)
	}
	end := time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)
	keys, err := keyring.NewIssuers(
		keyring.IssuerKey{ID: 7, Algorithm: keyring.Ed25519, Public: public(7), Events: []uint32{2026, 2027}, NotAfter: end},
		keyring.IssuerKey{
			ID: 8, Algorithm: keyring.Ed25519, Public: public(8), Events: []uint32{2026},
			Tickets: &keyring.TicketRange{From: 1000, To: 1999}, NotAfter: end,
		},
		keyring.IssuerKey{
			ID: 9, Algorithm: keyring.Ed25519, Public: public(9), Events: []uint32{2026},
			NotAfter: time.Unix(vectorT0+600, 0),
		},
	)
	if err != nil {
		m.t.Fatal(err)
	}
	if m.v.Issuers, err = keys.MarshalJSON(); err != nil {
		m.t.Fatal(err)
	}
}

func (m *maker) bodies() {
	chain := vectorBody{
		Name: "chain", Event: 2026, Ticket: vectorTicket, Generation: 2, Flags: 0x02, ZoneGroup: 3,
		T0: vectorT0, Steps: 2160, Period: 10, Proof: "chain", Tag: "0000000000000000", Key: 7,
	}
	holder := chain
	holder.Name, holder.Ticket, holder.Generation, holder.Proof = "holder", holderTicket, 1, "holder"
	holder.Holder = hex.EncodeToString(m.holder.Public().(ed25519.PublicKey))
	static := chain
	static.Name, static.Ticket, static.Generation, static.Proof = "static", staticTicket, 1, "static"
	static.T0, static.Steps, static.Period = 0, 0, 0

	vary := func(b vectorBody, name string, change func(*vectorBody)) vectorBody {
		b.Name = name
		change(&b)
		return b
	}
	for _, b := range []vectorBody{
		chain, holder, static,
		vary(chain, "chain generation 1", func(b *vectorBody) { b.Generation = 1 }),
		vary(chain, "chain generation 3", func(b *vectorBody) { b.Generation = 3; b.ZoneGroup = 4 }),
		vary(chain, "chain other zone", func(b *vectorBody) { b.ZoneGroup = 5 }),
		vary(chain, "chain real-name", func(b *vectorBody) { b.Ticket, b.Flags, b.Tag = 77, 0x05, "dcdad2fe97d1226a" }),
		vary(chain, "chain key 9", func(b *vectorBody) { b.Ticket, b.Key = 900, 9 }),
		vary(static, "static key 9", func(b *vectorBody) { b.Ticket, b.Key = 901, 9 }),
		vary(chain, "chain key 12", func(b *vectorBody) { b.Ticket, b.Key = 1200, 12 }),
		vary(static, "static key 12", func(b *vectorBody) { b.Ticket, b.Key = 1201, 12 }),
		vary(chain, "chain event 2027", func(b *vectorBody) { b.Ticket, b.Event = 2700, 2027 }),
		vary(static, "static event 2027", func(b *vectorBody) { b.Ticket, b.Event = 2701, 2027 }),
		vary(chain, "chain event 2028", func(b *vectorBody) { b.Ticket, b.Event = 2800, 2028 }),
		vary(static, "static last of range", func(b *vectorBody) { b.Ticket, b.Key = 1999, 8 }),
		vary(static, "static past range", func(b *vectorBody) { b.Ticket, b.Key = 2000, 8 }),
		vary(static, "static generation 2", func(b *vectorBody) { b.Generation = 2 }),
		vary(holder, "holder generation 2", func(b *vectorBody) { b.Generation = 2 }),
		vary(chain, "chain one step", func(b *vectorBody) { b.Ticket, b.Steps = 1, 1 }),
		vary(chain, "chain longest", func(b *vectorBody) {
			b.Ticket, b.Generation, b.Flags = 1<<64-1, 255, 0x06
			b.ZoneGroup, b.T0, b.Steps, b.Period = 65535, 1<<32-1, 65535, 255
		}),
	} {
		m.body(b)
	}
}

func (m *maker) body(b vectorBody) {
	issuer := vectorIssuer(m.t, m.v.Secrets, b.Key)
	s, err := issuer.Sign(b.body(m.t))
	if err != nil {
		m.t.Fatal(err)
	}
	b.Unsigned = hex.EncodeToString(s.Body.AppendUnsigned(nil))
	b.Signature = hex.EncodeToString(s.Signature[:])
	if s.Body.Proof == ticket.ProofChain {
		c, err := issuer.Chain(s.Body)
		if err != nil {
			m.t.Fatal(err)
		}
		b.SeedInput = hex.EncodeToString([]byte("VG1 seed")) + b.Unsigned[:56]
		n := uint32(b.Steps)
		for _, i := range []uint32{0, 1, 2, n / 2, n - 1, n} {
			if k := len(b.Chain); i > n || k > 0 && b.Chain[k-1].I >= i {
				continue
			}
			x, err := c.At(i)
			if err != nil {
				m.t.Fatal(err)
			}
			b.Chain = append(b.Chain, vectorLink{I: i, X: hex.EncodeToString(x[:])})
		}
		for _, j := range []uint32{0, 1, 90, n - 1} {
			if k := len(b.Values); j >= n || k > 0 && b.Values[k-1].Step >= j {
				continue
			}
			x := m.value(s, j)
			b.Values = append(b.Values, vectorValue{Step: j, Value: hex.EncodeToString(x[:])})
		}
	}
	m.signed[b.Name] = s
	m.v.Bodies = append(m.v.Bodies, b)
}

func (m *maker) get(name string) ticket.Signed {
	s, ok := m.signed[name]
	if !ok {
		m.t.Fatalf("no body %q", name)
	}
	return s
}

// value is what the phone shows at a step; past the end it is the seed, which
// a phone never has.
func (m *maker) value(s ticket.Signed, step uint32) ticket.Value {
	c, err := vectorIssuer(m.t, m.v.Secrets, s.Body.KeyID).Chain(s.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	v, err := c.Value(min(step, uint32(s.Body.Steps)-1))
	if err != nil {
		m.t.Fatal(err)
	}
	return v
}

// short, long and static make the text of a body at a step.
func (m *maker) short(name string, step uint32) string {
	s := m.get(name)
	return m.text(ticket.ShortText(s.Body.Ticket, s.Body.Generation, step, m.value(s, step)))
}

func (m *maker) long(name string, step uint32) string {
	s := m.get(name)
	if s.Body.Proof == ticket.ProofHolder {
		sig, err := ticket.SignShow(m.holder, &s, step)
		if err != nil {
			m.t.Fatal(err)
		}
		return m.text(ticket.HolderText(&s, step, sig))
	}
	return m.text(ticket.LongText(&s, step, m.value(s, step)))
}

func (m *maker) static(name string) string {
	s := m.get(name)
	return m.text(ticket.StaticText(&s))
}

func (m *maker) text(text string, err error) string {
	if err != nil {
		m.t.Fatal(err)
	}
	return text
}

// payload undoes the Base45 of a text; encode makes a text of any payload.
func (m *maker) payload(text string) []byte {
	p, err := ticket.AppendBase45Decoded(nil, strings.TrimPrefix(text, ticket.Prefix))
	if err != nil {
		m.t.Fatal(err)
	}
	return p
}

func encode(payload []byte) string {
	return string(ticket.AppendBase45([]byte(ticket.Prefix), payload))
}

// set returns the text with one payload byte changed.
func (m *maker) set(text string, offset int, value byte) string {
	p := m.payload(text)
	p[offset] = value
	return encode(p)
}

// flip returns the text with the lowest bit of one payload byte changed;
// offsets below zero count from the end.
func (m *maker) flip(text string, offset int) string {
	p := m.payload(text)
	if offset < 0 {
		offset += len(p)
	}
	p[offset] ^= 1
	return encode(p)
}
