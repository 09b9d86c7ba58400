package scanner

// KeyDrops counts what Keys could not turn into text, by reason.
type KeyDrops struct {
	Lost    uint64 // characters from 0x80 on, which no keyboard can carry
	Unknown uint64 // keys that print nothing: F1, arrows, a key nobody knows
	Gaps    uint64 // times the kernel lost events, and the frame with them
}

// Keys turns the key events of a barcode reader that plays a keyboard into
// bytes: US layout, Shift, Caps Lock, Ctrl for control characters, and decimal
// codes typed on the keypad with Alt held down. Enter, the keypad's Enter and
// Tab are CR. Other layouts are not guessed: a reader can be set to US.
//
// The zero value is a keyboard with no key down and Caps Lock off. It is not
// safe for concurrent use.
type Keys struct {
	down  modifiers
	caps  bool
	code  int // what was typed on the keypad since Alt went down
	typed bool
	drops KeyDrops
}

// modifiers are the modifier keys that are down, one bit a key: a reader may
// press both Shift keys and let go of one.
type modifiers uint8

const (
	leftShift modifiers = 1 << iota
	rightShift
	leftCtrl
	rightCtrl
	leftAlt
	rightAlt
	leftMeta
	rightMeta

	shift = leftShift | rightShift
	ctrl  = leftCtrl | rightCtrl
	alt   = leftAlt | rightAlt
	meta  = leftMeta | rightMeta
)

// The values of key events.
const (
	keyReleased = 0
	keyPressed  = 1
)

// limitCode bounds a decimal code; all above are lost alike.
const limitCode = 0x80

// Drops returns the counters.
func (k *Keys) Drops() KeyDrops { return k.drops }

// Reset forgets the keys that are down and Caps Lock, for instance because the
// reader was unplugged.
func (k *Keys) Reset() { *k = Keys{drops: k.drops} }

// Lost notes that events are missing: what is down is no longer known.
func (k *Keys) Lost() {
	k.drops.Gaps++
	k.Reset()
}

// Key takes one key event: its code, and 1 for pressed, 0 for released. Every
// other value is ignored: 2 is a key held down, which a reader does not mean.
// ok says that the event completed the character c.
func (k *Keys) Key(code uint16, value int32) (c byte, ok bool) {
	if value != keyPressed && value != keyReleased {
		return 0, false
	}
	if m := modifier(code); m != 0 {
		return k.modify(m, value == keyPressed)
	}
	if value == keyReleased {
		return 0, false
	}
	return k.press(code)
}

// modify takes a modifier key. Letting go of the last Alt ends a decimal code.
func (k *Keys) modify(m modifiers, pressed bool) (byte, bool) {
	before := k.down
	if pressed {
		k.down |= m
	} else {
		k.down &^= m
	}
	if before&alt == 0 || k.down&alt != 0 {
		return 0, false
	}
	code, typed := k.code, k.typed
	k.code, k.typed = 0, false
	switch {
	case !typed:
		return 0, false
	case code >= limitCode:
		k.drops.Lost++
		return 0, false
	}
	return byte(code), true
}

func (k *Keys) press(code uint16) (byte, bool) {
	switch code {
	case keyCapsLock:
		k.caps = !k.caps
		return 0, false
	case keyNumLock, keyBackspace:
		// Some readers switch Num Lock around what they type, and a few begin
		// with a backspace; neither is part of a text.
		return 0, false
	case keyEnter, keyKPEnter, keyTab:
		return cr, true
	}
	pad, onPad := onKeypad(code)
	if k.down&alt != 0 {
		if !onPad || !isDigit(pad) {
			k.drops.Unknown++
			return 0, false
		}
		k.code, k.typed = min(10*k.code+int(pad-'0'), limitCode), true
		return 0, false
	}
	c, known := onRow(code, k.down&shift != 0)
	switch {
	case onPad:
		c = pad
	case !known, k.down&meta != 0:
		k.drops.Unknown++
		return 0, false
	case k.caps && isLetter(c):
		c ^= 0x20
	}
	if k.down&ctrl != 0 {
		return control(c)
	}
	return c, true
}

// control is the control character of a key: Ctrl+M is CR, Ctrl+] is GS.
func control(c byte) (byte, bool) {
	if isLetter(c) || c >= '@' && c <= '_' {
		if c &= 0x1F; c == '\t' {
			c = cr
		}
		return c, true
	}
	return 0, false
}

func modifier(code uint16) modifiers {
	switch code {
	case keyLeftShift:
		return leftShift
	case keyRightShift:
		return rightShift
	case keyLeftCtrl:
		return leftCtrl
	case keyRightCtrl:
		return rightCtrl
	case keyLeftAlt:
		return leftAlt
	case keyRightAlt:
		return rightAlt
	case keyLeftMeta:
		return leftMeta
	case keyRightMeta:
		return rightMeta
	}
	return 0
}
