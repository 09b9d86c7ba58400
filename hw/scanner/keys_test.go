package scanner

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/input"
)

// typed feeds events and returns the bytes that come out.
func typed(k *Keys, events ...input.Event) string {
	var out []byte
	for _, e := range events {
		if e.Type != input.EventKey {
			continue
		}
		if c, ok := k.Key(e.Code, e.Value); ok {
			out = append(out, c)
		}
	}
	return string(out)
}

// press and release make events from key codes.
func press(codes ...uint16) []input.Event   { return value(1, codes) }
func release(codes ...uint16) []input.Event { return value(0, codes) }

func value(v int32, codes []uint16) []input.Event {
	var events []input.Event
	for _, c := range codes {
		events = append(events, input.Event{Type: input.EventKey, Code: c, Value: v})
	}
	return events
}

func join(events ...[]input.Event) []input.Event {
	var all []input.Event
	for _, e := range events {
		all = append(all, e...)
	}
	return all
}

func TestKeys(t *testing.T) {
	const a, b, one = 30, 48, 2
	pad := map[byte]uint16{'0': 82, '1': 79, '2': 80, '3': 81, '4': 75, '5': 76, '6': 77, '7': 71, '8': 72, '9': 73}
	alt := func(digits string) []input.Event {
		e := press(keyLeftAlt)
		for i := range len(digits) {
			e = join(e, press(pad[digits[i]]), release(pad[digits[i]]))
		}
		return join(e, release(keyLeftAlt))
	}
	tests := []struct {
		name   string
		events []input.Event
		want   string
		drops  KeyDrops
	}{
		{"plain", press(a, b, one, keyEnter), "ab1\r", KeyDrops{}},
		{"Shift", join(press(keyLeftShift, a, one), release(keyLeftShift), press(a)), "A!a", KeyDrops{}},
		{"both Shifts", join(press(keyLeftShift, keyRightShift), release(keyLeftShift), press(a), release(keyRightShift), press(a)), "Aa", KeyDrops{}},
		{"Caps Lock is for letters", join(press(keyCapsLock), release(keyCapsLock), press(a, one, keyCapsLock), press(a)), "A1a", KeyDrops{}},
		{"Caps Lock and Shift", press(keyCapsLock, keyLeftShift, a, one), "a!", KeyDrops{}},
		{"held down", join(press(a), value(2, []uint16{a, a, keyCapsLock}), release(a)), "a", KeyDrops{}},
		{"ends", press(a, keyTab, keyKPEnter, keyEnter), "a\r\r\r", KeyDrops{}},
		{"keypad", press(keyNumLock, pad['1'], 83, 55, 98, 74, 78), "1.*/-+", KeyDrops{}},
		{"Alt codes", join(alt("086"), alt("0071"), alt("13")), "VG\r", KeyDrops{}},
		{"Alt code of GS", alt("029"), "\x1d", KeyDrops{}},
		{"an Alt code too high", join(press(a), alt("0233"), alt("128"), alt("99999999999999999999"), press(b)), "ab", KeyDrops{Lost: 3}},
		{"Alt and nothing", join(press(keyLeftAlt), release(keyLeftAlt), press(a)), "a", KeyDrops{}},
		{"Alt and a letter", join(press(keyRightAlt, a), release(keyRightAlt), press(a)), "a", KeyDrops{Unknown: 1}},
		{"two Alts are one", join(press(keyLeftAlt, pad['6'], keyRightAlt, pad['5']), release(keyLeftAlt), press(pad['0']), release(keyRightAlt)), "", KeyDrops{Lost: 1}},
		{"Ctrl", join(press(keyLeftCtrl, 27, 50), release(keyLeftCtrl)), "\x1d\r", KeyDrops{}},
		{"Ctrl and a digit", press(keyRightCtrl, one), "", KeyDrops{}},
		{"Ctrl+I is Tab", press(keyLeftCtrl, 23), "\r", KeyDrops{}},
		{"keys that print nothing", press(59, 103, 1, 700), "", KeyDrops{Unknown: 4}},
		{"the Windows key", join(press(keyLeftMeta, a), release(keyLeftMeta), press(b)), "b", KeyDrops{Unknown: 1}},
		{"a value that is none", value(-7, []uint16{a, keyLeftShift}), "", KeyDrops{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var k Keys
			if got := typed(&k, tt.events...); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if k.Drops() != tt.drops {
				t.Errorf("drops %+v, want %+v", k.Drops(), tt.drops)
			}
		})
	}
}

func TestKeysForgetAnUnpluggedKeyboard(t *testing.T) {
	var k Keys
	typed(&k, press(keyLeftShift, keyCapsLock, keyLeftAlt, 79)...)
	k.Reset()
	if got := typed(&k, press(30)...); got != "a" {
		t.Errorf("got %q", got)
	}
	typed(&k, press(keyLeftShift)...)
	k.Lost()
	if got := typed(&k, press(30)...); got != "a" || k.Drops().Gaps != 1 {
		t.Errorf("got %q, drops %+v", got, k.Drops())
	}
}

// Whatever a US keyboard types comes out as it was meant, however it types.
func TestKeysLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~]{0,60}`).Draw(t, "text")
		how := rapid.SampledFrom([]hwtest.Typing{hwtest.TypeShift, hwtest.TypeCaps, hwtest.TypeAlt}).Draw(t, "how")
		events, err := hwtest.Keystrokes(text, how)
		if err != nil {
			t.Fatal(err)
		}
		var k Keys
		if got := typed(&k, events...); got != text+"\r" {
			t.Fatalf("got %q, want %q", got, text+"\r")
		}
		if k.Drops() != (KeyDrops{}) || k.caps || k.down != 0 {
			t.Fatalf("left over: %+v", k)
		}
	})
}

// FuzzKeys plays any events: nothing but ASCII comes out, and a keyboard that
// was let go of types again.
func FuzzKeys(f *testing.F) {
	f.Add([]byte{42, 0, 1, 30, 0, 1, 42, 0, 0, 28, 0, 1})
	f.Add([]byte{56, 0, 1, 79, 0, 1, 80, 0, 1, 81, 0, 1, 56, 0, 0})
	f.Add([]byte{58, 0, 1, 30, 0, 2, 29, 0, 1, 50, 0, 1, 255, 255, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		var k Keys
		for ; len(in) >= 3; in = in[3:] {
			c, ok := k.Key(uint16(in[0])|uint16(in[1])<<8, int32(int8(in[2])))
			if ok && c >= 0x80 || !ok && c != 0 {
				t.Fatalf("byte %#02x, %v", c, ok)
			}
		}
		k.Reset()
		if got := typed(&k, press(30, keyEnter)...); got != "a\r" {
			t.Fatalf("after a reset: %q", got)
		}
	})
}
