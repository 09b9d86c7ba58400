package barrier

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Defaults of GateBoardOptions. The frames are those of the swing gate boards
// that take 7E 00, an address, a command, three bytes and a checksum, and answer
// everything with 18 bytes of status. They were taken from two public drivers
// for one board, a DS205A: other boards need frames of their own.
const (
	DefaultBoardPoll   = 100 * time.Millisecond
	DefaultBoardAnswer = 300 * time.Millisecond

	DefaultFrameStatus = "7E 00 {addr} 10 00 00 00 {~sum}"
	DefaultFrameLeft   = "7E 00 {addr} 80 01 00 00 {~sum}"
	DefaultFrameRight  = "7E 00 {addr} 82 01 00 00 {~sum}"
	DefaultFrameAnswer = "7F ?? {addr} {fault} ?? ?? {left:3} {right:3} ?? {done:55} ?? ?? ?? {~sum}"

	FrameForbidLeft  = "7E 00 {addr} 88 00 00 00 {~sum}"
	FrameForbidRight = "7E 00 {addr} 89 00 00 00 {~sum}"
)

// maxJump is the most people that may pass between two answers. A counter that
// jumps further was reset.
const maxJump = 16

// Frames are what is said to a gate board and what it answers, as ParseTemplate
// reads them. Every command is answered like Status. Empty ones take the
// defaults, except those that say otherwise.
type Frames struct {
	Status  string // asks for the counters
	Left    string // lets one person through to the left
	Right   string // to the right
	Answer  string
	Start   []string // sent once when the board is there, such as FrameForbidRight; none by default
	Release string   // sent when a fire begins, with FireHold, and when an evacuation does; none by default
	Restore string   // sent when it was ended; none by default
}

// GateBoardOptions describe a gate with an RS-485 board that counts passages.
type GateBoardOptions struct {
	Passing
	Port    port.Options // 9600 8N1 when its fields are zero; Name is filled in
	Address int          // 1 when zero
	EntryIs Side         // the side that people enter to; left when empty
	Frames  Frames
	Poll    time.Duration // pause between two questions; 100 ms when zero
	Answer  time.Duration // how long an answer may take; 300 ms when zero
}

// Side is a direction in a gate board's own terms.
type Side string

// The sides. The empty string is Left.
const (
	Left  Side = "left"
	Right Side = "right"
)

// GateBoard is a gate with an RS-485 board that counts who passes to which side.
type GateBoard struct {
	opener
	o    GateBoardOptions
	line *dialogue

	answer              Template
	status, entry, exit []byte
	start               [][]byte
	release, restore    []byte
	hold                atomic.Bool // a fire or an evacuation is to hold the gate open

	// Of the line's goroutine.
	counters counters
	heard    bool
	started  bool
	missed   int
	told     holdWord
	restored bool      // the board holds nothing open that it was told before it was lost
	opened   time.Time // to both sides, for a board that cannot hold
	err      error     // what the board reports of itself
}

// GateBoardStats are a gate board's counters.
type GateBoardStats struct {
	Counts
	Line LineStats
}

// ErrFault is a board that reports a fault of its own.
var ErrFault = errors.New("the board reports a fault")

// NewGateBoard returns a gate that opens its port when it runs. The error is a
// *port.OptionError.
func NewGateBoard(o GateBoardOptions) (*GateBoard, error) {
	o = o.withDefaults()
	g := &GateBoard{o: o}
	if err := g.parse(); err != nil {
		return nil, err
	}
	var err error
	if g.line, err = newDialogue(o.Name, o.Port, o.Answer, 5*time.Millisecond); err != nil {
		return nil, err
	}
	r := o.rules()
	r.counted, r.hasReady = true, true
	r.heartbeat = o.Answer + 4*(o.Poll+port.DefaultReadTimeout)
	g.monitor = newMonitor(r, o.OnEvent, func(on bool) {
		g.hold.Store(on)
		g.line.nudge()
	})
	g.restored = !g.held // an earlier run may have told it to hold
	g.mover, g.wait = g, o.Wait
	return g, nil
}

