package uplink

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// pace holds sending to so many bytes in a second; zero does not.
type pace struct {
	rate int64

	mu   sync.Mutex
	free time.Time // when everything that was let through is on its way
}

// burst is how much may go at once, in time.
const burst = 250 * time.Millisecond

// takes is how long so many bytes are held up.
func (p *pace) takes(n int) time.Duration {
	if p.rate <= 0 {
		return 0
	}
	return time.Duration(float64(n) / float64(p.rate) * float64(time.Second))
}

// piece is how many bytes go at once.
func (p *pace) piece() int {
	if p.rate <= 0 {
		return 1 << 30
	}
	return max(1, int(p.rate*int64(burst)/int64(time.Second)))
}

// wait lets n bytes through when it is their turn.
func (p *pace) wait(ctx context.Context, n int) error {
	if p.rate <= 0 {
		return nil
	}
	now := time.Now()
	p.mu.Lock()
	if earliest := now.Add(-burst); p.free.Before(earliest) {
		p.free = earliest
	}
	p.free = p.free.Add(p.takes(n))
	turn := p.free.Sub(now)
	p.mu.Unlock()
	if turn <= 0 {
		return nil
	}
	timer := time.NewTimer(turn)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pace) body(ctx context.Context, data []byte) *body {
	return &body{ctx: ctx, pace: p, rest: data}
}

// errDetached ends a body whose call is over.
var errDetached = errors.New("uplink: the call is over")

// body is a paced request body that lets go of its bytes.
type body struct {
	ctx  context.Context //nolint:containedctx // a reader has no other way to learn that its call ended
	pace *pace

	mu   sync.Mutex
	rest []byte
	cut  bool // bytes were left when the call ended
}

// Read waits for its turn, then copies a piece.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	n := min(len(p), b.pace.piece(), len(b.rest))
	b.mu.Unlock()
	if err := b.pace.wait(b.ctx, n); err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.cut:
		return 0, errDetached
	case len(b.rest) == 0:
		return 0, io.EOF
	}
	n = copy(p[:n], b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close is for the transport.
func (b *body) Close() error {
	b.detach()
	return nil
}

// detach makes sure that the bytes are not looked at any more.
func (b *body) detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut, b.rest = b.cut || len(b.rest) > 0, nil
}
