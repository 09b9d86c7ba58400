package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

// vectors is the part of the published vectors that `ticket verify` can play.
type vectors struct {
	Issuers keyring.Issuers `json:"issuers"`
	Bodies  []struct {
		Name, Unsigned, Signature string
	} `json:"bodies"`
	Cases []struct {
		Name          string
		Text          string
		At            string
		Held          string
		Highest       uint8
		Events        []uint32
		Behind, Ahead uint16
		Expect        json.RawMessage
	} `json:"cases"`
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("../../crypto/ticket/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func keyFlags(v vectors) []string {
	var flags []string
	for _, k := range v.Issuers.Keys() {
		flags = append(flags, "--issuer-key", keyFlag(k))
	}
	return flags
}

// The command answers the published vectors to the letter.
func TestVerifyVectors(t *testing.T) {
	v := readVectors(t)
	bodies := map[string]string{}
	for _, b := range v.Bodies {
		bodies[b.Name] = b.Unsigned + b.Signature
	}
	played := 0
	for _, c := range v.Cases {
		margins := ticket.Margins{Behind: c.Behind, Ahead: c.Ahead}
		if c.Events != nil || c.Highest != 0 || margins != ticket.DefaultMargins() {
			continue // there are no flags for these
		}
		played++
		t.Run(c.Name, func(t *testing.T) {
			args := append([]string{"ticket", "verify", "--at", c.At}, keyFlags(v)...)
			if c.Held != "" {
				args = append(args, "--body", bodies[c.Held])
			}
			got := run(t, "", append(args, "--", c.Text)...)
			var want struct {
				OK bool `json:"ok"`
			}
			if err := json.Unmarshal(c.Expect, &want); err != nil {
				t.Fatal(err)
			}
			code := exitNo
			if want.OK {
				code = exitOK
			}
			if got.code != code {
				t.Errorf("exit code %d, want %d; %s", got.code, code, got.err)
			}
			if !sameJSON(t, []byte(got.out), c.Expect) {
				t.Errorf("\n got %s\nwant %s", got.out, c.Expect)
			}
		})
	}
	if played < 40 {
		t.Errorf("only %d of %d cases played", played, len(v.Cases))
	}
}

// What is given as --body must be the issuer's: the pack vouches for it at a
// gate, and nobody does here.
func TestVerifyBody(t *testing.T) {
	v := readVectors(t)
	short := v.Cases[0]
	var body string
	for _, b := range v.Bodies {
		if b.Name == short.Held {
			body = b.Unsigned + b.Signature
		}
	}
	at, err := time.Parse(time.RFC3339, short.At)
	if err != nil {
		t.Fatal(err)
	}
	in := func(change func(hex string) string) verification {
		data, err := hexFlag("body", change(body))
		if err != nil {
			t.Fatal(err)
		}
		return verification{keys: &v.Issuers, body: data, at: at, text: short.Text}
	}
	elsewhere := func(k keyring.IssuerKey) *keyring.Issuers {
		k.Events = []uint32{1}
		set, err := keyring.NewIssuers(k)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	expired := func(k keyring.IssuerKey) *keyring.Issuers {
		k.NotAfter = at.Add(-time.Hour)
		set, err := keyring.NewIssuers(k)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	same := func(s string) string { return s }
	for _, c := range []struct {
		name string
		in   verification
		want ticket.Reason
	}{
		{"good", in(same), ticket.ReasonOK},
		{"signature changed", in(func(s string) string { return s[:len(s)-2] + "00" }), ticket.ReasonSignatureInvalid},
		{"cut short", in(func(s string) string { return s[:len(s)-2] }), ticket.ReasonMalformed},
		{"of an unknown version", in(func(s string) string { return "09" + s[2:] }), ticket.ReasonMalformed},
		{"taken on trust", verification{keys: &keyring.Issuers{}, body: in(same).body, at: at, text: short.Text}, ticket.ReasonOK},
		{"no body", verification{keys: &v.Issuers, at: at, text: short.Text}, ticket.ReasonNewerThanPack},
		{
			"the key has expired since",
			verification{keys: expired(v.Issuers.Keys()[0]), body: in(same).body, at: at, text: short.Text},
			ticket.ReasonOK,
		},
		{
			"the key may not sign it",
			verification{keys: elsewhere(v.Issuers.Keys()[0]), body: in(same).body, at: at, text: short.Text},
			ticket.ReasonKeyNotAllowed,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := c.in.verify()
			if r.Reason != c.want || r.OK != (c.want == ticket.ReasonOK) {
				t.Errorf("%s, ok %v; want %s", r.Reason, r.OK, c.want)
			}
			if r.Form != ticket.FormShort || r.Ticket == 0 {
				t.Errorf("form %s and ticket %d are lost", r.Form, r.Ticket)
			}
		})
	}
}
