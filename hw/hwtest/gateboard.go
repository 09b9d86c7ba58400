package hwtest

import (
	"context"
	"slices"
	"sync"
)

// GateBoard is a gate with an RS-485 board at address 1 that counts passages: it
// takes 7E 00 01, a command, three bytes and a checksum and answers with 18 bytes
// of status.
type GateBoard struct {
	*Line
	answerer

	busy sync.WaitGroup // unplugging, and what people do

	mu      sync.Mutex
	in      []byte
	left    uint32
	right   uint32
	fault   byte
	fire    byte
	onOpen  func(side string)
	heard   []byte // commands in their order, but for the status
	asked   int
	changed chan struct{} // closed at the next request
}

// NewGateBoard plugs in a board at path, with counters near their end.
func NewGateBoard(path string) (*GateBoard, error) {
	g := &GateBoard{left: 0xFFFFFE, right: 7, changed: make(chan struct{})}
	g.Line = &Line{path: path, receive: g.receive}
	if err := g.Plug(); err != nil {
		return nil, err
	}
	return g, nil
}

// Close unplugs the board for good.
func (g *GateBoard) Close() error {
	err := g.Unplug()
	g.busy.Wait()
	return err
}

// Pass lets people through to "left" or "right", open or not.
func (g *GateBoard) Pass(side string, people int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if side == "left" {
		g.left = (g.left + uint32(people)) & 0xFFFFFF
	} else {
		g.right = (g.right + uint32(people)) & 0xFFFFFF
	}
}

// OnOpen has f called, from a goroutine of its own, when the gate opens to a
// side.
func (g *GateBoard) OnOpen(f func(side string)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onOpen = f
}

// Reset sets the counters to zero, as a power cut does.
func (g *GateBoard) Reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left, g.right = 0, 0
}

// SetFault makes the board report a fault of its own, or none.
func (g *GateBoard) SetFault(code byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = code
}

// SetFire sets the byte that some boards put their fire input in: the one before
// the last of the status.
func (g *GateBoard) SetFire(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fire = 0
	if on {
		g.fire = 1
	}
}

// Fail makes the next answers faulty, one fault each.
func (g *GateBoard) Fail(faults ...Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, faults...)
}

// Heard returns the commands so far, but for the status.
func (g *GateBoard) Heard() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.heard)
}

// AwaitHeard waits until the commands are as ok accepts them.
func (g *GateBoard) AwaitHeard(ctx context.Context, ok func([]byte) bool) error {
	return g.await(ctx, func() bool { return ok(g.heard) })
}

// AwaitAsked waits until n more good requests came.
func (g *GateBoard) AwaitAsked(ctx context.Context, n int) error {
	g.mu.Lock()
	want := g.asked + n
	g.mu.Unlock()
	return g.await(ctx, func() bool { return g.asked >= want })
}

func (g *GateBoard) await(ctx context.Context, ok func() bool) error {
	for {
		g.mu.Lock()
		good, changed := ok(), g.changed
		g.mu.Unlock()
		if good {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *GateBoard) receive(in []byte) {
	g.mu.Lock()
	g.in = append(g.in, in...)
	var out []byte
	for len(g.in) >= 8 {
		q := g.in[:8]
		if q[0] != 0x7E || q[1] != 0 || q[2] != 1 || total(q) != 0xFF {
			g.in = g.in[1:]
			continue
		}
		g.in = g.in[8:]
		g.asked++
		if !g.take(FaultNoAction) {
			out = append(out, g.spoil(g.answer(q[3]))...)
		}
		close(g.changed)
		g.changed = make(chan struct{})
	}
	cut := g.cut
	g.cut = false
	g.mu.Unlock()
	if len(out) > 0 {
		_, _ = g.Write(out) // unplugged meanwhile
	}
	if cut {
		g.busy.Go(func() { _ = g.Unplug() }) // not from here, which it waits for
	}
}

func (g *GateBoard) answer(command byte) []byte {
	done := byte(0x55)
	switch {
	case command != 0x10 && g.take(FaultRefuse):
		done = 1
	case command == 0x80, command == 0x82:
		if f := g.onOpen; f != nil {
			side := map[byte]string{0x80: "left", 0x82: "right"}[command]
			g.busy.Go(func() { f(side) })
		}
	}
	if command != 0x10 {
		g.heard = append(g.heard, command)
	}
	b := []byte{
		0x7F, 3, 1, g.fault, 0, 0,
		byte(g.left >> 16), byte(g.left >> 8), byte(g.left),
		byte(g.right >> 16), byte(g.right >> 8), byte(g.right),
		0xF0, done, 240, 0, g.fire,
	}
	return append(b, 0xFF-total(b))
}

func total(b []byte) (sum byte) {
	for _, c := range b {
		sum += c
	}
	return sum
}
