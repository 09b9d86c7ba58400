package health

import "fmt"

// Severity says how much a warning presses.
type Severity uint8

// The severities, in rising order.
const (
	Info     Severity = iota // good to know; nothing suffers
	Warning                  // something suffers, or soon will
	Critical                 // visitors are turned away or records are at risk
)

// String returns the severity's word: info, warning or critical.
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Critical:
		return "critical"
	default:
		return fmt.Sprintf("severity_%d", uint8(s))
	}
}

// MarshalText writes the severity's word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Severities returns all severities in rising order.
func Severities() []Severity { return []Severity{Info, Warning, Critical} }
