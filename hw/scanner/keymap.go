package scanner

// Key codes of linux/input-event-codes.h that are more than a character.
const (
	keyBackspace  = 14
	keyTab        = 15
	keyEnter      = 28
	keyLeftCtrl   = 29
	keyLeftShift  = 42
	keyRightShift = 54
	keyLeftAlt    = 56
	keyCapsLock   = 58
	keyNumLock    = 69
	keyKPEnter    = 96
	keyRightCtrl  = 97
	keyRightAlt   = 100
	keyLeftMeta   = 125
	keyRightMeta  = 126
)

// usRows are the keys of the US layout that print something, in rows of
// neighbouring codes: what they print alone and with Shift.
var usRows = [...]struct {
	first          uint16
	plain, shifted string
}{
	{2, "1234567890-=", "!@#$%^&*()_+"},
	{16, "qwertyuiop[]", "QWERTYUIOP{}"},
	{30, "asdfghjkl;'`", `ASDFGHJKL:"~`},
	{43, `\zxcvbnm,./`, `|ZXCVBNM<>?`},
	{57, " ", " "},
	{86, `\`, "|"}, // the extra key of European keyboards, which some readers use
}

// keypad are the keys of the numeric keypad, as with Num Lock on; a reader that
// uses them means digits.
var keypad = [...]struct {
	first uint16
	plain string
}{
	{55, "*"},
	{71, "789-456+1230."},
	{98, "/"},
	{117, "="},
	{121, ","},
}

// onRow is what a key of the main rows prints.
func onRow(code uint16, shift bool) (byte, bool) {
	for _, r := range &usRows {
		if i := int(code) - int(r.first); i >= 0 && i < len(r.plain) {
			if shift {
				return r.shifted[i], true
			}
			return r.plain[i], true
		}
	}
	return 0, false
}

// onKeypad is what a key of the numeric keypad prints.
func onKeypad(code uint16) (byte, bool) {
	for _, r := range &keypad {
		if i := int(code) - int(r.first); i >= 0 && i < len(r.plain) {
			return r.plain[i], true
		}
	}
	return 0, false
}
