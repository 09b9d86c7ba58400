package hwtest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// ModbusBoard is a relay board with eight relays and eight inputs that speaks
// Modbus RTU as unit 1: coils 0x0000 and up, inputs 0x0000 and up, and board-timed
// pulses at 0x0200 and up in tenths of a second.
type ModbusBoard struct {
	*Line
	answerer

	busy sync.WaitGroup // pulses and unplugging
	stop chan struct{}

	mu       sync.Mutex
	in       []byte
	coils    [8]bool
	inputs   byte
	onPulse  func(channel int)
	switches []Switch
	asked    int
	changed  chan struct{} // closed at the next request
}

// NewModbusBoard plugs in a board at path.
func NewModbusBoard(path string) (*ModbusBoard, error) {
	b := &ModbusBoard{stop: make(chan struct{}), changed: make(chan struct{})}
	b.Line = &Line{path: path, receive: b.receive}
	if err := b.Plug(); err != nil {
		return nil, err
	}
	return b, nil
}

// Close unplugs the board for good.
func (b *ModbusBoard) Close() error {
	close(b.stop)
	err := b.Unplug()
	b.busy.Wait()
	return err
}

// SetInput closes or opens what is wired to an input, from 1.
func (b *ModbusBoard) SetInput(number int, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inputs &^= 1 << (number - 1)
	if closed {
		b.inputs |= 1 << (number - 1)
	}
}

// OnPulse has f called, from a goroutine of its own, when a pulse begins: the
// turnstile that the relay is wired to.
func (b *ModbusBoard) OnPulse(f func(channel int)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.onPulse = f
}

// Fail makes the next answers faulty, one fault each.
func (b *ModbusBoard) Fail(faults ...Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, faults...)
}

// Switches returns what the relays did so far.
func (b *ModbusBoard) Switches() []Switch {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.switches)
}

// Closed reports whether a relay is closed, channels from 1.
func (b *ModbusBoard) Closed(channel int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.coils[channel-1]
}

// AwaitAsked waits until n more good requests came.
func (b *ModbusBoard) AwaitAsked(ctx context.Context, n int) error {
	b.mu.Lock()
	want := b.asked + n
	b.mu.Unlock()
	return b.await(ctx, func() bool { return b.asked >= want })
}

// Await waits until the relays did what ok accepts.
func (b *ModbusBoard) Await(ctx context.Context, ok func([]Switch) bool) error {
	return b.await(ctx, func() bool { return ok(b.switches) })
}

func (b *ModbusBoard) await(ctx context.Context, ok func() bool) error {
	for {
		b.mu.Lock()
		good, changed := ok(), b.changed
		b.mu.Unlock()
		if good {
			return nil
		}
		select {
		case <-changed:
		case <-b.stop:
			return ErrUnplugged
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *ModbusBoard) news() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *ModbusBoard) receive(in []byte) {
	b.mu.Lock()
	b.in = append(b.in, in...)
	var out []byte
	for len(b.in) >= 8 {
		q := b.in[:8]
		if q[0] != 1 || !slices.Equal(withCRC(q[:6]), q) {
			b.in = b.in[1:]
			continue
		}
		b.in = b.in[8:]
		b.asked++
		if !b.take(FaultNoAction) {
			out = append(out, b.spoil(withCRC(b.answer(q)))...)
		}
		b.news()
	}
	cut := b.cut
	b.cut = false
	b.mu.Unlock()
	if len(out) > 0 {
		_, _ = b.Write(out) // unplugged meanwhile
	}
	if cut {
		b.busy.Go(func() { _ = b.Unplug() }) // not from here, which it waits for
	}
}

// answer does what a request says and returns the answer without its CRC.
func (b *ModbusBoard) answer(q []byte) []byte {
	address, value := int(q[2])<<8|int(q[3]), int(q[4])<<8|int(q[5])
	exception := func(code byte) []byte { return []byte{1, q[1] | 0x80, code} }
	if b.take(FaultRefuse) {
		return exception(4)
	}
	switch q[1] {
	case 1, 2:
		if address != 0 || value != 8 {
			return exception(2)
		}
		bits := b.inputs
		if q[1] == 1 {
			bits = 0
			for i, on := range b.coils {
				if on {
					bits |= 1 << i
				}
			}
		}
		return []byte{1, q[1], 1, bits}
	case 5:
		channel := address&0xFF + 1
		switch {
		case channel > len(b.coils):
			return exception(2)
		case address>>8 == 2:
			b.flash(channel, time.Duration(value)*100*time.Millisecond)
		case address>>8 != 0:
			return exception(2)
		case value != 0 && value != 0xFF00:
			return exception(3)
		default:
			b.set(channel, value != 0)
		}
		return slices.Clone(q[:6])
	default:
		return exception(1)
	}
}

func (b *ModbusBoard) set(channel int, on bool) {
	b.coils[channel-1] = on
	b.switches = append(b.switches, Switch{Channel: channel, On: on, At: time.Now()})
}

// flash keeps a relay closed for d, whatever becomes of the line.
func (b *ModbusBoard) flash(channel int, d time.Duration) {
	b.set(channel, true)
	onPulse := b.onPulse
	b.busy.Go(func() {
		if onPulse != nil {
			onPulse(channel)
		}
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-b.stop:
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.coils[channel-1] {
			b.set(channel, false)
			b.news()
		}
	})
}

// withCRC appends the CRC of Modbus to a copy of b, computed with a shift
// register of 17 bits, most significant bit first, on mirrored bytes: another
// way than the driver's.
func withCRC(b []byte) []byte {
	mirror := func(v uint32, n int) (m uint32) {
		for i := range n {
			m |= v >> i & 1 << (n - 1 - i)
		}
		return m
	}
	crc := uint32(0xFFFF)
	for _, c := range b {
		crc ^= mirror(uint32(c), 8) << 8
		for range 8 {
			if crc <<= 1; crc&0x10000 != 0 {
				crc ^= 0x18005
			}
		}
	}
	crc = mirror(crc, 16)
	return append(slices.Clone(b), byte(crc), byte(crc>>8))
}
