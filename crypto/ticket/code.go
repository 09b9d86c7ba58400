package ticket

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Prefix begins every VG1 text.
const Prefix = "VG1:"

// Form is the shape of a code.
type Form uint8

// The forms. The zero Form is a text that could not be parsed.
const (
	FormShort  Form = 1 + iota // ticket reference, step and value; rests on the pack
	FormLong                   // body, issuer's signature, step and proof
	FormStatic                 // body and issuer's signature
)

// String returns short, long or static, and nothing for the zero Form.
func (f Form) String() string {
	switch f {
	case FormShort:
		return "short"
	case FormLong:
		return "long"
	case FormStatic:
		return "static"
	}
	return ""
}

// MarshalText returns String.
func (f Form) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Lengths of payloads and what their first byte says.
const (
	firstShort = 0x11
	firstLong  = Version

	lenShort      = 1 + 8 + 1 + stepSize + ValueSize
	lenStatic     = fixedSize + 1 + SignatureSize
	lenLongChain  = fixedSize + ValueSize + SignatureSize + stepSize + ValueSize
	lenLongHolder = fixedSize + HolderKeySize + SignatureSize + stepSize + SignatureSize

	// MaxTextLen is the length of the longest VG1 text, in characters.
	MaxTextLen = len(Prefix) + lenLongHolder/2*3 + lenLongHolder%2*2
)

// issuerDomain begins what an issuer signs; the body follows.
const issuerDomain = "VG1 ticket\x00"

// Code is a parsed VG1 text, made by [Parse] and only read afterwards. It is
// well formed; nothing about it has been verified.
type Code struct {
	Form       Form
	Proof      Proof
	Ticket     uint64
	Generation uint8
	Step       uint32 // 0 when static
	Value      Value  `json:"-"` // the chain value of a short or long chain form
	Body       Body   // of a long or static form

	// raw is issuerDomain followed by the payload, so that what the issuer
	// signed is one slice of it. Its length follows from Form and Proof.
	raw [len(issuerDomain) + lenLongHolder]byte
}

// IsVG1 reports whether a text begins as VG1 does, in either letter case.
// Whether it is well formed is for [Parse] to say.
func IsVG1(text string) bool {
	return len(text) >= len(Prefix) && prefixMatch(text) == len(Prefix)
}

// prefixMatch counts the leading characters that are the prefix's.
func prefixMatch(text string) int {
	i := 0
	for i < len(Prefix) && i < len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != Prefix[i] {
			break
		}
		i++
	}
	return i
}

// Parse reads a VG1 text. Lower-case ASCII letters count as upper case; there
// is no other tolerance, so line ends and symbology identifiers must be gone.
// The error is a [*MalformedError].
func Parse(text string) (Code, error) {
	var c Code
	err := c.parse(text)
	if err != nil {
		return Code{}, err
	}
	return c, nil
}

func (c *Code) parse(text string) error {
	if n := prefixMatch(text); n < len(Prefix) {
		return malformed(fieldPrefix, n, "does not begin with "+Prefix)
	}
	if len(text) > MaxTextLen {
		return malformed(fieldText, MaxTextLen, strconv.Itoa(len(text))+" characters, longer than any form")
	}
	copy(c.raw[:], issuerDomain)
	start := c.raw[len(issuerDomain):len(issuerDomain)]
	p, err := appendBase45Decoded(start, text, len(Prefix))
	if err != nil {
		return err
	}
	if len(p) == 0 {
		return malformed(fieldLength, 0, "empty payload")
	}
	switch p[0] {
	case firstShort:
		return c.parseShort(p)
	case firstLong:
		return c.parseLong(p)
	}
	return malformed(fieldVersion, 0, "unknown first byte "+strconv.Itoa(int(p[0])))
}

func (c *Code) parseShort(p []byte) error {
	if len(p) != lenShort {
		return malformed(fieldLength, min(len(p), lenShort), strconv.Itoa(len(p))+" bytes, want "+strconv.Itoa(lenShort)+" for a short form")
	}
	c.Form, c.Proof = FormShort, ProofChain
	c.Ticket = binary.BigEndian.Uint64(p[1:])
	c.Generation = p[9]
	c.Step = uint24(p[10:])
	copy(c.Value[:], p[13:])
	if c.Generation == 0 {
		return malformed(fieldGeneration, 9, "zero; generations count from 1")
	}
	return nil
}

func (c *Code) parseLong(p []byte) error {
	b, n, err := parseBody(p)
	if err != nil {
		return err
	}
	want := 0
	switch b.Proof {
	case ProofStatic:
		want = lenStatic
		c.Form = FormStatic
	case ProofChain:
		want = lenLongChain
		c.Form = FormLong
	case ProofHolder:
		want = lenLongHolder
		c.Form = FormLong
	}
	if len(p) != want {
		return malformed(fieldLength, min(len(p), want), strconv.Itoa(len(p))+" bytes, want "+strconv.Itoa(want)+" for this proof")
	}
	c.Body = b
	c.Proof, c.Ticket, c.Generation = b.Proof, b.Ticket, b.Generation
	if b.Proof != ProofStatic {
		c.Step = uint24(p[n+SignatureSize:])
	}
	if b.Proof == ProofChain {
		copy(c.Value[:], p[n+SignatureSize+stepSize:])
	}
	return nil
}

// Signed returns the signed body of a long or static form, and false for a
// short one. For a static form this is the ticket itself: it can be shown
// again, so it must not be kept.
func (c *Code) Signed() (Signed, bool) {
	if c.Form != FormLong && c.Form != FormStatic {
		return Signed{}, false
	}
	s := Signed{Body: c.Body}
	copy(s.Signature[:], c.issuerSignature())
	return s, true
}

// Format keeps the text's content out of logs, whatever the verb.
func (c Code) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "[%s code]", c.Form.String())
}

// unsignedEnd is where the body ends in raw and the issuer's signature begins.
func (c *Code) unsignedEnd() int {
	return len(issuerDomain) + fixedSize + c.Proof.tailSize()
}

func (c *Code) issuerMessage() []byte { return c.raw[:c.unsignedEnd()] }

func (c *Code) signedBody() []byte {
	return c.raw[len(issuerDomain) : c.unsignedEnd()+SignatureSize]
}

func (c *Code) issuerSignature() []byte {
	return c.raw[c.unsignedEnd() : c.unsignedEnd()+SignatureSize]
}

func (c *Code) holderSignature() []byte {
	from := c.unsignedEnd() + SignatureSize + stepSize
	return c.raw[from : from+SignatureSize]
}

func uint24(p []byte) uint32 { return uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2]) }

func appendUint24(dst []byte, v uint32) []byte {
	return append(dst, byte(v>>16), byte(v>>8), byte(v))
}
