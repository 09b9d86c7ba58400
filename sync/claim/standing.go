package claim

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/venuegate/venuegate/gate/ledger"
)

// knowledge is what this gate learned of what the keepers know.
type knowledge struct {
	known     bool      // they said how far they know this gate's logs
	asked     time.Time // when the question under way was put
	question  uint64
	heard     time.Time // the last answer
	own       map[ledger.Origin]spans
	reading   bool     // of what the gate holds, what they lack is being read
	earlier   []uint64 // open claims of earlier starts of this gate
	undecided []uint64 // of them, those that staff must decide

	checked  time.Time // other gates' logs
	checking uint64
	asking   []ledger.Origin
}

// standingEvery is how often a gate asks anew.
const standingEvery = 30 * time.Second

func appendU64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

// askStanding asks the keepers how far they know this gate's logs, and from
// time to time again: one of them may be behind the others.
func (n *Node) askStanding(now time.Time, l *link, k *keeper, local bool) {
	again := flightLimit
	if n.knowledge.known {
		again = standingEvery
	}
	if now.Sub(n.knowledge.asked) < again {
		return
	}
	n.knowledge.asked = now
	if local {
		s := k.fsm.standing(n.opts.Gate, &question{self: true})
		n.takeStanding(&s)
		return
	}
	n.number++
	n.knowledge.question = n.number
	q := question{number: n.number, self: true}
	l.send(frameStanding, q.bytes())
}

// toldStanding takes the answer to a question.
func (n *Node) toldStanding(body []byte) error {
	r := reader{b: body}
	r.version()
	leads := r.u8("leads", 0, 1) == 1
	number := r.u64("number", 0, 1<<64-1)
	if !leads {
		return r.end()
	}
	s := r.standing()
	if err := r.end(); err != nil {
		return err
	}
	switch number {
	case n.knowledge.question:
		n.takeStanding(&s)
	case n.knowledge.checking:
		n.takeOthers(&s)
	}
	n.kick()
	return nil
}

func (n *Node) takeStanding(s *standing) {
	k := &n.knowledge
	first := !k.known
	k.heard = time.Now()
	k.known, k.own, k.earlier = true, s.known, nil
	for o, known := range s.known {
		n.shelf.forget(n.shelf.own, o, known)
	}
	for _, request := range s.open {
		if uint32(request>>32) != n.opts.Epoch {
			k.earlier = append(k.earlier, request)
		}
	}
	if first && n.opts.Held != nil {
		k.reading = true
	}
}

// forgetStanding starts over with keepers that are not those of before.
func (k *knowledge) forgetStanding() { *k = knowledge{} }

// readHeld reads this gate's own records once more, and shelves what the
// keepers lack.
func (n *Node) readHeld(ctx context.Context) {
	for rec := range n.opts.Held() {
		if rec.Position.Gate != n.opts.Gate {
			continue
		}
		for !n.putHeld(rec) {
			select {
			case <-time.After(n.opts.Times.Linger):
			case <-ctx.Done():
				return
			}
		}
	}
	n.mu.Lock()
	n.knowledge.reading = false
	n.mu.Unlock()
	n.kick()
}

func (n *Node) putHeld(rec *ledger.Record) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.knowledge.own[rec.Position.Origin].has(rec.Position.Sequence) {
		return true
	}
	if n.shelf.count > maxShelved/4 {
		return false
	}
	n.shelf.put(rec, n.knowledge.heard.Add(-time.Hour)) // it has waited long enough
	return true
}

// settleEarlier gives back what earlier starts of this gate claimed without
// making it a grant, once all their records are accepted.
func (n *Node) settleEarlier() {
	k := &n.knowledge
	if len(k.earlier) == 0 || !k.known || k.reading || n.shelf.waiting(k.heard) || n.inFlight(k.heard) {
		return
	}
	if !n.opts.PreviousIntact {
		k.undecided, k.earlier = k.earlier, nil
		return
	}
	for _, request := range k.earlier {
		n.queueRelease(request)
	}
	k.earlier = nil
}

// handInOthers asks the leader about records of other gates that have waited
// for long, and hands in what it does not know. Gates do not all do it at once.
func (n *Node) handInOthers(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := &n.knowledge
	patience := n.opts.Times.HandIn
	if !k.known || now.Sub(k.checked) < patience {
		return
	}
	logs := n.shelf.overdue(now.Add(-n.patience()), maxAsked)
	if len(logs) == 0 {
		return
	}
	k.checked = now
	if n.keeper != nil && n.keeper.self == n.lead.leader {
		s := n.keeper.fsm.standing(n.opts.Gate, &question{logs: logs})
		n.handIn(logs, &s, now)
		return
	}
	if l, _ := n.route(now); l != nil {
		n.number++
		k.checking, k.asking = n.number, logs
		q := question{number: n.number, logs: logs}
		l.send(frameStanding, q.bytes())
	}
}

// patience is how long another gate has to hand in its records itself: not the
// same for all.
func (n *Node) patience() time.Duration {
	t := n.opts.Times.HandIn
	return t + t*time.Duration(n.opts.Gate%8)/8
}

func (n *Node) takeOthers(s *standing) {
	n.handIn(n.knowledge.asking, s, time.Now())
	n.knowledge.asking = nil
}

func (n *Node) handIn(logs []ledger.Origin, s *standing, now time.Time) {
	for _, o := range logs {
		n.shelf.handIn(o, s.known[o], now.Add(-n.patience()))
	}
	n.kick()
}
