package input

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// The types of evdev events that matter for keys, and two codes of theirs;
// linux/input-event-codes.h.
const (
	EventSyn = 0x00
	EventKey = 0x01

	SynReport  = 0
	SynDropped = 3 // the kernel's queue was full: events are missing up to the next SynReport
)

// Event is one evdev event. Its time is left out: the gate's own clock says
// when something was read.
type Event struct {
	Type, Code uint16
	Value      int32 // of a key: 0 released, 1 pressed, 2 held down
}

// EventSize is the size of the kernel's struct input_event in this process.
//
// The struct begins with two kernel longs, seconds and microseconds, and ends
// with type, code and value: 24 bytes for 64-bit processes, 16 for 32-bit ones.
// A 32-bit C library with 64-bit time_t does not change that: since Linux 4.16
// the header declares the two as unsigned long there, so that they last until
// 2106.
const EventSize = 2*unix.SizeofLong + eventTail

// eventTail is type, code and value.
const eventTail = 8

// MaxEvents is how many events a read should have room for.
const MaxEvents = 64

// Events decodes the whole events at the start of b, each of the given size in
// bytes and in this machine's byte order, and returns how many bytes they took.
func Events(b []byte, size int, take func(Event)) int {
	n := 0
	for ; len(b)-n >= size; n += size {
		tail := b[n+size-eventTail : n+size]
		take(Event{
			Type:  binary.NativeEndian.Uint16(tail),
			Code:  binary.NativeEndian.Uint16(tail[2:]),
			Value: int32(binary.NativeEndian.Uint32(tail[4:])),
		})
	}
	return n
}

// AppendEvent appends an event of the given size at time zero, for those who
// play the kernel.
func AppendEvent(dst []byte, size int, e Event) []byte {
	dst = append(dst, make([]byte, size-eventTail)...)
	dst = binary.NativeEndian.AppendUint16(dst, e.Type)
	dst = binary.NativeEndian.AppendUint16(dst, e.Code)
	return binary.NativeEndian.AppendUint32(dst, uint32(e.Value))
}
