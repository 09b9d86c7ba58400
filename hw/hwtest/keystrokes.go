package hwtest

import (
	"fmt"
	"strings"

	"github.com/venuegate/venuegate/hw/input"
)

// Typing is how a reader that plays a keyboard types.
type Typing int

// The ways to type.
const (
	TypeShift Typing = iota // Shift for capitals
	TypeCaps                // Caps Lock on, so Shift for small letters
	TypeAlt                 // every character as a decimal code on the keypad with Alt held
)

// Codes of linux/input-event-codes.h.
const (
	codeEnter     = 28
	codeLeftShift = 42
	codeLeftAlt   = 56
	codeCapsLock  = 58
)

// layout is a US keyboard as people see it: each row starts at a key code and
// prints one character a key, alone and with Shift.
var layout = []struct {
	code           uint16
	plain, shifted string
}{
	{2, "1234567890-=", "!@#$%^&*()_+"},
	{16, "qwertyuiop[]", "QWERTYUIOP{}"},
	{30, "asdfghjkl;'`", "ASDFGHJKL:\"~"},
	{43, "\\zxcvbnm,./", "|ZXCVBNM<>?"},
	{57, " ", ""},
}

// Keystrokes returns the events of a reader that types text and Enter. It fails
// for a character that no key types; TypeAlt has codes for all bytes.
func Keystrokes(text string, how Typing) ([]input.Event, error) {
	var events []input.Event
	key := func(code uint16, value int32) {
		events = append(events,
			input.Event{Type: input.EventKey, Code: code, Value: value},
			input.Event{Type: input.EventSyn, Code: input.SynReport})
	}
	tap := func(code uint16) { key(code, 1); key(code, 0) }
	if how == TypeCaps {
		tap(codeCapsLock)
	}
	for i := range len(text) {
		if how == TypeAlt {
			key(codeLeftAlt, 1)
			for _, d := range fmt.Sprintf("%03d", text[i]) {
				tap([]uint16{82, 79, 80, 81, 75, 76, 77, 71, 72, 73}[d-'0'])
			}
			key(codeLeftAlt, 0)
			continue
		}
		code, shift, ok := find(text[i])
		if !ok {
			return nil, fmt.Errorf("no key types the byte %#02x", text[i])
		}
		letter := text[i] >= 'a' && text[i] <= 'z' || text[i] >= 'A' && text[i] <= 'Z'
		if shift != (how == TypeCaps && letter) {
			key(codeLeftShift, 1)
			tap(code)
			key(codeLeftShift, 0)
		} else {
			tap(code)
		}
	}
	tap(codeEnter)
	if how == TypeCaps {
		tap(codeCapsLock)
	}
	return events, nil
}

// find returns the key of a character and whether it needs Shift.
func find(c byte) (code uint16, shift, ok bool) {
	for _, row := range layout {
		if i := strings.IndexByte(row.plain, c); i >= 0 {
			return row.code + uint16(i), false, true
		}
		if i := strings.IndexByte(row.shifted, c); i >= 0 {
			return row.code + uint16(i), true, true
		}
	}
	return 0, false, false
}
