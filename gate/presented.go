package gate

import "time"

// Presented is what a visitor showed, after it was parsed and verified: a
// code, a document, or both.
type Presented struct {
	Kind CredentialKind
	// Check is why the code did not prove itself, or ReasonNone when it did.
	Check      Reason
	Generation uint8
	HasStep    bool
	Step       uint32
	Skew       time.Duration // phone's clock less ours, unproven when Check is set
	Documents  []Tag         // shown together with, or instead of, a code
	Direction  Direction     // side of the reader, where the lane has two
	Count      int           // people asked for; zero: what the policy says
	// ClockUntrusted is true when the gate could not be sure of the time that
	// the code was checked against.
	ClockUntrusted bool
}

// CredentialKind says what proves the visitor's right.
type CredentialKind uint8

// The kinds of credential.
const (
	CredentialCode     CredentialKind = iota // a VG1 code
	CredentialForeign                        // another platform's code, wristband or badge
	CredentialDocument                       // a document alone
	CredentialCodeAndDocument
	CredentialForeignAndDocument
)

// foreign reports whether the code is another platform's.
func (k CredentialKind) foreign() bool {
	return k == CredentialForeign || k == CredentialForeignAndDocument
}

// WithDocument returns the kind once a document has been shown as well.
func (k CredentialKind) WithDocument() CredentialKind {
	switch k {
	case CredentialCode:
		return CredentialCodeAndDocument
	case CredentialForeign:
		return CredentialForeignAndDocument
	default:
		return k
	}
}
