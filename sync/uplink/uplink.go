package uplink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/klauspost/compress/zstd"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// MaxBatch is how many records central takes at once.
const MaxBatch = 16384

const (
	minBatch   = 64
	firstBatch = 1024
	// A batch that takes longer is followed by half as many, a quicker one by
	// twice as many.
	slow, quick = 10 * time.Second, 3 * time.Second
	// gather is how long a new record waits for others.
	gather = time.Second
	// poll is how often the logs are looked at where nobody calls Wake.
	poll = 10 * time.Second
	// refresh is how often central's vector is asked for though nothing waits:
	// it may have been set back to a backup.
	refresh = 2 * time.Minute
	// patience is how long a call may take, beside what pacing holds it up.
	patience = time.Minute
)

// Logs are the logs that a gate holds, its own and other gates'.
type Logs interface {
	// Vector returns how far each log is held without a gap.
	Vector() ledger.Vector
	// Range returns records of a log between two sequences, in at most limit
	// bytes, followed by the signed head of the last one. Where no head is held
	// before, they may go beyond to; last is then to.
	Range(origin ledger.Origin, from, to uint64, limit int) (chunk []byte, last uint64, err error)
}

// Options say what is sent where.
type Options struct {
	URL    string       // central's, such as https://tickets.example.org
	Client *http.Client // nil: one of its own
	// Sign returns the Authorization header of a call, see keyring.SignCall. The
	// body is as it is sent, compressed.
	Sign func(method, target string, body []byte) string
	Gate gate.GateID // this one, whose logs go first
	Logs Logs
	Rate int // bytes a second that may be sent; 0: as many as will go
}

// Uplink sends logs to central while Run runs. Its methods may be called by any
// goroutine.
type Uplink struct {
	base   *url.URL
	client *http.Client
	sign   func(method, target string, body []byte) string
	logs   Logs
	pace   pace
	wake   chan struct{}

	// Of the goroutine in Run.
	encoder *zstd.Encoder
	raw     []byte // of the batch, as it was read
	packed  []byte // and compressed
	batch   int
	plan    plan

	mu     sync.Mutex
	acked  ledger.Vector
	status Status
	meter  meter
}

// New checks the options.
func New(o Options) (*Uplink, error) {
	base, err := url.Parse(o.URL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, errors.New("uplink: central's URL is not one such as https://tickets.example.org")
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("uplink: central's URL holds more than a host and a path")
	case o.Sign == nil || o.Logs == nil:
		return nil, errors.New("uplink: nothing to sign with, or no logs")
	case o.Rate < 0:
		return nil, fmt.Errorf("uplink: %d bytes a second", o.Rate)
	}
	client := http.Client{Transport: http.DefaultTransport}
	if o.Client != nil {
		client = *o.Client
	}
	// A redirect would take a signed call elsewhere; central has none.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("uplink: %w", err)
	}
	return &Uplink{
		base: base, client: &client, sign: o.Sign, logs: o.Logs,
		pace: pace{rate: int64(o.Rate)},
		wake: make(chan struct{}, 1), encoder: encoder, batch: firstBatch,
		plan:   plan{self: o.Gate, logs: map[ledger.Origin]*progress{}, ranks: map[gate.GateID]uint32{}},
		acked:  ledger.Vector{},
		status: Status{State: Starting},
	}, nil
}

// Wake says that there are new records, here or of another gate. It never
// blocks, and does not shorten the wait for a central that does not answer.
func (u *Uplink) Wake() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// Acked returns how far central has each log that this gate holds, as it last
// said so itself: what may be deleted once its retention has passed.
func (u *Uplink) Acked() ledger.Vector {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.acked)
}

// Status returns how far the uplink is.
func (u *Uplink) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.status
	s.Text = s.words(time.Now())
	return s
}

// Run sends until ctx ends. It gives up at nothing else, and has no error to
// return: what goes wrong is in Status.
func (u *Uplink) Run(ctx context.Context) {
	u.enter(Starting, nil, time.Time{})
	retry := &backoff.ExponentialBackOff{
		// Half to one and a half of these: 1 s to 5 min.
		InitialInterval: 2 * time.Second, MaxInterval: 200 * time.Second,
		Multiplier: 2, RandomizationFactor: 0.5,
	}
	retry.Reset()
	for {
		wake, err := u.round(ctx, retry.Reset)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			u.enter(Idle, nil, time.Time{})
			u.idle(ctx, wake)
			continue
		}
		pause := retry.NextBackOff()
		var busy *BusyError
		if errors.As(err, &busy) && busy.After > pause {
			pause = busy.After + rand.N(busy.After/4+1) // not all gates at once
		}
		u.note(u.logs.Vector(), false, false)
		u.enter(Waiting, err, time.Now().Add(pause))
		u.plan.asked = time.Time{} // the answer may have been lost, not the batch
		sleep(ctx, pause)
	}
}

// idle waits for something to send.
func (u *Uplink) idle(ctx context.Context, wake time.Time) {
	until := time.Now().Add(poll)
	if !wake.IsZero() && wake.Before(until) {
		until = wake
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-u.wake:
		sleep(ctx, gather)
	case <-timer.C:
	case <-ctx.Done():
	}
}

