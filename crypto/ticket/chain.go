package ticket

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Value is one value of a ticket's hash chain: the anchor, or what a phone
// shows at a step.
type Value [ValueSize]byte

const (
	seedDomain = "VG1 seed"
	linkDomain = "VG1 link"

	linkSize = len(linkDomain) + 8 + 1 + 4 + ValueSize
)

// Link returns x[i] from x[i-1]: the chain's one-way step.
func Link(ticket uint64, generation uint8, i uint32, previous Value) Value {
	return links(ticket, generation, i, i, previous)
}

// links applies links first … last to v. The hash input stays in one buffer on
// the stack, of which only the counter and the value change.
func links(ticket uint64, generation uint8, first, last uint32, v Value) Value {
	var in [linkSize]byte
	const counter = len(linkDomain) + 8 + 1
	copy(in[:], linkDomain)
	binary.BigEndian.PutUint64(in[len(linkDomain):], ticket)
	in[counter-1] = generation
	copy(in[counter+4:], v[:])
	position, value := in[counter:counter+4], in[counter+4:]
	for i := first; i <= last; i++ {
		binary.BigEndian.PutUint32(position, i)
		sum := sha256.Sum256(in[:])
		copy(value, sum[:ValueSize])
	}
	copy(v[:], in[counter+4:])
	return v
}

// anchorFrom returns the anchor that v, shown at step, leads to. The step must
// be below b.Steps.
func (b *Body) anchorFrom(step uint32, v Value) Value {
	n := uint32(b.Steps)
	return links(b.Ticket, b.Generation, n-step, n, v)
}

// Chain is a ticket's whole chain. It can show every step, so it is the
// issuer's secret: it belongs on no phone and on no gate.
type Chain struct {
	ticket     uint64
	generation uint8
	steps      uint32
	seed       Value
}

// newChain derives the chain of a body from the issuer's issue key.
func newChain(issueKey []byte, b *Body) Chain {
	mac := hmac.New(sha256.New, issueKey)
	var fixed [fixedSize]byte
	mac.Write([]byte(seedDomain))
	mac.Write(b.appendFixed(fixed[:0])[:seedSize])
	c := Chain{ticket: b.Ticket, generation: b.Generation, steps: uint32(b.Steps)}
	copy(c.seed[:], mac.Sum(nil))
	return c
}

// At returns x[i], 0 <= i <= N.
func (c Chain) At(i uint32) (Value, error) {
	if i > c.steps {
		return Value{}, fmt.Errorf("ticket: chain position %d past the anchor at %d", i, c.steps)
	}
	return links(c.ticket, c.generation, 1, i, c.seed), nil
}

// Anchor returns x[N], the public end of the chain.
func (c Chain) Anchor() Value { return links(c.ticket, c.generation, 1, c.steps, c.seed) }

// Value returns what the phone shows at a step: x[N-1-step].
func (c Chain) Value(step uint32) (Value, error) {
	if step >= c.steps {
		return Value{}, &StepError{Step: step, Last: int64(c.steps) - 1}
	}
	return c.At(c.steps - 1 - step)
}

// Lease returns a lease that reaches to a step.
func (c Chain) Lease(last uint32) (Lease, error) {
	v, err := c.Value(last)
	if err != nil {
		return Lease{}, err
	}
	return Lease{Ticket: c.ticket, Generation: c.generation, Steps: uint16(c.steps), Last: last, Value: v}, nil
}

// Format keeps the seed out of logs, whatever the verb.
func (c Chain) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "[chain of ticket %d generation %d]", c.ticket, c.generation)
}

// Lease is what the issuer gives a phone: it can show every step up to Last
// and nothing later.
type Lease struct {
	Ticket     uint64
	Generation uint8
	Steps      uint16 // N of the body
	Last       uint32 // J, the last step that the lease reaches
	Value      Value  // x[N-1-J]
}

// At returns the value that the phone shows at a step, or a [*StepError] when
// the lease does not reach it.
func (l Lease) At(step uint32) (Value, error) {
	if step > l.Last || l.Last >= uint32(l.Steps) {
		return Value{}, &StepError{Step: step, Last: min(int64(l.Last), int64(l.Steps)-1)}
	}
	n := uint32(l.Steps)
	return links(l.Ticket, l.Generation, n-l.Last, n-1-step, l.Value), nil
}

// Format keeps the value out of logs, whatever the verb.
func (l Lease) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "[lease of ticket %d generation %d to step %d]", l.Ticket, l.Generation, l.Last)
}

// StepError is a step that a chain or a lease does not reach.
type StepError struct {
	Step uint32
	Last int64 // the last step that can be shown; -1 for none
}

// Error names both steps.
func (e *StepError) Error() string {
	return fmt.Sprintf("ticket: step %d is past the last step %d", e.Step, e.Last)
}
