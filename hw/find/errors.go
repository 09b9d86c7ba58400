package find

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ErrNone is that nothing that is plugged in matches; the error is a *NoneError.
var ErrNone = errors.New("no device matches")

// NoneError says that nothing that is plugged in matches. It is ErrNone, and
// fs.ErrNotExist as it would be with a path.
type NoneError struct {
	Class Class
	Match Match
	// Near are devices that match but cannot be used: they are of another class,
	// as a reader that is set to play a keyboard, or not usable.
	Near []Device
}

// Error says what is missing, and where there is something like it, what to do.
func (e *NoneError) Error() string {
	text := fmt.Sprintf("no %s matches %s", e.Class.people(), e.Match)
	if len(e.Near) == 0 {
		return text
	}
	n := e.Near[0]
	text += fmt.Sprintf("; there is %s (%s)", n.people(), n.Path)
	switch {
	case e.Class == ClassSerial && n.Class != ClassVideo:
		text += ": switch the reader to USB-COM with the setup code in its manual"
	case e.Class == ClassHIDRaw:
		text += ": switch the reader to HID-POS with the setup code in its manual"
	case e.Class == ClassInput && n.Class != ClassVideo:
		text += ": switch the reader to keyboard mode with the setup code in its manual"
	}
	return text
}

// Is makes the error ErrNone and fs.ErrNotExist.
func (e *NoneError) Is(target error) bool { return target == ErrNone || target == fs.ErrNotExist }

// AmbiguousError says that several devices match, and how each of them would be
// told apart from the others.
type AmbiguousError struct {
	Match      Match
	Candidates []Candidate // at least two
}

// Candidate is one of several devices that match.
type Candidate struct {
	Device Device
	Write  Match // the match that means this one and no other
}

// Error lists the candidates and what to write.
func (e *AmbiguousError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %d devices: ", e.Match, len(e.Candidates))
	same := true
	for i, c := range e.Candidates {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s is %s", c.Device.Path, c.Write)
		same = same && c.Device.Serial == e.Candidates[0].Device.Serial
	}
	switch {
	case same && e.Candidates[0].Device.Serial == "":
		b.WriteString("; they have no serial number, so write the port of the one that is meant")
	case same:
		b.WriteString("; they have the same serial number, so write the port of the one that is meant")
	default:
		b.WriteString("; write the one that is meant")
	}
	return b.String()
}

// SharedError says that two entries of the configuration mean one device. Both
// would read from it, and each would get half of every code.
type SharedError struct {
	Device Device
	Names  []string // of the entries, in their order
}

// Error names the device and the entries.
func (e *SharedError) Error() string {
	return fmt.Sprintf("%s is meant by %s; each needs a device of its own", e.Device.Path, strings.Join(e.Names, " and by "))
}

// people is the class in words.
func (c Class) people() string {
	switch c {
	case ClassSerial:
		return "serial line"
	case ClassInput:
		return "reader that plays a keyboard"
	case ClassHIDRaw:
		return "HID-POS reader"
	case ClassVideo:
		return "camera"
	default:
		return c.String()
	}
}

// people says what a device is that was not what was looked for.
func (d Device) people() string {
	switch {
	case d.Class == ClassSerial:
		return "a serial line"
	case d.Class == ClassInput && d.Usable:
		return "a keyboard"
	case d.Class == ClassInput:
		return "an input device without digits"
	case d.Class == ClassHIDRaw && d.Usable:
		return "a HID-POS reader"
	case d.Class == ClassVideo:
		return "a video device"
	default:
		return "a HID device that is no HID-POS reader"
	}
}