func (o GateBoardOptions) withDefaults() GateBoardOptions {
	o.Passing = o.Passing.withDefaults(false)
	fill := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	fill(&o.Frames.Status, DefaultFrameStatus)
	fill(&o.Frames.Left, DefaultFrameLeft)
	fill(&o.Frames.Right, DefaultFrameRight)
	fill(&o.Frames.Answer, DefaultFrameAnswer)
	if o.Address == 0 {
		o.Address = 1
	}
	if o.EntryIs == "" {
		o.EntryIs = Left
	}
	if o.Poll == 0 {
		o.Poll = DefaultBoardPoll
	}
	if o.Answer == 0 {
		o.Answer = DefaultBoardAnswer
	}
	return o
}

// parse validates the options and prepares the frames.
func (g *GateBoard) parse() error {
	o := g.o
	wrong := func(field, problem string) error { return &port.OptionError{Field: field, Problem: problem} }
	if err := o.validate(); err != nil {
		return err
	}
	switch {
	case o.Address < 0 || o.Address > 255:
		return channelError("Address", o.Address, 0, 255)
	case o.EntryIs != Left && o.EntryIs != Right:
		return wrong("EntryIs", "is not left or right")
	case o.Poll < 0:
		return wrong("Poll", "is negative")
	case o.Answer < 0:
		return wrong("Answer", "is negative")
	}
	frame := func(field, s string) ([]byte, error) {
		if s == "" {
			return nil, nil
		}
		t, err := ParseTemplate(s, false)
		if err != nil {
			return nil, wrong("Frames."+field, err.Error())
		}
		return t.build(byte(o.Address)), nil
	}
	var left, right []byte
	for _, f := range []struct {
		field, s string
		into     *[]byte
	}{
		{"Status", o.Frames.Status, &g.status},
		{"Left", o.Frames.Left, &left},
		{"Right", o.Frames.Right, &right},
		{"Release", o.Frames.Release, &g.release},
		{"Restore", o.Frames.Restore, &g.restore},
	} {
		b, err := frame(f.field, f.s)
		if err != nil {
			return err
		}
		*f.into = b
	}
	for _, s := range o.Frames.Start {
		b, err := frame("Start", s)
		if err != nil {
			return err
		}
		g.start = append(g.start, b)
	}
	g.entry, g.exit = left, right
	if o.EntryIs == Right {
		g.entry, g.exit = right, left
	}
	var err error
	if g.answer, err = ParseTemplate(o.Frames.Answer, true); err != nil {
		return wrong("Frames.Answer", err.Error())
	}
	senses := g.answer.has(wordFire)
	switch {
	case !g.answer.has(wordLeft) || !g.answer.has(wordRight):
		return wrong("Frames.Answer", "has no {left:n} and {right:n}")
	case o.FireLatched && !senses:
		return wrong("FireLatched", "needs {fire} in Frames.Answer")
	case o.FireHold && (!senses || g.release == nil || g.restore == nil):
		return wrong("FireHold", "needs {fire} in Frames.Answer, Frames.Release and Frames.Restore")
	}
	return nil
}

// Name is the gate's name in the configuration.
func (g *GateBoard) Name() string { return g.o.Name }

// Stats returns the counters so far.
func (g *GateBoard) Stats() GateBoardStats { return GateBoardStats{g.totals(), g.line.stats()} }

// Run owns the port until ctx ends and then returns nil. It outlives boards that
// are unplugged or fall silent; OnState of the port hears of it.
func (g *GateBoard) Run(ctx context.Context) error {
	if !g.running.CompareAndSwap(nil, &ctx) {
		return port.ErrRunning
	}
	defer g.running.Store(nil)
	return g.line.port.Run(ctx, func(ctx context.Context, c *port.Conn) error {
		g.started, g.missed, g.told = false, 0, toldNothing
		defer g.lost()
		return g.line.serve(ctx, c, g.poll, func(context.Context) error { return nil })
	})
}

func (g *GateBoard) poll(ctx context.Context) (time.Duration, error) {
	err := g.round(ctx)
	switch {
	case err == nil && g.err == nil:
		g.missed = 0
		g.line.conn.Up()
	case err == nil:
		g.missed = 0
		g.line.conn.Doubt(g.err)
	case fatal(err), ctx.Err() != nil:
	default:
		if g.missed++; g.missed == missedLimit {
			g.started, g.told = false, toldNothing // it may have lost its power, and what it was told
			g.line.conn.Doubt(err)
			g.lost()
		}
	}
	return g.o.Poll, err
}