// round sends until nothing is left of what there was, and returns when to look
// again. It calls worked after each batch that central took.
func (u *Uplink) round(ctx context.Context, worked func()) (wake time.Time, err error) {
	local, looked := u.logs.Vector(), time.Now()
	for ctx.Err() == nil {
		now := time.Now()
		if now.Sub(looked) >= gather { // and not after every batch: that would send them one by one
			local, looked = u.logs.Vector(), now
		}
		ask := now.Sub(u.plan.asked) >= refresh
		var o ledger.Origin
		var found bool
		if !ask {
			o, found, ask, wake = u.plan.next(now, local)
		}
		if ask {
			at, err := u.vector(ctx, local)
			if err != nil {
				return time.Time{}, err
			}
			u.plan.learn(time.Now(), local, at)
			u.note(local, true, false)
			continue
		}
		if !found {
			u.note(local, false, true)
			worked()
			return wake, nil
		}
		u.enter(Sending, nil, time.Time{})
		took, err := u.send(ctx, o, local[o])
		if err != nil {
			return time.Time{}, err
		}
		u.note(local, true, took)
		if took {
			worked()
		}
	}
	return time.Time{}, ctx.Err()
}

// send sends one batch of a log and reports whether central took it. Its error
// is one that concerns all logs.
func (u *Uplink) send(ctx context.Context, o ledger.Origin, to uint64) (took bool, err error) {
	l := u.plan.logs[o]
	from := l.next
	pass := func(err error, wait time.Duration) { // over this log
		l.trouble, l.until = &LogError{Origin: o, From: from, Err: err}, time.Now().Add(wait)
	}
	batch, last, err := u.read(o, from, to)
	if err != nil {
		pass(err, unreadableFor)
		return false, nil
	}
	u.packed = u.encoder.EncodeAll(batch, u.packed[:0])
	began := time.Now()
	answer, err := u.post(ctx, o, from, u.packed)
	var refused *RefusedError
	var reach *ReachError
	var busy *BusyError
	switch {
	case errors.As(err, &busy) && busy.Status == http.StatusInternalServerError && l.broke >= 3:
		// It answered for other things, and not for this log: others are not held up.
		pass(err, refusedFor)
		return false, nil
	case errors.As(err, &busy) && busy.Status == http.StatusInternalServerError:
		l.broke++
		return false, err
	case errors.As(err, &refused) && refused.Status == http.StatusRequestEntityTooLarge && u.batch > minBatch:
		u.shrink()
		return false, nil
	case errors.As(err, &refused) && refused.aboutLog():
		pass(err, refusedFor)
		return false, nil
	case errors.As(err, &reach): // perhaps it was too much for this link
		u.shrink()
		return false, err
	case err != nil:
		return false, err
	case answer.closed != "":
		l.closed = answer.closed
		return false, nil
	}
	call := fmt.Sprintf("POST /v1/journals/%d/%d", o.Gate, o.Epoch)
	switch {
	case answer.next == from:
		return false, &AnswerError{Call: call, Status: answer.status(), Why: "it wants again what it was sent"}
	case answer.gap != (answer.next < from):
		return false, &AnswerError{Call: call, Status: answer.status(), Why: fmt.Sprintf("it was sent records from %d on and wants %d next", from, answer.next)}
	case answer.gap && l.gaps >= 3:
		pass(fmt.Errorf("central wants record %d, again and again", answer.next), refusedFor)
		return false, nil
	case answer.gap:
		l.next, l.mark = answer.next, answer.next
		l.gaps++
		return false, nil
	}
	now := time.Now()
	u.plan.took(now, o, last, answer.next)
	u.fit(now.Sub(began), last-from+1)
	return true, nil
}

// fit chooses the size of the next batch by how long this one took.
func (u *Uplink) fit(took time.Duration, records uint64) {
	u.mu.Lock()
	u.meter.add(records, took)
	u.mu.Unlock()
	switch {
	case took > slow:
		u.shrink()
	case took < quick && 2*records > uint64(u.batch): // what was short says nothing
		u.batch = min(2*u.batch, MaxBatch)
	}
}

func (u *Uplink) shrink() { u.batch = max(u.batch/2, minBatch) }

// aboutLog tells a no to this log from a no to this gate.
func (e *RefusedError) aboutLog() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusRequestTimeout:
		return false
	}
	return true
}

// read returns a batch of a log and the sequence of its last record. A store gives
// shorter pieces than central takes: they are joined, under the last one's head.
// The batch is good until the next one is read.
func (u *Uplink) read(o ledger.Origin, from, to uint64) (batch []byte, last uint64, err error) {
	size, next := u.plan.size(o, u.batch), from
	u.raw = u.raw[:0]
	for next <= to {
		room := size - int(next-from)
		chunk, _, err := u.logs.Range(o, next, to, room*ledger.Size+ledger.HeadSize)
		if err != nil && next == from && size < MaxBatch {
			// Another gate's log ends only where a head of it is held; perhaps that
			// is further on.
			size, room = MaxBatch, MaxBatch
			chunk, _, err = u.logs.Range(o, next, to, room*ledger.Size+ledger.HeadSize)
		}
		if err != nil && next > from {
			break // what there is will do
		}
		if err != nil {
			return nil, 0, err
		}
		n := (len(chunk) - ledger.HeadSize) / ledger.Size
		if n < 1 || n > room || len(chunk) != n*ledger.Size+ledger.HeadSize {
			return nil, 0, fmt.Errorf("the store gave %d bytes, which are no records and their head", len(chunk))
		}
		u.raw = append(u.raw[:int(next-from)*ledger.Size], chunk...)
		if next += uint64(n); int(next-from) == size {
			break
		}
	}
	return u.raw, next - 1, nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
