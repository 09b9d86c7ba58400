package scanner

import (
	"fmt"
	"strings"
	"time"

	"github.com/venuegate/venuegate/hw/port"
)

// Terminator says what ends a frame.
type Terminator string

// The terminators. The empty string is TerminatorLine.
const (
	// TerminatorLine ends a frame at CR, LF or CRLF, whichever the reader sends.
	TerminatorLine Terminator = "line"
	TerminatorCR   Terminator = "cr"
	TerminatorLF   Terminator = "lf"
	TerminatorCRLF Terminator = "crlf"
	// TerminatorETX ends a frame at ETX (0x03). With Framing.STX, bytes outside
	// STX…ETX are noise.
	TerminatorETX Terminator = "etx"
	// TerminatorGap ends a frame only by silence, Framing.Gap long.
	TerminatorGap Terminator = "gap"
)

// AIM says what to do with an AIM symbology identifier (ISO/IEC 15424), the
// three characters such as ]Q1 that readers can put before the text.
type AIM string

// The ways to treat the identifier. The empty string is AIMAuto.
const (
	AIMAuto    AIM = "auto"    // remove it where there is one
	AIMRequire AIM = "require" // drop a frame without one: it lost its start
	AIMOff     AIM = "off"     // the reader sends none; it would be text
)

// Defaults of Framing.
const (
	DefaultMax   = 4096
	DefaultStale = time.Second
	// limitMax bounds Max: the largest QR code holds 7 089 characters.
	limitMax = 64 << 10
)

// Framing is how one model of reader delimits what it read. The zero value
// suits nearly all as they come: text ended by CR, LF or both.
type Framing struct {
	Terminator Terminator
	STX        bool          // a frame starts at STX (0x02); with any terminator
	Gap        time.Duration // silence that ends a frame; needed for TerminatorGap, optional with others
	Prefix     string        // literal text the reader is set to put first; a frame without it is dropped
	Suffix     string        // literal text the reader is set to put last; likewise
	AIM        AIM
	ECI        bool          // remove leading ECI marks such as \000026, which some readers add
	Max        int           // longest frame in bytes, everything but the terminator counted; 4096 when zero
	Stale      time.Duration // an unfinished frame this old is dropped, unless Gap ends it; 1 s when zero
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (f Framing) Validate() error {
	f = f.withDefaults()
	wrong := func(field, format string, args ...any) error {
		return &port.OptionError{Field: field, Problem: fmt.Sprintf(format, args...)}
	}
	switch f.Terminator {
	case TerminatorLine, TerminatorCR, TerminatorLF, TerminatorCRLF, TerminatorETX:
	case TerminatorGap:
		if f.Gap == 0 {
			return wrong("Gap", "is needed when silence ends a frame")
		}
	default:
		return wrong("Terminator", "%q is not line, cr, lf, crlf, etx or gap", string(f.Terminator))
	}
	switch f.AIM {
	case AIMAuto, AIMRequire, AIMOff:
	default:
		return wrong("AIM", "%q is not auto, require or off", string(f.AIM))
	}
	switch {
	case f.Gap < 0:
		return wrong("Gap", "is negative")
	case f.Max < 1 || f.Max > limitMax:
		return wrong("Max", "%d is not between 1 and %d", f.Max, limitMax)
	case f.Stale < 0:
		return wrong("Stale", "is negative")
	case strings.ContainsFunc(f.Prefix, isControl):
		return wrong("Prefix", "has control characters")
	case strings.ContainsFunc(f.Suffix, isControl):
		return wrong("Suffix", "has control characters")
	case len(f.Prefix)+len(f.Suffix) >= f.Max:
		return wrong("Max", "leaves no room beside prefix and suffix")
	}
	return nil
}

func (f Framing) withDefaults() Framing {
	if f.Terminator == "" {
		f.Terminator = TerminatorLine
	}
	if f.AIM == "" {
		f.AIM = AIMAuto
	}
	if f.Max == 0 {
		f.Max = DefaultMax
	}
	if f.Stale == 0 {
		f.Stale = DefaultStale
	}
	return f
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7F }