// round tells the board what it is to know and asks for its counters.
func (g *GateBoard) round(ctx context.Context) error {
	if !g.started {
		for _, frame := range g.start {
			if _, _, err := g.ask(ctx, "start", frame); err != nil {
				return err
			}
		}
		g.started = true
	}
	if err := g.keepOpen(ctx); err != nil {
		return err
	}
	_, _, err := g.ask(ctx, "status", g.status)
	return err
}

// holdWord is what a board was last told of being held open.
type holdWord int

const (
	toldNothing holdWord = iota
	toldRelease
	toldRestore
)

// openAgain is how often a board that knows no release is told to open.
const openAgain = time.Second

// keepOpen tells the board to hold the gate open, or to stop, where it does not
// know yet. One that has no frames for it is opened to both sides again and
// again.
func (g *GateBoard) keepOpen(ctx context.Context) error {
	want := g.hold.Load()
	if g.release == nil || g.restore == nil {
		if !want || time.Since(g.opened) < openAgain {
			return nil
		}
		g.opened = time.Now()
		for _, frame := range [][]byte{g.exit, g.entry} {
			if _, _, err := g.ask(ctx, "release", frame); err != nil {
				return err
			}
		}
		return nil
	}
	frame, word := g.restore, toldRestore
	if want {
		frame, word = g.release, toldRelease
		g.restored = false
	}
	if g.told == word || !want && g.restored {
		return nil
	}
	if _, _, err := g.ask(ctx, "release", frame); err != nil {
		return err
	}
	g.told, g.restored = word, !want
	return nil
}

// ask sends a frame and takes the status that answers it.
func (g *GateBoard) ask(ctx context.Context, op string, frame []byte) (s boardStatus, sent bool, err error) {
	addr := byte(g.o.Address)
	b, sent, err := g.line.ask(ctx, op, frame, g.answer.answers(addr))
	if err != nil {
		return s, sent, err
	}
	s, _, _, _ = g.answer.match(b, addr) // found by match
	g.take(time.Now(), s)
	return s, true, nil
}

// take tells the machine what a status says.
func (g *GateBoard) take(now time.Time, s boardStatus) {
	g.err = nil
	if s.fault != 0 {
		g.err = &BoardError{g.o.Name, "status", ErrFault}
	}
	left, right, reset := g.counters.news(s)
	if g.o.EntryIs == Right {
		left, right = right, left
	}
	g.do(func(m *machine) {
		if !g.heard {
			g.heard = true
			m.hear(now, true)
		}
		if g.answer.has(wordFire) {
			m.setFire(now, s.fire != 0)
		}
		m.setReady(now, s.fault == 0)
		for range left {
			m.pass(now, gate.DirectionEntry)
		}
		for range right {
			m.pass(now, gate.DirectionExit)
		}
		if reset {
			m.suspect() // who passed meanwhile was not counted
		}
	})
}

func (g *GateBoard) lost() {
	if g.heard {
		g.heard = false
		g.do(func(m *machine) { m.hear(time.Now(), false) })
	}
}

// pulse lets one person through. A board that does not say that it did may have
// done so.
func (g *GateBoard) pulse(ctx context.Context, d gate.Direction) (became pulsed, err error) {
	frame := g.entry
	if d == gate.DirectionExit {
		frame = g.exit
	}
	err = g.line.submit(ctx, g.line.urgent, func() error {
		s, sent, err := g.ask(ctx, "open", frame)
		switch {
		case err != nil && !sent:
		case err != nil:
			became = pulseDoubt
		case !s.done:
			became, err = pulseDoubt, &BoardError{g.o.Name, "open", ErrRefused}
		default:
			became = pulseDone
		}
		return err
	})
	return became, err
}

// counters remember how many people a board has counted.
type counters struct {
	known       bool
	left, right uint32
}

// news returns how many passed since the last status. After a reset of the
// board's counters it is not known, which counts as nobody.
func (c *counters) news(s boardStatus) (left, right int, reset bool) {
	before := *c
	*c = counters{true, s.left, s.right}
	if !before.known {
		return 0, 0, false
	}
	l := (s.left - before.left) & mask(s.leftBits)
	r := (s.right - before.right) & mask(s.rightBits)
	if l > maxJump || r > maxJump {
		return 0, 0, true
	}
	return int(l), int(r), false
}

func mask(bits int) uint32 { return uint32(uint64(1)<<bits - 1) }
