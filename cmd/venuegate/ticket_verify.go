package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/ticket"
)

func (t *tool) ticketVerifyCommand() *cobra.Command {
	var keys []string
	var body, at string
	cmd := &cobra.Command{
		Use: "verify [flags] TEXT", Short: "Say whether a code is good, and if not, why",
		Long: `Verifies the text of a code as a gate would, and prints the result as JSON.
Exits 0 when the code is good and 1 when it is not. It does not know whether the
ticket was used or refunded: that is in the pack and the journals.

TEXT may hold spaces and $, so put it in single quotes; - or no TEXT reads
standard input. A short code rests on what the pack holds of the ticket: give
that with --body, as "ticket issue --json" prints it.`,
		Example: indent(`
venuegate ticket verify --issuer-key 1=HEX --at 2026-11-22T19:30:00+08:00 'VG1:…'
venuegate qr read photo.png | venuegate ticket verify --issuer-key 1=HEX`),
		Args: between(0, 1, "one TEXT, or none to read standard input"),
		RunE: func(_ *cobra.Command, args []string) error {
			in, err := verifyInput(keys, body)
			if err != nil {
				return err
			}
			if in.at, err = t.timeFlag("at", at); err != nil {
				return err
			}
			if in.text, err = t.textOrInput(args, "code"); err != nil {
				return err
			}
			result, detail := in.verify()
			if err := json.NewEncoder(t.out).Encode(result); err != nil {
				return err
			}
			if detail != nil {
				_, _ = fmt.Fprintln(t.err, detail)
			}
			if !result.OK {
				return errNo
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&keys, "issuer-key", nil, "an issuer's public key, `ID=HEX`; repeat for several. Limits may follow: ,event=ID ,tickets=FROM-TO ,not-after=TIME")
	cmd.Flags().StringVar(&body, "body", "", "body and signature in `HEX`, what the pack holds of the ticket")
	cmd.Flags().StringVar(&at, "at", "", "the gate's clock, a `TIME` in RFC 3339 (default now)")
	return cmd
}

// verification is what `ticket verify` was asked.
type verification struct {
	keys *keyring.Issuers
	body []byte // body and signature; empty: the pack does not know the ticket
	at   time.Time
	text string
}

func verifyInput(keys []string, body string) (verification, error) {
	var v verification
	if len(keys) == 0 {
		return v, usagef("--issuer-key is missing; it is the public key under \"issuers\" in event.json")
	}
	list := make([]keyring.IssuerKey, 0, len(keys))
	for _, k := range keys {
		key, err := keyring.ParseKeyFlag(k)
		if err != nil {
			return v, usagef("--issuer-key: %v", err)
		}
		list = append(list, key)
	}
	var err error
	if v.keys, err = keyring.NewIssuers(list...); err != nil {
		return v, usagef("--issuer-key: %v", err)
	}
	v.body, err = hexFlag("body", body)
	return v, err
}

// verify returns the result, and what there is to remark: what was malformed
// and where, or what could not be checked.
func (v *verification) verify() (result ticket.Result, detail error) {
	code, err := ticket.Parse(v.text)
	if err != nil {
		return ticket.Malformed(), err
	}
	verifier := ticket.Verifier{Keys: v.keys}
	var held *ticket.Held
	if len(v.body) > 0 {
		signed, err := ticket.ParseSigned(v.body)
		if err != nil {
			return refused(&code, ticket.ReasonMalformed), fmt.Errorf("--body: %w", err)
		}
		// A short form rests on the pack, which vouches for the body whatever has
		// become of the key since. Here nobody vouches, so a signature that can be
		// checked has to be right.
		switch r := verifier.CheckSigned(&signed, v.at); r {
		case ticket.ReasonSignatureInvalid, ticket.ReasonKeyNotAllowed:
			return refused(&code, r), fmt.Errorf("--body: %s", r)
		case ticket.ReasonUnknownKey:
			detail = fmt.Errorf("--body is taken on trust: issuer key %d was not given", signed.Body.KeyID)
		}
		held = &ticket.Held{Body: signed.Body}
	}
	return verifier.Verify(&code, held, v.at, ticket.DefaultMargins()), detail
}

// refused is the result for a code whose held body cannot be believed.
func refused(code *ticket.Code, why ticket.Reason) ticket.Result {
	return ticket.Result{
		Reason: why, Form: code.Form, Proof: code.Proof, Ticket: code.Ticket, Generation: code.Generation, Step: code.Step,
	}
}

// bodyHex is how a signed body is printed and read.
func bodyHex(s *ticket.Signed) string { return hex.EncodeToString(s.Append(nil)) }
