package ticket

// Reason is the machine-readable outcome of a verification.
type Reason string

// The reasons, in the order of the checks that give them.
const (
	// ReasonOK: the code is good. Whether its holder may enter is decided
	// elsewhere.
	ReasonOK Reason = "ok"
	// ReasonMalformed: the text is not VG1.
	ReasonMalformed Reason = "malformed"
	// ReasonSuperseded: a newer generation of the ticket has been issued.
	ReasonSuperseded Reason = "superseded"
	// ReasonNewerThanPack: a short form of a ticket or generation that the
	// pack does not hold. The long form would do: "tap to show the full code".
	ReasonNewerThanPack Reason = "newer_than_pack"
	// ReasonBodyMismatch: the pack holds the same ticket and generation with
	// other fields.
	ReasonBodyMismatch Reason = "body_mismatch"
	// ReasonUnknownKey: no issuer key with the id that the body names.
	ReasonUnknownKey Reason = "unknown_key"
	// ReasonSignatureInvalid: the issuer's signature is wrong.
	ReasonSignatureInvalid Reason = "signature_invalid"
	// ReasonKeyNotAllowed: the key may not sign this event, ticket id or
	// algorithm.
	ReasonKeyNotAllowed Reason = "key_not_allowed"
	// ReasonKeyExpired: the key's not-after is past.
	ReasonKeyExpired Reason = "key_expired"
	// ReasonWrongEvent: a good ticket for an event that is not on here.
	ReasonWrongEvent Reason = "wrong_event"
	// ReasonCodeStale: the step is behind the window.
	ReasonCodeStale Reason = "code_stale"
	// ReasonCodeEarly: the step is ahead of the window.
	ReasonCodeEarly Reason = "code_early"
	// ReasonCodeInvalid: a step that the ticket does not have, a chain value
	// that does not lead to the anchor, or a holder's signature that is wrong.
	ReasonCodeInvalid Reason = "code_invalid"
)

// Reasons lists every reason, in the order of the checks.
func Reasons() []Reason {
	return []Reason{
		ReasonOK, ReasonMalformed, ReasonSuperseded, ReasonNewerThanPack, ReasonBodyMismatch,
		ReasonUnknownKey, ReasonSignatureInvalid, ReasonKeyNotAllowed, ReasonKeyExpired, ReasonWrongEvent,
		ReasonCodeStale, ReasonCodeEarly, ReasonCodeInvalid,
	}
}
