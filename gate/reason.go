package gate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Reason is the one machine-readable why of a verdict. The numbers stand in
// journals and never change meaning; new ones are added, none is reused.
type Reason uint16

// The reasons. ReasonNone is no reason at all and never in a verdict.
const (
	ReasonNone          Reason = 0
	ReasonAdmitted      Reason = 1
	ReasonReAdmitted    Reason = 2
	ReasonExited        Reason = 3
	ReasonExitUnmatched Reason = 4
	ReasonPreChecked    Reason = 5
	ReasonOverridden    Reason = 6

	ReasonMalformed        Reason = 20
	ReasonNotATicket       Reason = 21
	ReasonPaymentCode      Reason = 22
	ReasonWebLink          Reason = 23
	ReasonUnknownTicket    Reason = 24
	ReasonWrongEvent       Reason = 25
	ReasonSignatureInvalid Reason = 26
	ReasonKeyUnknown       Reason = 27
	ReasonKeyNotAllowed    Reason = 28
	ReasonKeyExpired       Reason = 29

	ReasonCodeStale     Reason = 40
	ReasonCodeEarly     Reason = 41
	ReasonCodeInvalid   Reason = 42
	ReasonSuperseded    Reason = 43
	ReasonNewerThanPack Reason = 44
	ReasonBodyMismatch  Reason = 45
	ReasonCodeUsed      Reason = 46

	ReasonTicketVoid     Reason = 60
	ReasonTicketRefunded Reason = 61
	ReasonTicketUsedUp   Reason = 62
	ReasonTicketBlocked  Reason = 63

	ReasonDoorsNotOpen    Reason = 70
	ReasonLastEntryPassed Reason = 71
	ReasonSessionOver     Reason = 72
	ReasonOtherSession    Reason = 73
	ReasonNotYetValid     Reason = 74
	ReasonNoLongerValid   Reason = 75
	ReasonBeforeAdmission Reason = 76

	ReasonWrongZone     Reason = 80
	ReasonWrongEntrance Reason = 81
	ReasonLaneClosed    Reason = 82
	ReasonLaneBusy      Reason = 83
	ReasonLaneHeld      Reason = 84
	ReasonEvacuation    Reason = 85
	ReasonEntranceMoved Reason = 86

	ReasonAlreadyInside       Reason = 90
	ReasonNoReEntry           Reason = 91
	ReasonPauseNotOver        Reason = 92
	ReasonEntriesUsedUp       Reason = 93
	ReasonPartyComplete       Reason = 94
	ReasonPersonAlreadyInside Reason = 95
	ReasonEnteredByOldHolder  Reason = 96
	ReasonClaimedElsewhere    Reason = 97

	ReasonDocumentNeeded     Reason = 110
	ReasonCodeNeeded         Reason = 111
	ReasonDocumentMismatch   Reason = 112
	ReasonDocumentUnknown    Reason = 113
	ReasonNoDocumentOnFile   Reason = 114
	ReasonSeveralTickets     Reason = 115
	ReasonDocumentUnreadable Reason = 116
	ReasonDocumentBlocked    Reason = 118
	ReasonFaceNotMatched     Reason = 117

	ReasonIsolated       Reason = 130
	ReasonNoPack         Reason = 131
	ReasonNotRecorded    Reason = 132
	ReasonBarrierFailed  Reason = 133
	ReasonClockUntrusted Reason = 134
	ReasonLaneUnknown    Reason = 135

	ReasonPassageForced   Reason = 150
	ReasonPassageWrongWay Reason = 151
	ReasonPassageTailgate Reason = 152
	ReasonFire            Reason = 153
	ReasonFireQuiet       Reason = 154
	ReasonFirePassage     Reason = 155
	ReasonFireEnded       Reason = 156

	ReasonEvacuationBegun          Reason = 157
	ReasonEvacuationPassage        Reason = 158
	ReasonEvacuationEnded          Reason = 159
	ReasonEvacuationButton         Reason = 160
	ReasonEvacuationButtonReleased Reason = 161
)

// String returns the reason's code, such as "code_stale".
func (r Reason) String() string {
	if t, ok := reasonTexts[r]; ok {
		return t.code
	}
	return "reason_" + strconv.Itoa(int(r))
}

// MarshalText writes the reason's code.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a reason's code.
func (r *Reason) UnmarshalText(text []byte) error {
	found, ok := ReasonByCode(string(text))
	if !ok {
		return fmt.Errorf("reason: unknown code %q", text)
	}
	*r = found
	return nil
}

// ReasonByCode finds the reason of a code such as "code_stale".
func ReasonByCode(code string) (Reason, bool) {
	for r := range reasonTexts {
		if reasonTexts[r].code == code {
			return r, true
		}
	}
	return ReasonNone, false
}

// Reasons returns all reasons in the order of their numbers.
func Reasons() []Reason {
	return slices.Sorted(maps.Keys(reasonTexts))
}
