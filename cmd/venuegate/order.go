package main

import (
	"crypto/ed25519"
	"strings"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
)

// orderFlags are what `ticket issue` can be told of a ticket.
type orderFlags struct {
	event            uint32
	class, zoneGroup uint16
	sessions         []uint
	anySession       bool
	party            uint8
	noReEntry        bool
	proof, holderKey string
	holder           holderFlags
	foreign          []string
	channel          uint16
	seat             string
	count            int
	at               string
}

// holderFlags say who a ticket is for.
type holderFlags struct {
	documents []string
	name      string
}

var proofs = map[string]ticket.Proof{
	ticket.ProofChain.String(): ticket.ProofChain, ticket.ProofHolder.String(): ticket.ProofHolder, ticket.ProofStatic.String(): ticket.ProofStatic,
}

func (f *orderFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.Uint32Var(&f.event, "event", 0, "the event's `ID`; needed where the venue has several")
	fs.Uint16Var(&f.class, "class", 0, "`ID` of the ticket's class (default the event's first)")
	fs.Uint16Var(&f.zoneGroup, "zone-group", 0, "`ID` of the zones that it opens (default the event's first)")
	fs.UintSliceVar(&f.sessions, "session", nil, "`ID` of a session that it is for (default the one that is on, else the next)")
	fs.Lookup("session").DefValue = "" // else the help says "default []" beside it
	fs.BoolVar(&f.anySession, "any-session", false, "for every session of the event")
	fs.Uint8Var(&f.party, "party", 1, "how many `PEOPLE` it admits")
	fs.BoolVar(&f.noReEntry, "no-re-entry", false, "its holder may not come back")
	fs.StringVar(&f.proof, "proof", "chain", "`KIND` of code: chain (rotates, any phone), holder (a key in the phone), static (paper)")
	fs.StringVar(&f.holderKey, "holder-key", "", "the phone's public key in `HEX`, for --proof holder (default a new one, whose seed is printed)")
	f.holder.add(cmd)
	fs.StringArrayVar(&f.foreign, "foreign", nil, "another platform's `CODE` for this ticket, or - for standard input; repeat for several")
	fs.Uint16Var(&f.channel, "channel", 0, "`ID` of where it was sold")
	fs.StringVar(&f.seat, "seat", "", "`AREA/ROW/SEAT`, for staff to point the way")
	fs.IntVar(&f.count, "count", 1, "issue `N` tickets alike")
	fs.StringVar(&f.at, "at", "", "the office's clock, a `TIME` in RFC 3339 (default now)")
	complete(cmd, "proof", "chain", "holder", "static")
}

func (f *holderFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.documents, "document", nil, "the holder's document, `TYPE:COUNTRY:NUMBER`, or - for standard input; repeat for several")
	cmd.Flags().StringVar(&f.name, "name", "", "the holder's `NAME`, or - for standard input")
}

// order reads the flags. Lines of standard input are taken in the order
// documents, name, foreign codes. seed is the private half of a holder's key
// that was made here.
func (t *tool) order(f *orderFlags) (o central.Order, seed []byte, err error) {
	proof, known := proofs[f.proof]
	switch {
	case !known:
		return o, nil, usagef("--proof: want chain, holder or static")
	case f.holderKey != "" && proof != ticket.ProofHolder:
		return o, nil, usagef("--holder-key is for --proof holder")
	case f.count < 1 || f.count > maxCount:
		return o, nil, usagef("--count: want 1 to %d", maxCount)
	case f.count > 1 && len(f.foreign) > 0:
		return o, nil, usagef("--foreign is the code of one ticket; leave --count away")
	case f.anySession && len(f.sessions) > 0:
		return o, nil, usagef("--session and --any-session do not go together")
	}
	o = central.Order{
		Event: gate.EventID(f.event), Class: gate.ClassID(f.class), ZoneGroup: gate.ZoneGroupID(f.zoneGroup),
		AnySession: f.anySession, Party: f.party, NoReEntry: f.noReEntry, Proof: proof, Channel: gate.ChannelID(f.channel),
	}
	for _, id := range f.sessions {
		if id == 0 || id > 1<<16-1 {
			return o, nil, usagef("--session: want a number from 1 to 65535")
		}
		o.Sessions = append(o.Sessions, gate.SessionID(id))
	}
	if f.seat != "" {
		parts := strings.Split(f.seat, "/")
		if len(parts) != 3 {
			return o, nil, usagef("--seat: want AREA/ROW/SEAT, such as C/12/7")
		}
		o.Seat = gate.Seat{Area: parts[0], Row: parts[1], Seat: parts[2]}
	}
	in := t.lines()
	if o.Holder, err = f.holder.read(in); err != nil {
		return o, nil, err
	}
	for _, text := range f.foreign {
		if text, err = in.or(text, "--foreign"); err != nil {
			return o, nil, err
		}
		o.Foreign = append(o.Foreign, gate.Private(text))
	}
	if proof == ticket.ProofHolder {
		o.HolderKey, seed, err = holderKey(f.holderKey)
	}
	return o, seed, err
}

const maxCount = 1_000_000

// read makes a holder of the flags and of standard input.
func (f *holderFlags) read(in *lines) (h central.Holder, err error) {
	for _, text := range f.documents {
		if text, err = in.or(text, "--document"); err != nil {
			return h, err
		}
		d, err := parseDocument(text)
		if err != nil {
			return h, err
		}
		h.Documents = append(h.Documents, d)
	}
	name, err := in.or(f.name, "--name")
	h.Name = gate.Private(name)
	return h, err
}

// parseDocument reads TYPE:COUNTRY:NUMBER. Errors do not repeat the text.
func parseDocument(text string) (central.Document, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 {
		return central.Document{}, usagef("--document: want TYPE:COUNTRY:NUMBER, such as passport:DEU:…")
	}
	kind, err := identity.ParseType(parts[0])
	if err != nil {
		return central.Document{}, usagef("--document: TYPE is one of %s", strings.Join(documentTypes(), ", "))
	}
	return central.Document{Type: kind, Country: parts[1], Number: gate.Private(parts[2])}, nil
}

// holderKey reads a phone's public key, or makes a pair.
func holderKey(text string) (public [ticket.HolderKeySize]byte, seed []byte, err error) {
	if text == "" {
		key, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return public, nil, err
		}
		return [ticket.HolderKeySize]byte(key), private.Seed(), nil
	}
	key, err := hexFlag("holder-key", text)
	if err == nil && len(key) != len(public) {
		err = usagef("--holder-key: want %d hex digits", 2*len(public))
	}
	copy(public[:], key)
	return public, nil, err
}
