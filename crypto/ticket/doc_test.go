package ticket_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

const docFile = "../../docs/protocol/ticket.md"

// docBlocks returns the fenced blocks of a kind in the specification.
func docBlocks(t *testing.T, kind string) []string {
	t.Helper()
	data, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)\n```$").FindAllStringSubmatch(string(data), -1) {
		out = append(out, m[1])
	}
	return out
}

// docExample reads the worked example: name, at least two spaces, hex.
func docExample(t *testing.T) map[string]string {
	t.Helper()
	example := make(map[string]string)
	line := regexp.MustCompile(`^(.*?)  +([0-9a-f]+)$`)
	for _, block := range docBlocks(t, "vg1") {
		for l := range strings.Lines(block) {
			m := line.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
			if m == nil {
				t.Fatalf("%s: not a name and hex: %q", docFile, l)
			}
			example[m[1]] = m[2]
		}
	}
	return example
}

// TestWorkedExample computes every line of the specification's example from
// the ones before.
func TestWorkedExample(t *testing.T) {
	doc := docExample(t)
	checked := make(map[string]bool)
	get := func(name string) []byte {
		checked[name] = true
		return unhex(t, doc[name])
	}
	is := func(name string, got []byte) {
		t.Helper()
		checked[name] = true
		if hex.EncodeToString(got) != doc[name] {
			t.Errorf("%s is %x, the page says %s", name, got, doc[name])
		}
	}
	private := ed25519.NewKeyFromSeed(get("issuer seed"))
	public := private.Public().(ed25519.PublicKey)
	is("issuer public key", public)
	issuer := ticket.Issuer{KeyID: 7, Private: private, IssueKey: get("issue key")}
	var fixed []byte
	for _, name := range []string{
		"version, algorithm", "issuer key id 7", "event 2026", "ticket", "generation 2", "flags re-entry",
		"zone group 3", "T0", "N 2160", "period 10", "proof chain",
	} {
		fixed = append(fixed, get(name)...)
	}
	is("body 0 … 27", fixed)
	is("seed input", append([]byte("VG1 seed"), fixed...))

	signed, err := issuer.Sign(ticket.Body{
		Event: 2026, Ticket: 0x0123456789abcdef, Generation: 2, Flags: ticket.FlagReentry, ZoneGroup: 3,
		T0: uint32(time.Date(2026, 9, 26, 12, 0, 0, 0, time.UTC).Unix()), Steps: 2160, Period: 10, Proof: ticket.ProofChain,
	})
	if err != nil {
		t.Fatal(err)
	}
	chain, err := issuer.Chain(signed.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, i := range map[string]uint32{"x[0]": 0, "x[1]": 1, "x[2]": 2, "x[2159]": 2159, "x[2160]": 2160} {
		x, err := chain.At(i)
		if err != nil {
			t.Fatal(err)
		}
		is(name, x[:])
	}
	is("link input 1", append(append([]byte("VG1 link"), unhex(t, "0123456789abcdef0200000001")...), get("x[0]")...))
	is("body", signed.Body.AppendUnsigned(nil))
	is("signature", signed.Signature[:])
	lease, err := chain.Lease(460)
	if err != nil {
		t.Fatal(err)
	}
	is("lease value", lease.Value[:])
	v, err := lease.At(90)
	if err != nil {
		t.Fatal(err)
	}
	is("value", v[:])
	checkExampleTexts(t, &signed, v, is)

	for name := range doc {
		isDocument := regexp.MustCompile(`^(document key|resident|passport|travel)`).MatchString(name)
		if !checked[name] && !isDocument { // crypto/identity checks those
			t.Errorf("nothing checks the page's %q", name)
		}
	}
}

func checkExampleTexts(t *testing.T, signed *ticket.Signed, v ticket.Value, is func(string, []byte)) {
	short, err := ticket.ShortText(signed.Body.Ticket, signed.Body.Generation, 90, v)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := ticket.AppendBase45Decoded(nil, strings.TrimPrefix(short, "VG1:"))
	if err != nil {
		t.Fatal(err)
	}
	is("short payload", payload)
	long, err := ticket.LongText(signed, 90, v)
	if err != nil {
		t.Fatal(err)
	}
	texts := docBlocks(t, "text")
	if len(texts) != 2 || texts[0] != short || texts[1] != long {
		t.Fatalf("the page's texts are not those of its body; want\n%s\n%s", short, long)
	}
	// "gates accept it from 12:14:40Z to 12:15:39Z"
	keys, err := keyring.ParseKeyFlag("7=" + docExample(t)["issuer public key"])
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyring.NewIssuers(keys)
	if err != nil {
		t.Fatal(err)
	}
	verifier := ticket.Verifier{Keys: set}
	for clock, want := range map[string]ticket.Reason{
		"12:14:39": ticket.ReasonCodeEarly, "12:14:40": ticket.ReasonOK, "12:15:39": ticket.ReasonOK, "12:15:40": ticket.ReasonCodeStale,
	} {
		at, err := time.Parse(time.DateTime, "2026-09-26 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			code, err := ticket.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			r := verifier.Verify(&code, &ticket.Held{Body: signed.Body}, at, ticket.DefaultMargins())
			if r.Reason != want {
				t.Errorf("%s form at %s: %s, want %s", r.Form, clock, r.Reason, want)
			}
		}
	}
}

// TestDocReasons: the page's table has every reason, in the order of the
// checks, and no other.
func TestDocReasons(t *testing.T) {
	data, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(data), "### Reasons\n")
	if !ok {
		t.Fatal("the page has no section Reasons")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(section, -1) {
		got = append(got, m[1])
	}
	var want []string
	for _, r := range ticket.Reasons() {
		want = append(want, string(r))
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the page lists %v\nwant %v", got, want)
	}
}
