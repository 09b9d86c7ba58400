package document

import "fmt"

// Status is the three status bytes of an answer; the last one tells.
type Status [3]byte

// StatusCode is the last status byte.
type StatusCode byte

// Status codes, from public reader manuals.
const (
	StatusOK           StatusCode = 0x90
	StatusFound        StatusCode = 0x9F
	StatusChecksum     StatusCode = 0x10
	StatusLength       StatusCode = 0x11
	StatusBadCommand   StatusCode = 0x21
	StatusUnknown      StatusCode = 0x24
	StatusAuthReader   StatusCode = 0x31
	StatusAuthCard     StatusCode = 0x32
	StatusVerify       StatusCode = 0x33
	StatusWrongCard    StatusCode = 0x40
	StatusReadFailed   StatusCode = 0x41
	StatusRandom       StatusCode = 0x47
	StatusSelfTest     StatusCode = 0x60
	StatusUnauthorised StatusCode = 0x66
	StatusNoCard       StatusCode = 0x80
	StatusSelectFailed StatusCode = 0x81
)

// Code returns the status byte that tells how the command ended.
func (s Status) Code() StatusCode { return StatusCode(s[2]) }

// String names the code.
func (c StatusCode) String() string {
	switch c {
	case StatusOK:
		return "ok"
	case StatusFound:
		return "card found"
	case StatusChecksum:
		return "the reader got a wrong checksum"
	case StatusLength:
		return "the reader got a wrong length"
	case StatusBadCommand:
		return "command refused"
	case StatusUnknown:
		return "unknown command"
	case StatusAuthReader, StatusAuthCard:
		return "card and module do not recognise each other"
	case StatusVerify:
		return "the card's data failed verification"
	case StatusWrongCard:
		return "not this kind of card"
	case StatusReadFailed:
		return "reading the card failed"
	case StatusRandom:
		return "random number failed"
	case StatusSelfTest:
		return "self-test failed"
	case StatusUnauthorised:
		return "the module is not authorised"
	case StatusNoCard:
		return "no card"
	case StatusSelectFailed:
		return "selecting the card failed"
	}
	return fmt.Sprintf("status %02X", byte(c))
}

// StatusError is an answer that refuses a command.
type StatusError struct {
	Command Command
	Status  Status
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%v: %v (%02X %02X %02X)", e.Command, e.Status.Code(), e.Status[0], e.Status[1], e.Status[2])
}
