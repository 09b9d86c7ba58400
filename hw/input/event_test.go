package input_test

import (
	"fmt"
	"testing"

	"github.com/venuegate/venuegate/hw/input"
)

// Bytes as a little-endian kernel delivers them: the A key pressed.
func TestEventLayouts(t *testing.T) {
	tests := []struct {
		name string
		size int
		in   string
	}{
		{"64-bit process", 24, "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18\x01\x00\x1e\x00\x01\x00\x00\x00"},
		{"32-bit process, whatever its C library's time_t", 16, "\x01\x02\x03\x04\x11\x12\x13\x14\x01\x00\x1e\x00\x01\x00\x00\x00"},
	}
	want := input.Event{Type: input.EventKey, Code: 30, Value: 1}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []input.Event
			in := []byte(tt.in + tt.in + tt.in[:7])
			n := input.Events(in, tt.size, func(e input.Event) { got = append(got, e) })
			if n != 2*tt.size || fmt.Sprint(got) != fmt.Sprint([]input.Event{want, want}) {
				t.Errorf("%d bytes taken, events %+v", n, got)
			}
		})
	}
	if input.EventSize != 24 && input.EventSize != 16 {
		t.Errorf("events of %d bytes", input.EventSize)
	}
}

func TestEventsComeBack(t *testing.T) {
	sent := []input.Event{{1, 30, 1}, {0, 0, 0}, {4, 4, -70001}, {0xFFFF, 0xFFFF, -1 << 31}}
	for _, size := range []int{16, 24} {
		var b []byte
		for _, e := range sent {
			b = input.AppendEvent(b, size, e)
		}
		var got []input.Event
		if n := input.Events(b, size, func(e input.Event) { got = append(got, e) }); n != len(sent)*size {
			t.Errorf("size %d: %d bytes taken of %d", size, n, len(b))
		}
		if fmt.Sprint(got) != fmt.Sprint(sent) {
			t.Errorf("size %d: %+v, want %+v", size, got, sent)
		}
	}
}

func TestIsHIDPOS(t *testing.T) {
	for descriptor, want := range map[string]bool{
		"\x05\x8c\x09\x02\xa1\x01": true,
		"\x05\x8c\x09\x01\xa1\x01": false, // a badge reader
		"\x05\x01\x09\x06\xa1\x01": false, // a keyboard
		"\x05\x8c\x09":             false,
		"":                         false,
	} {
		if got := input.IsHIDPOS([]byte(descriptor)); got != want {
			t.Errorf("%x: %v", descriptor, got)
		}
	}
}
