package document

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
	"github.com/venuegate/venuegate/hw/scanner"
)

// Defaults of Options. The timeouts are those that readers' own software uses.
const (
	DefaultBaud       = 115200
	DefaultPoll       = 200 * time.Millisecond
	DefaultFindWithin = 100 * time.Millisecond
	DefaultReadWithin = 2 * time.Second
)

const (
	readTries   = 3 // attempts to read a card before it must be lifted
	silentLimit = 3 // unanswered requests before the reader counts as down
	// silentPause is the pause between requests to a reader that is silent.
	silentPause = time.Second
	// drainReads bounds how long a babbling line is listened to.
	drainReads = 64
)

// ErrSilent is the reason a reader is down that is there but does not answer.
var ErrSilent = errors.New("the card reader does not answer")

// errNoAnswer ends one exchange.
var errNoAnswer = errors.New("no answer in time")

// Options describe one resident ID card reader.
type Options struct {
	Name       string        // as in the configuration; goes into every Reading
	Port       port.Options  // Name and Confirm are filled in; Baud is 115200 when zero
	Poll       time.Duration // pause between looks for a card; 200 ms when zero
	FindWithin time.Duration // how long find and select may take; 100 ms when zero
	ReadWithin time.Duration // how long reading may take; 2 s when zero
	Repeat     time.Duration // the same card within this is one presentation; 2 s when zero, negative for none
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch {
	case o.Name == "":
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	case o.Poll < 0:
		return &port.OptionError{Field: "Poll", Problem: "is negative"}
	case o.FindWithin < 0:
		return &port.OptionError{Field: "FindWithin", Problem: "is negative"}
	case o.ReadWithin < 0:
		return &port.OptionError{Field: "ReadWithin", Problem: "is negative"}
	}
	var e *port.OptionError
	if err := o.Port.Validate(); errors.As(err, &e) {
		return &port.OptionError{Field: "Port." + e.Field, Problem: e.Problem}
	}
	return nil
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&o.Poll, DefaultPoll)
	set(&o.FindWithin, DefaultFindWithin)
	set(&o.ReadWithin, DefaultReadWithin)
	set(&o.Repeat, scanner.DefaultRepeat)
	if o.Port.Baud == 0 {
		o.Port.Baud = DefaultBaud
	}
	return o
}

// Stats counts what a reader delivered and what went wrong.
type Stats struct {
	Readings uint64 // delivered
	Repeats  uint64 // the same card again at once
	Silent   uint64 // requests without an answer in time
	Frames   uint64 // answers with a wrong checksum or length
	Refused  uint64 // cards the reader found and could not read
	Texts    uint64 // cards whose text could not be understood
	Noise    uint64 // bytes that came unasked
	Port     port.Stats
}

// SDT is a resident ID card reader: a SAM module on a serial line.
type SDT struct {
	o        Options
	port     *port.Port
	dec      *Decoder // of Run's goroutine, as debounce is
	debounce *scanner.Debounce

	mu    sync.Mutex
	stats Stats
}

// NewSDT returns a reader that opens its port when it runs.
func NewSDT(o Options) (*SDT, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	o.Port.Name = o.Name
	o.Port.Confirm = true
	p, err := port.New(o.Port)
	if err != nil {
		return nil, err
	}
	return &SDT{o: o, port: p, dec: NewDecoder(), debounce: scanner.NewDebounce(o.Repeat)}, nil
}

// Name is the reader's name in the configuration.
func (s *SDT) Name() string { return s.o.Name }

// Stats returns the counters so far.
func (s *SDT) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Port = s.port.Stats()
	return st
}

// Run reads cards until ctx ends and then returns nil. It outlives the reader
// being unplugged or silent; Options.Port.OnState hears of it. A card is read
// once and must leave the field before it, or another, is read again. deliver
// is called from one goroutine, and the reader waits while it runs.
func (s *SDT) Run(ctx context.Context, deliver func(gate.Reading)) error {
	defer s.dec.Wipe()
	return s.port.Run(ctx, func(ctx context.Context, c *port.Conn) error {
		return s.serve(ctx, c, deliver)
	})
}

// visit is what is known of the card in the field.
type visit struct {
	done  bool // read, or given up: wait until it is lifted
	tries int
}

func (s *SDT) serve(ctx context.Context, c *port.Conn, deliver func(gate.Reading)) error {
	var v visit
	silent := 0
	for {
		err := s.look(ctx, c, &v, deliver)
		pause := s.o.Poll
		var status *StatusError
		var frame *FrameError
		switch {
		case err == nil:
			silent = 0
			c.Up()
		case errors.As(err, &status):
			silent = 0
			c.Doubt(err)
		case errors.Is(err, errNoAnswer), errors.As(err, &frame):
			if silent++; silent >= silentLimit {
				c.Doubt(ErrSilent)
				pause = max(pause, silentPause)
			}
		default:
			return err
		}
		if err := s.listen(ctx, c, pause); err != nil {
			return err
		}
	}
}

