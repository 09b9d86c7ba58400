package find

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Match says which device is meant. It is written as text, as in the
// configuration:
//
//	usb:1a86:7523          the one device with these USB IDs
//	usb:1a86:7523:A50285BI … and this serial number
//	port:1-1.2             what is plugged into this USB port
//	port:1-1.2:1.0         … and its interface 1.0, for adapters with several
//	port:1-1.2:1.0:1       … and line 1 of that, for interfaces with several
//	/dev/serial/by-id/…    a device file, or a link to one
//
// The zero value matches nothing. Matches can be compared with ==.
type Match struct {
	kind            kind
	vendor, product uint16
	text            string // serial number, port or path; "" for no serial number
	iface           string
	line            int // -1 for none
}

type kind uint8

const (
	kindNone kind = iota
	kindUSB
	kindPort
	kindPath
)

// MatchError says what is wrong with the text of a match.
type MatchError struct {
	Text    string
	Problem string
}

// Error implements error.
func (e *MatchError) Error() string { return fmt.Sprintf("%q %s", e.Text, e.Problem) }

const forms = "is none of usb:1a86:7523, usb:1a86:7523:SERIAL, port:1-1.2, or a path such as /dev/ttyUSB0"

// maxMatch is longer than any path the kernel takes.
const maxMatch = 4096

// Parse reads the text of a match. The error is a *MatchError.
func Parse(text string) (Match, error) {
	wrong := func(problem string) (Match, error) { return Match{}, &MatchError{clip(text), problem} }
	if len(text) > maxMatch || !printable(text) {
		return wrong("has characters that cannot be printed, or too many")
	}
	if ids, ok := strings.CutPrefix(text, "usb:"); ok {
		vendor, rest, _ := strings.Cut(ids, ":")
		product, serial, more := strings.Cut(rest, ":")
		m := Match{kind: kindUSB, text: serial}
		for _, id := range []struct {
			digits string
			into   *uint16
		}{{vendor, &m.vendor}, {product, &m.product}} {
			n, err := strconv.ParseUint(id.digits, 16, 16)
			if err != nil || len(id.digits) != 4 {
				return wrong("needs two USB IDs of four hexadecimal digits, as in usb:1a86:7523")
			}
			*id.into = uint16(n)
		}
		if serial != strings.TrimSpace(serial) || more && serial == "" || utf8.RuneCountInString(serial) > maxText {
			return wrong("has no serial number after the last colon")
		}
		return m, nil
	}
	if where, ok := strings.CutPrefix(text, "port:"); ok {
		part := strings.Split(where, ":")
		if !isPort(part[0]) {
			return wrong("needs a USB port such as 1-1.2; venuegate devices lists them")
		}
		m := Match{kind: kindPort, text: part[0], line: -1}
		if len(part) > 1 {
			if m.iface = part[1]; !isInterface(m.iface) {
				return wrong("needs an interface such as 1.0 after the port")
			}
		}
		if len(part) > 2 {
			n, err := strconv.ParseUint(part[2], 10, 8)
			if err != nil || strconv.FormatUint(n, 10) != part[2] || len(part) > 3 {
				return wrong("needs a number as its last part, the line of the interface")
			}
			m.line = int(n)
		}
		return m, nil
	}
	if !strings.HasPrefix(text, "/") {
		return wrong(forms)
	}
	if filepath.Clean(text) != text || text == "/" {
		return wrong("is not a plain path to a device")
	}
	return Match{kind: kindPath, text: text}, nil
}

// AtPath returns the match of a device file, or of a link to one. A relative
// path counts from the working directory.
func AtPath(path string) Match {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return Match{kind: kindPath, text: filepath.Clean(path)}
}

// String returns the text that Parse reads, "" for the zero value.
func (m Match) String() string {
	switch m.kind {
	case kindUSB:
		s := fmt.Sprintf("usb:%04x:%04x", m.vendor, m.product)
		if m.text != "" {
			s += ":" + m.text
		}
		return s
	case kindPort:
		s := "port:" + m.text
		if m.iface != "" {
			s += ":" + m.iface
		}
		if m.line >= 0 {
			s += ":" + strconv.Itoa(m.line)
		}
		return s
	default:
		return m.text
	}
}

// MarshalText writes what String returns.
func (m Match) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what Parse takes.
func (m *Match) UnmarshalText(text []byte) error {
	var err error
	*m, err = Parse(string(text))
	return err
}

// IsZero reports whether m is the zero value, which matches nothing.
func (m Match) IsZero() bool { return m == Match{} }

// IsPath reports whether m is a path.
func (m Match) IsPath() bool { return m.kind == kindPath }

// fits reports whether d is like that. A path is followed by the Finder.
func (m Match) fits(d Device) bool {
	switch m.kind {
	case kindUSB:
		return d.USB() && d.Vendor == m.vendor && d.Product == m.product && (m.text == "" || m.text == d.Serial)
	case kindPort:
		return d.Port == m.text && (m.iface == "" || m.iface == d.Interface) && (m.line < 0 || m.line == d.Line)
	default:
		return false
	}
}

// isPort reports whether text is a USB port path such as 1-1.2, as the kernel
// writes it: a bus, then a socket for each hub.
func isPort(text string) bool {
	bus, sockets, ok := strings.Cut(text, "-")
	if !ok || !isNumber(bus) {
		return false
	}
	for socket := range strings.SplitSeq(sockets, ".") {
		if !isNumber(socket) {
			return false
		}
	}
	return true
}

// isInterface reports whether text is a configuration and an interface: 1.0.
func isInterface(text string) bool {
	config, number, ok := strings.Cut(text, ".")
	return ok && isNumber(config) && isNumber(number)
}

// isNumber reports whether text is a number of up to three digits as the kernel
// writes it.
func isNumber(text string) bool {
	n, err := strconv.ParseUint(text, 10, 10)
	return err == nil && strconv.FormatUint(n, 10) == text && n < 1000
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r == unicode.ReplacementChar || !unicode.IsPrint(r)
	})
}

// clip shortens a text for an error.
func clip(text string) string {
	const most = 80
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
