package ledger

import (
	"cmp"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Bounds of what is kept of orders, so that a gate that writes nothing else
// cannot fill the memory.
const (
	maxOrders = 1 << 14
	maxProofs = 1 << 16
)

// Authority says whose orders count, as the venue's roster has it. Its functions
// must not call the ledger. A nil function knows nobody.
type Authority struct {
	// Staff returns a staff member's key, and whether they may give orders.
	Staff func(id uint32) (key ed25519.PublicKey, supervisor, known bool)
	// Gate reports whether a gate is on the roster. An evacuation that nobody has
	// signed is believed from such a gate.
	Gate func(id gate.GateID) bool
}

// OrderState is an order on record and what became of it.
type OrderState struct {
	Order gate.Order
	// Position and Clock are of the first record that holds it and may be believed.
	Position Position
	Clock    Clock
	Proven   bool   // signed by the staff member that it names, who is a supervisor
	Ignored  string // why it does not count; empty: it does
	Ended    bool   // by a cancel or a return to normal
}

// given is what is on record of one order.
type given struct {
	raw   [BodySize]byte
	marks []mark // where, in order
}

// proof is one signature of an order.
type proof struct {
	order uint64 // its id
	sig   [ed25519.SignatureSize]byte
}

// check is one verification of a signature.
type check struct {
	raw [BodySize]byte
	sig [ed25519.SignatureSize]byte
	key [ed25519.PublicKeySize]byte
}

// decrees is all orders on record and what follows from them.
type decrees struct {
	authority Authority
	given     map[[BodySize]byte]*given
	proofs    map[uint64][]proof // by order
	n         int                // proofs
	checked   map[check]bool     // signatures that were verified, and with what result
	stale     bool               // to be looked at anew before anybody asks
	states    []OrderState
	standing  *gate.Orders
}

// OrderRecords returns the records that hold an order: one for the order, and
// one for the signature if there is one. The journal gives them their place,
// clock and time.
func OrderRecords(s *gate.SignedOrder) ([]Record, error) {
	body, err := s.Order.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	order := Record{Kind: KindOrder, Event: s.Event, Body: [BodySize]byte(body)}
	if !s.IsSigned() {
		return []Record{order}, nil
	}
	p := Record{Kind: KindProof, Event: s.Event}
	binary.BigEndian.PutUint64(p.Body[:], s.ID)
	copy(p.Body[8:], s.Signature[:])
	return []Record{order, p}, nil
}

// Trust says whose orders count from now on. What is on record already is
// judged anew.
func (l *Ledger) Trust(a Authority) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decrees.authority, l.decrees.stale = a, true
	clear(l.decrees.checked) // keys may have changed
}

// Orders returns every order on record in the order in which they count: by
// hybrid time, then gate, epoch and sequence.
func (l *Ledger) Orders() []OrderState {
	l.rlock()
	defer l.mu.RUnlock()
	return slices.Clone(l.decrees.states)
}

// Standing returns the orders that count and that no other one has ended. The
// set does not change, and is the same one until an order arrives.
func (l *Ledger) Standing() *gate.Orders {
	l.rlock()
	defer l.mu.RUnlock()
	return l.decrees.standing
}

// IgnoredError says why an order would not count.
type IgnoredError struct{ Why string }

// Error names the reason.
func (e *IgnoredError) Error() string { return "the order would be ignored: " + e.Why }