// look asks for a card once, and reads it if it is a new one. It returns a
// *StatusError only for a refusal that says the reader itself is unfit.
func (s *SDT) look(ctx context.Context, c *port.Conn, v *visit, deliver func(gate.Reading)) error {
	_, err := s.ask(ctx, c, cmdFind(), StatusFound, s.o.FindWithin)
	switch {
	case refused(err, StatusNoCard):
		*v = visit{}
		return nil
	case err != nil && !unfit(err):
		s.count(func(st *Stats) { st.Refused++ })
		return nil
	case err != nil:
		return err
	case v.done:
		return nil
	}
	doc, err := s.read(ctx, c)
	if err == nil {
		v.done = true
		s.present(doc, deliver)
		return nil
	}
	v.tries++
	v.done = v.tries >= readTries
	var status *StatusError
	var field *FieldError
	switch {
	case errors.As(err, &field):
		s.count(func(st *Stats) { st.Texts++ })
		return nil
	case errors.As(err, &status):
		s.count(func(st *Stats) { st.Refused++ })
		return nil
	}
	return err
}

// read selects and reads the card in the field.
func (s *SDT) read(ctx context.Context, c *port.Conn) (*gate.Document, error) {
	if _, err := s.ask(ctx, c, cmdSelect(), StatusOK, s.o.FindWithin); err != nil {
		return nil, err
	}
	a, err := s.ask(ctx, c, cmdRead(), StatusOK, s.o.ReadWithin)
	defer s.dec.Wipe()
	if err != nil {
		return nil, err
	}
	block, err := ParseReadAnswer(a.Data)
	if err != nil {
		return nil, err
	}
	return ParseText(block)
}

// presentation is what tells one document from the next.
func presentation(d *gate.Document) gate.Private {
	return gate.Private(strconv.Itoa(int(d.Type)) + d.Country + d.Number.Reveal())
}

func (s *SDT) present(d *gate.Document, deliver func(gate.Reading)) {
	now := time.Now()
	if s.debounce.Repeat(now, presentation(d)) {
		s.count(func(st *Stats) { st.Repeats++ })
		return
	}
	s.count(func(st *Stats) { st.Readings++ })
	deliver(gate.Reading{Reader: s.o.Name, At: now, Document: d})
}

// ask sends one request and waits for its answer, which must have the status
// want. The errors are *StatusError, *FrameError, errNoAnswer, or the port's.
func (s *SDT) ask(ctx context.Context, c *port.Conn, cmd Command, want StatusCode, within time.Duration) (Answer, error) {
	s.dec.Wipe()
	if _, err := c.Write(AppendRequest(nil, cmd)); err != nil {
		return Answer{}, err
	}
	deadline := time.Now().Add(within)
	for {
		n, err := c.Read(ctx, s.dec.Space())
		if err != nil && !errors.Is(err, port.ErrTimeout) {
			return Answer{}, err
		}
		s.dec.Filled(n)
		a, err := s.dec.Next()
		var fe *FrameError
		switch {
		case err == nil && a.Status.Code() == want:
			return a, nil
		case err == nil:
			return Answer{}, &StatusError{cmd, a.Status}
		case errors.As(err, &fe) && fe.Problem != FrameShort:
			s.count(func(st *Stats) { st.Frames++ })
			return Answer{}, errors.Join(err, s.drain(ctx, c))
		case !time.Now().Before(deadline):
			s.count(func(st *Stats) { st.Silent++ })
			return Answer{}, errors.Join(errNoAnswer, s.drain(ctx, c))
		}
	}
}

// drain reads until the line is quiet, so that a late answer is not taken for
// the answer to the next request.
func (s *SDT) drain(ctx context.Context, c *port.Conn) error {
	defer s.dec.Wipe()
	for range drainReads {
		s.dec.Wipe()
		if _, err := c.Read(ctx, s.dec.Space()); errors.Is(err, port.ErrTimeout) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// listen waits for d, drops what comes unasked, and notices an unplugged
// reader, which a sleep would not.
func (s *SDT) listen(ctx context.Context, c *port.Conn, d time.Duration) error {
	defer s.dec.Wipe()
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.dec.Wipe()
		n, err := c.Read(ctx, s.dec.Space())
		if err != nil && !errors.Is(err, port.ErrTimeout) {
			return err
		}
		s.count(func(st *Stats) { st.Noise += uint64(n) })
	}
	return nil
}

func (s *SDT) count(f func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.stats)
}

// unfit reports whether err is anything but a passing refusal: the reader is
// silent, gone, or says that it cannot do its work.
func unfit(err error) bool {
	var e *StatusError
	if !errors.As(err, &e) {
		return true
	}
	switch e.Status.Code() {
	case StatusBadCommand, StatusUnknown, StatusAuthReader, StatusRandom, StatusSelfTest, StatusUnauthorised:
		return true
	}
	return false
}

func refused(err error, code StatusCode) bool {
	var e *StatusError
	return errors.As(err, &e) && e.Status.Code() == code
}
