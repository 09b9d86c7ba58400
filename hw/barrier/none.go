package barrier

import (
	"context"

	"github.com/venuegate/venuegate/gate"
)

// None is the barrier of a handheld: a steward lets people in by hand.
type None struct{}

// NewNone returns a barrier that opens nothing.
func NewNone() *None { return &None{} }

// Open counts everybody as passed at once. No device can tell, but the steward
// who holds the scanner sees the verdict and the people, and is the one to
// report it when somebody turns back; a grant left unknown would only ask the
// same person again.
func (*None) Open(ctx context.Context, o gate.Opening) (gate.Passage, error) {
	if err := ctx.Err(); err != nil {
		return gate.Passage{Result: gate.PassageNotOpened}, err
	}
	return gate.Passage{Result: gate.PassagePassed, Passed: max(o.Count, 1)}, nil
}

// Evacuate does nothing: there is nothing in the way.
func (*None) Evacuate(bool) {}

// Run waits for ctx to end and returns nil.
func (*None) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
