package ticket_test

import (
	"strings"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
)

// option changes a case from the ordinary: gate at step 100 of the chain,
// every event on, default margins, nothing in the pack.
type option func(*vectorCase)

func held(name string) option         { return func(c *vectorCase) { c.Held = name } }
func highest(g uint8) option          { return func(c *vectorCase) { c.Highest = g } }
func events(e ...uint32) option       { return func(c *vectorCase) { c.Events = e } }
func margins(b, a uint16) option      { return func(c *vectorCase) { c.Behind, c.Ahead = b, a } }
func at(unix int64) option            { return func(c *vectorCase) { c.At = stamp(unix) } }
func skew(seconds int64) option       { return func(c *vectorCase) { c.Expect.SkewSeconds = seconds } }
func stamp(unix int64) string         { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
func gateStep(g int64) option         { return at(vectorT0 + 10*g) }
func stepSkew(j, g int64) option      { return skew((j - g) * 10) }
func atStep(j uint32, g int64) option { return both(gateStep(g), stepSkew(int64(j), g)) }

func both(a, b option) option { return func(c *vectorCase) { a(c); b(c) } }

// add adds a case about a body, shown in a form at a step.
func (m *maker) add(name, text string, reason ticket.Reason, form, body string, step uint32, opts ...option) {
	b := m.get(body).Body
	c := vectorCase{
		Name: name, Text: text, At: stamp(vectorT0 + 1000), Behind: 3, Ahead: 2,
		Expect: vectorResult{
			OK: reason == ticket.ReasonOK, Reason: reason, Form: form, Proof: b.Proof.String(),
			Ticket: b.Ticket, Generation: b.Generation, Step: step,
		},
	}
	for _, o := range opts {
		o(&c)
	}
	m.v.Cases = append(m.v.Cases, c)
}

func (m *maker) malformed(name, text, field string) {
	m.v.Cases = append(m.v.Cases, vectorCase{
		Name: "malformed: " + name, Text: text, At: stamp(vectorT0 + 1000), Behind: 3, Ahead: 2,
		Expect: vectorResult{Reason: ticket.ReasonMalformed}, Malformed: field,
	})
}

func (m *maker) cases() {
	m.goodCases()
	m.textCases()
	m.bodyCases()
	m.packCases()
	m.issuerCases()
	m.windowCases()
	m.proofCases()
}

func (m *maker) goodCases() {
	const ok = ticket.ReasonOK
	m.add("short form", m.short("chain", 100), ok, "short", "chain", 100, held("chain"))
	m.add("short form, lower case", strings.ToLower(m.short("chain", 100)), ok, "short", "chain", 100, held("chain"))
	m.add("long form, chain, in the pack", m.long("chain", 100), ok, "long", "chain", 100, held("chain"))
	m.add("long form, chain, not in the pack", m.long("chain", 100), ok, "long", "chain", 100)
	m.add("long form, lower case", strings.ToLower(m.long("chain", 100)), ok, "long", "chain", 100)
	m.add("long form, holder key, in the pack", m.long("holder", 100), ok, "long", "holder", 100, held("holder"))
	m.add("long form, holder key, not in the pack", m.long("holder", 100), ok, "long", "holder", 100)
	m.add("static form, in the pack", m.static("static"), ok, "static", "static", 0, held("static"))
	m.add("static form, not in the pack", m.static("static"), ok, "static", "static", 0)
	m.add("static form has no clock", m.static("static"), ok, "static", "static", 0, at(0))
	m.add("real-name and companion", m.long("chain real-name", 100), ok, "long", "chain real-name", 100)
	m.add("one of the events that are on", m.static("static event 2027"), ok, "static", "static event 2027", 0, events(2026, 2027))
	m.add("last ticket id of the key's range", m.static("static last of range"), ok, "static", "static last of range", 0)
	m.add("the only step of a chain", m.short("chain one step", 0), ok, "short", "chain one step", 0,
		held("chain one step"), atStep(0, 0))
	m.add("largest fields, first step", m.short("chain longest", 0), ok, "short", "chain longest", 0,
		held("chain longest"), at(1<<32-1))
	m.add("largest fields, last step", m.short("chain longest", 65534), ok, "short", "chain longest", 65534,
		held("chain longest"), at(1<<32-1+65534*255))
}

func (m *maker) textCases() {
	short := m.short("chain", 100)
	m.malformed("empty text", "", "prefix")
	m.malformed("another version's prefix", "VG2:"+short[4:], "prefix")
	m.malformed("no prefix", short[4:], "prefix")
	m.malformed("space before the prefix", " "+short, "prefix")
	m.malformed("full-width prefix", "ＶＧ１："+short[4:], "prefix")
	m.malformed("prefix only", "VG1:", "length")
	m.malformed("line end left on", short+"\r", "base45")
	m.malformed("character outside the alphabet", short[:20]+"_"+short[21:], "base45")
	m.malformed("letter that folds to K only in Unicode", short[:20]+"\u212a"+short[21:], "base45")
	m.malformed("triple above 65535", short[:4]+":::"+short[7:], "base45")
	m.malformed("triple of exactly 65536", short[:4]+"GGW"+short[7:], "base45")
	m.malformed("pair above 255", short[:52]+"::", "base45")
	m.malformed("pair of exactly 256", short[:52]+"V5", "base45")
	m.malformed("lone last character", short[:53], "base45")
	m.malformed("longer than any form", m.long("holder", 100)+"000", "text")
	m.malformed("short form one byte short", encode(m.payload(short)[:32]), "length")
	m.malformed("short form one byte long", encode(append(m.payload(short), 0)), "length")
	m.malformed("long form one byte short", encode(m.payload(m.long("chain", 100))[:142]), "length")
	m.malformed("long form one byte long", encode(append(m.payload(m.long("chain", 100)), 0)), "length")
	m.malformed("holder form without its signature", encode(m.payload(m.long("holder", 100))[:135]), "length")
	m.malformed("static form one byte long", encode(append(m.payload(m.static("static")), 0)), "length")
	m.malformed("body cut in its fixed part", encode(m.payload(m.static("static"))[:36]), "length")
	m.malformed("unknown first byte", m.set(short, 0, 0x21), "version")
}

func (m *maker) bodyCases() {
	short, chain, static := m.short("chain", 100), m.long("chain", 100), m.static("static")
	m.malformed("version 2", m.set(chain, 0, 2), "version")
	m.malformed("algorithm 0", m.set(chain, 1, 0), "algorithm")
	m.malformed("algorithm 2, reserved", m.set(chain, 1, 2), "algorithm")
	m.malformed("generation 0 in a short form", m.set(short, 9, 0), "generation")
	m.malformed("generation 0 in a long form", m.set(chain, 16, 0), "generation")
	m.malformed("unknown flag", m.set(chain, 17, 0x0a), "flags")
	m.malformed("real-name without a document tag", m.set(chain, 17, 0x01), "document tag")
	m.malformed("unknown proof", m.set(chain, 27, 3), "proof")
	m.malformed("proof of another length", m.set(chain, 27, 2), "length")
	m.malformed("chain with N = 0", m.set(m.set(chain, 24, 0), 25, 0), "steps")
	m.malformed("chain with period 0", m.set(chain, 26, 0), "period")
	m.malformed("holder key with N = 0", m.set(m.set(m.long("holder", 100), 24, 0), 25, 0), "steps")
	m.malformed("holder key with period 0", m.set(m.long("holder", 100), 26, 0), "period")
	m.malformed("static with T0", m.set(static, 23, 1), "T0")
	m.malformed("static with N", m.set(static, 25, 1), "steps")
	m.malformed("static with a period", m.set(static, 26, 10), "period")
	m.malformed("static with a tail", m.set(static, 36, 1), "tail")
}

func (m *maker) packCases() {
	const (
		ok         = ticket.ReasonOK
		superseded = ticket.ReasonSuperseded
		newer      = ticket.ReasonNewerThanPack
		mismatch   = ticket.ReasonBodyMismatch
	)
	m.add("short form older than the pack", m.short("chain generation 1", 100), superseded, "short", "chain generation 1", 100, held("chain"))
	m.add("long form older than the pack", m.long("chain generation 1", 100), superseded, "long", "chain generation 1", 100, held("chain"))
	m.add("static form older than the pack", m.static("static"), superseded, "static", "static", 0, held("static generation 2"))
	m.add("pack's body, but a newer one was issued", m.short("chain", 100), superseded, "short", "chain", 100, held("chain"), highest(3))
	m.add("short form of the issued generation whose body the pack lacks", m.short("chain generation 3", 100), newer, "short",
		"chain generation 3", 100, held("chain"), highest(3))
	m.add("long form of the issued generation whose body the pack lacks", m.long("chain generation 3", 100), ok, "long",
		"chain generation 3", 100, held("chain"), highest(3))
	m.add("short form of an unknown ticket", m.short("chain", 100), newer, "short", "chain", 100)
	m.add("short form of a newer generation", m.short("chain generation 3", 100), newer, "short", "chain generation 3", 100, held("chain"))
	m.add("long form of a newer generation stands in", m.long("chain generation 3", 100), ok, "long", "chain generation 3", 100, held("chain"))
	m.add("holder form of a newer generation stands in", m.long("holder generation 2", 100), ok, "long", "holder generation 2", 100, held("holder"))
	m.add("static form of a newer generation stands in", m.static("static generation 2"), ok, "static", "static generation 2", 0, held("static"))
	m.add("newer generation with a wrong signature does not stand in", m.flip(m.static("static generation 2"), -1),
		ticket.ReasonSignatureInvalid, "static", "static generation 2", 0, held("static"))
	m.add("same generation, other zone group", m.long("chain", 100), mismatch, "long", "chain", 100, held("chain other zone"))
	m.add("short form of a static ticket", m.text(ticket.ShortText(staticTicket, 1, 100, ticket.Value{})), mismatch, "short", "static", 100,
		held("static"), func(c *vectorCase) { c.Expect.Proof = "chain" })
	m.add("pack is asked before the issuer's signature", m.flip(m.long("chain generation 1", 100), 60), superseded, "long",
		"chain generation 1", 100, held("chain"))
}

func (m *maker) issuerCases() {
	const (
		ok        = ticket.ReasonOK
		forged    = ticket.ReasonSignatureInvalid
		unknown   = ticket.ReasonUnknownKey
		forbidden = ticket.ReasonKeyNotAllowed
		expired   = ticket.ReasonKeyExpired
		wrong     = ticket.ReasonWrongEvent
	)
	m.add("long form, signature wrong", m.flip(m.long("chain", 100), 56), forged, "long", "chain", 100)
	m.add("long form, signature wrong, in the pack", m.flip(m.long("chain", 100), 119), forged, "long", "chain", 100, held("chain"))
	m.add("holder form, signature wrong", m.flip(m.long("holder", 100), 68), forged, "long", "holder", 100)
	m.add("static form, signature wrong", m.flip(m.static("static"), 37), forged, "static", "static", 0)
	m.add("zone group changed by the holder", m.flip(m.long("chain", 100), 19), forged, "long", "chain", 100)
	m.add("anchor changed by the holder", m.flip(m.long("chain", 100), 36), forged, "long", "chain", 100)
	m.add("unknown key, chain", m.long("chain key 12", 100), unknown, "long", "chain key 12", 100)
	m.add("unknown key, static", m.static("static key 12"), unknown, "static", "static key 12", 0)
	m.add("unknown key does not matter to a short form", m.short("chain key 12", 100), ok, "short", "chain key 12", 100, held("chain key 12"))
	m.add("key may not sign this event", m.long("chain event 2028", 100), forbidden, "long", "chain event 2028", 100)
	m.add("ticket id past the key's range", m.static("static past range"), forbidden, "static", "static past range", 0)
	m.add("key at its not-after", m.long("chain key 9", 60), ok, "long", "chain key 9", 60, atStep(60, 60))
	m.add("key past its not-after, chain", m.long("chain key 9", 100), expired, "long", "chain key 9", 100)
	m.add("key past its not-after, static", m.static("static key 9"), expired, "static", "static key 9", 0)
	m.add("key past its not-after, static, in the pack", m.static("static key 9"), expired, "static", "static key 9", 0, held("static key 9"))
	m.add("key past its not-after does not matter to a short form", m.short("chain key 9", 100), ok, "short", "chain key 9", 100, held("chain key 9"))
	m.add("an event that is not on, chain", m.long("chain event 2027", 100), wrong, "long", "chain event 2027", 100, events(2026))
	m.add("an event that is not on, static", m.static("static event 2027"), wrong, "static", "static event 2027", 0, events(2026))
	m.add("issuer is checked before the window", m.flip(m.long("chain", 90), 56), forged, "long", "chain", 90)
}

func (m *maker) windowCases() {
	const (
		ok      = ticket.ReasonOK
		stale   = ticket.ReasonCodeStale
		early   = ticket.ReasonCodeEarly
		invalid = ticket.ReasonCodeInvalid
	)
	for _, f := range []struct {
		form, body string
		text       func(string, uint32) string
	}{{"short", "chain", m.short}, {"long", "chain", m.long}, {"long", "holder", m.long}} {
		name := f.form + " " + f.body + ", "
		for _, w := range []struct {
			name string
			step uint32
			want ticket.Reason
		}{
			{"four steps behind", 96, stale},
			{"three steps behind", 97, ok},
			{"two steps ahead", 102, ok},
			{"three steps ahead", 103, early},
		} {
			m.add(name+w.name, f.text(f.body, w.step), w.want, f.form, f.body, w.step, held(f.body), stepSkew(int64(w.step), 100))
		}
	}
	m.add("last second of the third step behind", m.short("chain", 97), ok, "short", "chain", 97, held("chain"), at(vectorT0+1009), skew(-30))
	m.add("first second after it", m.short("chain", 97), stale, "short", "chain", 97, held("chain"), at(vectorT0+1010), skew(-40))
	m.add("last second before the second step ahead", m.short("chain", 102), early, "short", "chain", 102, held("chain"), at(vectorT0+999), skew(30))
	m.add("no margins, own step", m.short("chain", 100), ok, "short", "chain", 100, held("chain"), margins(0, 0))
	m.add("no margins, one step behind", m.short("chain", 99), stale, "short", "chain", 99, held("chain"), margins(0, 0), skew(-10))
	m.add("no margins, one step ahead", m.short("chain", 101), early, "short", "chain", 101, held("chain"), margins(0, 0), skew(10))
	m.add("wide margins of another policy", m.short("chain", 88), ok, "short", "chain", 88, held("chain"), margins(12, 12), skew(-120))
	m.add("gate one second before T0", m.short("chain", 0), ok, "short", "chain", 0, held("chain"), at(vectorT0-1), skew(10))
	m.add("gate two steps before T0", m.short("chain", 0), ok, "short", "chain", 0, held("chain"), atStep(0, -2))
	m.add("gate three steps before T0", m.short("chain", 0), early, "short", "chain", 0, held("chain"), at(vectorT0-21), skew(30))
	m.add("gate past the end, last step still in the window", m.short("chain", 2159), ok, "short", "chain", 2159, held("chain"), atStep(2159, 2162))
	m.add("gate past the end, window closed", m.short("chain", 2159), stale, "short", "chain", 2159, held("chain"), atStep(2159, 2163))
	m.add("step N", m.short("chain", 2160), invalid, "short", "chain", 2160, held("chain"), atStep(2160, 2159))
	m.add("step N, long form", m.long("chain", 2160), invalid, "long", "chain", 2160, atStep(2160, 2159))
	m.add("step N, holder key", m.long("holder", 2160), invalid, "long", "holder", 2160, atStep(2160, 2159))
	m.add("largest step, far past N", m.short("chain", 1<<24-1), invalid, "short", "chain", 1<<24-1, held("chain"), stepSkew(1<<24-1, 100))
	m.add("phone's clock 58 minutes ahead", m.short("chain", 448), early, "short", "chain", 448, held("chain"), skew(3480))
	m.add("phone's clock five hours behind", m.long("chain", 100), stale, "long", "chain", 100, atStep(100, 1900))
	m.add("window is checked before the proof", m.flip(m.short("chain", 90), -1), stale, "short", "chain", 90, held("chain"), skew(-100))
}

func (m *maker) proofCases() {
	const invalid = ticket.ReasonCodeInvalid
	m.add("short form, chain value wrong", m.flip(m.short("chain", 100), -1), invalid, "short", "chain", 100, held("chain"))
	m.add("short form, first byte of the value wrong", m.flip(m.short("chain", 100), 13), invalid, "short", "chain", 100, held("chain"))
	m.add("long form, chain value wrong", m.flip(m.long("chain", 100), -1), invalid, "long", "chain", 100)
	m.add("copied value under a later step", m.set(m.short("chain", 99), 12, 100), invalid, "short", "chain", 100, held("chain"))
	m.add("later value under an earlier step", m.set(m.short("chain", 101), 12, 100), invalid, "short", "chain", 100, held("chain"))
	m.add("value of another ticket", m.text(ticket.ShortText(vectorTicket, 2, 100, m.value(m.get("chain real-name"), 100))), invalid,
		"short", "chain", 100, held("chain"))
	m.add("value of another generation", m.text(ticket.ShortText(vectorTicket, 2, 100, m.value(m.get("chain generation 1"), 100))), invalid,
		"short", "chain", 100, held("chain"))
	m.add("the anchor itself", m.text(ticket.ShortText(vectorTicket, 2, 100, m.get("chain").Body.Anchor)), invalid, "short", "chain", 100, held("chain"))
	m.add("holder's signature wrong", m.flip(m.long("holder", 100), -40), invalid, "long", "holder", 100)
	m.add("holder's signature of another step", m.set(m.long("holder", 99), 134, 100), invalid, "long", "holder", 100)
	other := m.payload(m.long("holder generation 2", 100))
	mixed := m.payload(m.long("holder", 100))
	copy(mixed[135:], other[135:])
	m.add("holder's signature for another body", encode(mixed), invalid, "long", "holder", 100)
}