// WouldCount returns an *IgnoredError unless an order would count if a gate
// recorded it at a time: whoever gives an order hears at once what is wrong.
func (l *Ledger) WouldCount(s *gate.SignedOrder, by gate.GateID, at time.Time) error {
	records, err := OrderRecords(s)
	if err != nil {
		return &IgnoredError{err.Error()}
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	try := Ledger{decrees: decrees{
		authority: l.decrees.authority, given: map[[BodySize]byte]*given{}, proofs: map[uint64][]proof{}, checked: map[check]bool{},
	}}
	for i := range records {
		records[i].Position = Position{Origin{by, 1}, uint64(2 + i)}
		records[i].Clock = Clock(0).Next(at)
		try.addOrder(&records[i])
	}
	if why := try.judged(try.decrees.given[records[0].Body]).Ignored; why != "" {
		return &IgnoredError{why}
	}
	return nil
}

// roomForOrder reports whether another order or proof may be kept.
func (l *Ledger) roomForOrder(rec *Record) error {
	switch {
	case rec.Kind == KindOrder && len(l.decrees.given) >= maxOrders && l.decrees.given[rec.Body] == nil:
		return fmt.Errorf("%w: %d orders", ErrTooMany, maxOrders)
	case rec.Kind == KindProof && l.decrees.n >= maxProofs:
		return fmt.Errorf("%w: %d signatures of orders", ErrTooMany, maxProofs)
	}
	return nil
}

// addOrder notes an order or a proof.
func (l *Ledger) addOrder(rec *Record) {
	d := &l.decrees
	if rec.Marks.Has(gate.MarkTraining) {
		return
	}
	if rec.Kind == KindProof {
		p := proof{binary.BigEndian.Uint64(rec.Body[:]), [ed25519.SignatureSize]byte(rec.Body[8:])}
		if !slices.Contains(d.proofs[p.order], p) {
			d.proofs[p.order] = append(d.proofs[p.order], p)
			d.n++
			d.stale = true
		}
		return
	}
	g := d.given[rec.Body]
	if g == nil {
		g = &given{raw: rec.Body}
		d.given[rec.Body] = g
	}
	if len(g.marks) == maxPlaces && g.marks[maxPlaces-1].compare(mark{rec.Clock, rec.Position}) < 0 {
		return
	}
	g.marks = append(g.marks, mark{rec.Clock, rec.Position})
	slices.SortFunc(g.marks, mark.compare)
	g.marks = g.marks[:min(len(g.marks), maxPlaces)]
	d.stale = true
}

// maxPlaces is how many records of one order are told apart: the earliest of
// them. Few gates record the same order.
const maxPlaces = 64

func (m mark) compare(o mark) int {
	return cmp.Or(cmp.Compare(m.clock, o.clock), comparePositions(m.position, o.position))
}

// judge looks at all orders anew: which count, and what they reset.
func (l *Ledger) judge() {
	d := &l.decrees
	d.states = d.states[:0:0]
	for _, g := range d.given {
		d.states = append(d.states, l.judged(g))
	}
	slices.SortFunc(d.states, func(a, b OrderState) int {
		return cmp.Or(mark{a.Clock, a.Position}.compare(mark{b.Clock, b.Position}), cmp.Compare(a.Order.ID, b.Order.ID))
	})
	var counting []gate.Order
	for i := range d.states {
		if d.states[i].Ignored == "" {
			counting = append(counting, d.states[i].Order)
		}
	}
	standing, cancelled := map[uint64]bool{}, map[uint64]bool{}
	for _, o := range gate.StandingOrders(counting) {
		standing[o.ID] = true
	}
	for _, o := range counting {
		if o.Kind == gate.OrderCancel {
			cancelled[o.Cancels] = true
		}
	}
	marks := map[gate.EventID]mark{}
	for i := range d.states {
		s := &d.states[i]
		switch {
		case s.Ignored != "" || s.Order.Kind == gate.OrderCancel:
		case s.Order.Kind == gate.OrderNormal:
			s.Ended = cancelled[s.Order.ID]
			if !s.Ended {
				marks[s.Order.Event] = mark{s.Clock, s.Position}
			}
		default:
			s.Ended = !standing[s.Order.ID]
		}
	}
	d.standing, d.stale = gate.NewOrders(counting), false
	if !sameMarks(marks, l.resets.marks) {
		l.reset(marks)
	}
}

func sameMarks(a, b map[gate.EventID]mark) bool {
	if len(a) != len(b) {
		return false
	}
	for event, m := range a {
		if b[event] != m {
			return false
		}
	}
	return true
}

// judged returns what is to be thought of one order.
func (l *Ledger) judged(g *given) OrderState {
	d := &l.decrees
	s := OrderState{Position: g.marks[0].position, Clock: g.marks[0].clock}
	if err := s.Order.Decode(g.raw[:]); err != nil {
		s.Ignored = err.Error()
		return s
	}
	timely := func(m mark) bool { return m.clock.Time().Sub(s.Order.Issued).Abs() <= gate.OrderMaxSkew }
	why := l.proven(&s.Order, g.raw)
	s.Proven = why == ""
	believed := timely
	if !s.Proven && s.Order.Kind == gate.OrderEvacuate {
		known := d.authority.Gate
		believed = func(m mark) bool { return timely(m) && known != nil && known(m.position.Gate) }
		why = ""
	}
	at := slices.IndexFunc(g.marks, believed)
	switch {
	case why != "":
		s.Ignored = why
	case at >= 0:
		s.Position, s.Clock = g.marks[at].position, g.marks[at].clock
	case slices.ContainsFunc(g.marks, timely):
		s.Ignored = "not signed, and its gate is not on the roster"
	default:
		s.Ignored = "recorded more than " + gate.OrderMaxSkew.Truncate(time.Hour).String() + " from its time of issue"
	}
	return s
}

// proven returns why an order is not proven, or nothing when it is.
func (l *Ledger) proven(o *gate.Order, raw [BodySize]byte) string {
	d := &l.decrees
	if o.Staff == 0 {
		return "names nobody who gives it"
	}
	if d.authority.Staff == nil {
		return "no staff is known yet"
	}
	key, supervisor, known := d.authority.Staff(o.Staff)
	switch {
	case !known:
		return "its staff member is not known"
	case len(key) != ed25519.PublicKeySize:
		return "its staff member has no key"
	case !supervisor:
		return "its staff member is no supervisor"
	case len(d.proofs[o.ID]) == 0:
		return "not signed"
	}
	for _, p := range d.proofs[o.ID] {
		c := check{raw, p.sig, [ed25519.PublicKeySize]byte(key)}
		good, done := d.checked[c]
		if !done {
			good = (&gate.SignedOrder{Order: *o, Signature: p.sig}).Verify(key) == nil
			d.checked[c] = good
		}
		if good {
			return ""
		}
	}
	return "signature does not verify"
}
