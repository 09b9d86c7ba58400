package ticket_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

const vectorsFile = "testdata/vectors.json"

var update = flag.Bool("update", false, "write "+vectorsFile+" anew")

// vectors is the published file. Everything needed to check another
// implementation is in it; see its description.
type vectors struct {
	Description []string        `json:"description"`
	Secrets     vectorSecrets   `json:"secrets"`
	Issuers     json.RawMessage `json:"issuers"`
	Base45      []vectorBase45  `json:"base45"`
	Bodies      []vectorBody    `json:"bodies"`
	Cases       []vectorCase    `json:"cases"`
}

type vectorSecrets struct {
	IssueKey string            `json:"issue_key"`
	Issuers  map[string]string `json:"issuers"` // key id → Ed25519 seed
	Holder   string            `json:"holder"`  // Ed25519 seed
}

type vectorBase45 struct {
	Hex  string `json:"hex"`
	Text string `json:"text"`
}

type vectorBody struct {
	Name       string        `json:"name"`
	Event      uint32        `json:"event"`
	Ticket     uint64        `json:"ticket,string"`
	Generation uint8         `json:"generation"`
	Flags      uint8         `json:"flags"`
	ZoneGroup  uint16        `json:"zone_group"`
	T0         uint32        `json:"t0"`
	Steps      uint16        `json:"steps"`
	Period     uint8         `json:"period"`
	Proof      string        `json:"proof"`
	Tag        string        `json:"document_tag"`
	Holder     string        `json:"holder,omitempty"`
	Key        uint16        `json:"key_id"`
	Unsigned   string        `json:"unsigned"`
	Signature  string        `json:"signature"`
	SeedInput  string        `json:"seed_input,omitempty"`
	Chain      []vectorLink  `json:"chain,omitempty"`
	Values     []vectorValue `json:"values,omitempty"`
}

type vectorLink struct {
	I uint32 `json:"i"`
	X string `json:"x"`
}

type vectorValue struct {
	Step  uint32 `json:"step"`
	Value string `json:"value"`
}

type vectorCase struct {
	Name      string       `json:"name"`
	Text      string       `json:"text"`
	At        string       `json:"at"`
	Held      string       `json:"held,omitempty"` // name of a body
	Highest   uint8        `json:"highest,omitempty"`
	Events    []uint32     `json:"events,omitempty"`
	Behind    uint16       `json:"behind"`
	Ahead     uint16       `json:"ahead"`
	Expect    vectorResult `json:"expect"`
	Malformed string       `json:"malformed,omitempty"` // the field
}

type vectorResult struct {
	OK          bool          `json:"ok"`
	Reason      ticket.Reason `json:"reason"`
	Form        string        `json:"form"`
	Proof       string        `json:"proof"`
	Ticket      uint64        `json:"ticket,string"`
	Generation  uint8         `json:"generation"`
	Step        uint32        `json:"step"`
	SkewSeconds int64         `json:"skew_seconds"`
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", vectorsFile, err)
	}
	return v
}

// TestVectors checks the published file case by case, with nothing but what is
// in it.
func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	v := readVectors(t)
	var keys keyring.Issuers
	if err := json.Unmarshal(v.Issuers, &keys); err != nil {
		t.Fatal(err)
	}
	bodies := make(map[string]ticket.Body)
	for _, b := range v.Bodies {
		body, err := ticket.ParseBody(unhex(t, b.Unsigned))
		if err != nil {
			t.Fatalf("body %s: %v", b.Name, err)
		}
		bodies[b.Name] = body
	}
	if len(v.Cases) < 40 {
		t.Errorf("%d cases, want at least 40", len(v.Cases))
	}
	names := make(map[string]bool)
	seen := make(map[ticket.Reason]int)
	for _, c := range v.Cases {
		if names[c.Name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		names[c.Name] = true
		seen[c.Expect.Reason]++
		t.Run(c.Name, func(t *testing.T) { checkCase(t, c, &keys, bodies) })
	}
	for _, r := range ticket.Reasons() {
		if seen[r] == 0 {
			t.Errorf("no case ends as %s", r)
		}
	}
}

func checkCase(t *testing.T, c vectorCase, keys *keyring.Issuers, bodies map[string]ticket.Body) {
	at, err := time.Parse(time.RFC3339, c.At)
	if err != nil {
		t.Fatal(err)
	}
	code, err := ticket.Parse(c.Text)
	if err != nil {
		var m *ticket.MalformedError
		if !errors.As(err, &m) {
			t.Fatalf("error %T, want *MalformedError", err)
		}
		if m.Field != c.Malformed {
			t.Errorf("malformed %s, want %q", m.Field, c.Malformed)
		}
		checkResult(t, ticket.Malformed(), c.Expect)
		return
	}
	var held *ticket.Held
	if c.Held != "" {
		body, ok := bodies[c.Held]
		if !ok {
			t.Fatalf("no body %q", c.Held)
		}
		held = &ticket.Held{Body: body, Highest: c.Highest}
	}
	verifier := ticket.Verifier{Keys: keys}
	if c.Events != nil {
		verifier.Events = func(e uint32) bool { return slices.Contains(c.Events, e) }
	}
	got := verifier.Verify(&code, held, at, ticket.Margins{Behind: c.Behind, Ahead: c.Ahead})
	if got.OK && got.Body.Generation != c.Expect.Generation {
		t.Error("ok without the body that stands")
	}
	checkResult(t, got, c.Expect)
}

func checkResult(t *testing.T, got ticket.Result, want vectorResult) {
	t.Helper()
	g, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		t.Errorf("\n got %s\nwant %s", g, w)
	}
}

// TestVectorIntermediates makes every body of the file from its fields and the
// issuer's secrets, and checks what lies between.
func TestVectorIntermediates(t *testing.T) {
	v := readVectors(t)
	for _, b := range v.Bodies {
		t.Run(b.Name, func(t *testing.T) {
			issuer := vectorIssuer(t, v.Secrets, b.Key)
			signed, err := issuer.Sign(b.body(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(signed.Body.AppendUnsigned(nil)); got != b.Unsigned {
				t.Errorf("unsigned\n got %s\nwant %s", got, b.Unsigned)
			}
			if got := hex.EncodeToString(signed.Signature[:]); got != b.Signature {
				t.Errorf("signature\n got %s\nwant %s", got, b.Signature)
			}
			if signed.Body.Proof != ticket.ProofChain {
				return
			}
			chain, err := issuer.Chain(signed.Body)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range b.Chain {
				x, err := chain.At(l.I)
				if err != nil {
					t.Fatal(err)
				}
				if got := hex.EncodeToString(x[:]); got != l.X {
					t.Errorf("x[%d] = %s, want %s", l.I, got, l.X)
				}
			}
			for _, s := range b.Values {
				x, err := chain.Value(s.Step)
				if err != nil {
					t.Fatal(err)
				}
				if got := hex.EncodeToString(x[:]); got != s.Value {
					t.Errorf("value at step %d = %s, want %s", s.Step, got, s.Value)
				}
			}
		})
	}
}

// TestVectorsAreCurrent makes the file anew and compares, so that it cannot
// drift from its generator.
func TestVectorsAreCurrent(t *testing.T) {
	got, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if want := makeVectors(t); !bytes.Equal(got, want) {
		t.Errorf("%s is not what the generator writes; run go test -run TestVectors -update", vectorsFile)
	}
}

func writeVectors(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(vectorsFile, makeVectors(t), 0o644); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
