package simulate

import (
	"fmt"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// truth is every record as it was written, whoever knows of it and whatever
// became of the disk. Gates never see it.
type truth struct {
	mu       sync.Mutex
	venue    *venue
	entries  map[ledger.Position]*written
	order    []*written
	ledger   *ledger.Ledger // of everything that was written
	lastOf   map[gate.TicketID]time.Time
	gates    map[gate.TicketID]uint64 // bits of those that have written of a ticket
	lostDisk map[gate.GateID]bool     // gates whose disk died
	claims   map[requestKey]bool      // claims with a grant on some disk
	// diskless are the persons of whom a disk that died may have known more than
	// anybody else.
	diskless map[gate.TicketID]bool
	samples  []time.Duration // from written to known by everybody within reach
	broken   []string        // what must not have happened
	more     int
}

type requestKey struct {
	gate    gate.GateID
	request uint64
}

// written is one record, and who has still to hear of it.
type written struct {
	record  ledger.Record
	at      time.Time
	pending uint64 // bits of gates within reach when it was written
	wiped   bool   // its disk died
	held    bool   // gates have it in the end
}

func newTruth(v *venue) *truth {
	return &truth{
		venue: v, entries: map[ledger.Position]*written{}, ledger: ledger.New(),
		lastOf: map[gate.TicketID]time.Time{}, gates: map[gate.TicketID]uint64{}, claims: map[requestKey]bool{},
		diskless: map[gate.TicketID]bool{},
	}
}

func bit(g gate.GateID) uint64 { return 1 << (g - 1) }

// committed notes records that a living gate has made durable.
func (t *truth) committed(l *life, records []ledger.Record) {
	within := t.venue.within(l.id)
	t.mu.Lock()
	for i := range records {
		t.add(&records[i], within)
	}
	t.mu.Unlock()
	t.venue.history.recorded(records)
}

// recovered notes what a gate has found on its own disk at a start: records may
// have got there in the moment in which the gate fell.
func (t *truth) recovered(_ *life, r *ledger.Record) {
	t.mu.Lock()
	known := t.entries[r.Position] != nil
	if !known {
		t.add(r, 0)
	}
	t.mu.Unlock()
	if !known {
		t.venue.history.recorded([]ledger.Record{*r})
	}
}

// add notes one record; t.mu is held.
func (t *truth) add(r *ledger.Record, within uint64) {
	if old := t.entries[r.Position]; old != nil {
		t.complain("record %v was written twice", r.Position)
		return
	}
	w := &written{record: *r, at: time.Now(), pending: within}
	t.entries[r.Position] = w
	t.order = append(t.order, w)
	if err := t.ledger.Add(r); err != nil {
		t.complain("record %v does not follow: %v", r.Position, err)
	}
	if r.Ticket == 0 {
		return
	}
	t.gates[r.Ticket] |= bit(r.Position.Gate)
	switch r.Kind {
	case ledger.KindGrant, ledger.KindExit, ledger.KindVoided, ledger.KindPassed, ledger.KindUnknown:
		t.lastOf[t.venue.pack.person(r.Ticket)] = w.at
	}
	if r.Kind == ledger.KindGrant && r.Request != 0 {
		t.claims[requestKey{r.Position.Gate, r.Request}] = true
	}
}

// arrived notes that a gate has heard of records.
func (t *truth) arrived(g gate.GateID, records []ledger.Record) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range records {
		w := t.entries[records[i].Position]
		if w == nil {
			t.complain("gate %d was told of record %v, which nobody has written", g, records[i].Position)
			continue
		}
		if w.pending&bit(g) == 0 {
			continue
		}
		if w.pending &^= bit(g); w.pending == 0 {
			t.samples = append(t.samples, now.Sub(w.at))
		}
	}
}

// beyond takes gates that are out of reach off what is waited for, so that only
// records that nothing stood in the way of are measured.
func (t *truth) beyond(gates uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.order) - 1; i >= 0 && i >= len(t.order)-4096; i-- {
		w := t.order[i]
		if w.pending&gates != 0 || bit(w.record.Position.Gate)&gates != 0 {
			w.pending = 0
		}
	}
}

// wiped notes that a gate's disk has died.
func (t *truth) wiped(g gate.GateID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lostDisk == nil {
		t.lostDisk = map[gate.GateID]bool{}
	}
	t.lostDisk[g] = true
	for _, w := range t.order {
		if w.record.Position.Gate == g {
			w.wiped = true
			if w.pending != 0 || time.Since(w.at) < time.Minute {
				t.diskless[t.venue.pack.person(w.record.Ticket)] = true
			}
		}
	}
}

const mostBroken = 20

// violate notes what must not have happened.
func (t *truth) violate(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.complain(format, args...)
}

func (t *truth) complain(format string, args ...any) {
	if len(t.broken) == mostBroken {
		t.more++
		return
	}
	t.broken = append(t.broken, fmt.Sprintf("%.3f s: ", time.Since(t.venue.begin).Seconds())+fmt.Sprintf(format, args...))
}
