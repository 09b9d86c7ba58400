package appliance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// evacuationFile keeps, beside the journal, which lanes stand open by order and
// by which. It is what lets a barrier begin open after a restart, before the
// ledger is read, and what 'lane safe' reads when there is no gate to ask.
const evacuationFile = "evacuation.json"

// evacuation is which lanes stand open by order. An order that opened one goes on
// doing so until it has ended or is over: that it is not known any more, or not
// believed any more because of another roster, ends nothing.
type evacuation struct {
	file string

	mu      sync.Mutex // never held over a wait for the disk: scans ask
	opened  []openedBy
	lanes   []gate.LaneID
	buttons map[gate.LaneID]bool // that are pressed

	news    chan struct{} // has one element when a button was pressed
	written []byte        // what the file holds; of runOrders
}

// openedBy is an order to evacuate that opened lanes.
type openedBy struct {
	gate.Order
	// unrecorded: this gate gave it, and could not record it yet.
	unrecorded bool
}

// evacuationOnDisk is what the file holds.
type evacuationOnDisk struct {
	Lanes  []gate.LaneID      `json:"lanes"`
	Orders []evacuationByDisk `json:"orders"`
}

type evacuationByDisk struct {
	Order      []byte `json:"order"` // as in the journal
	Unrecorded bool   `json:"unrecorded,omitempty"`
}

// openEvacuation reads what an earlier run has left. The evacuation is usable
// whatever the error.
func openEvacuation(dataDir string) (*evacuation, error) {
	e := &evacuation{file: filepath.Join(dataDir, evacuationFile), buttons: map[gate.LaneID]bool{}, news: make(chan struct{}, 1)}
	raw, err := os.ReadFile(e.file)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	var disk evacuationOnDisk
	if err == nil {
		err = json.Unmarshal(raw, &disk)
	}
	if err != nil {
		e.written = []byte{0} // nothing that it could be: it is replaced
		return e, fmt.Errorf("which lanes stand open for an evacuation cannot be read: %w", err)
	}
	e.lanes, e.written = disk.Lanes, raw
	for _, d := range disk.Orders {
		by := openedBy{unrecorded: d.Unrecorded}
		if err := by.Decode(d.Order); err != nil {
			return e, fmt.Errorf("%s: %w", e.file, err)
		}
		e.opened = append(e.opened, by)
	}
	return e, nil
}

// open reports whether a lane stands open.
func (e *evacuation) open(lane gate.LaneID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.lanes, lane)
}

// mayBeOpen is open for a lane whose number, when it is 0, the roster knows.
func (e *evacuation) mayBeOpen(lane gate.LaneID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.lanes, lane) || lane == 0 && len(e.lanes) > 0
}

func (e *evacuation) pressed(lane gate.LaneID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.buttons[lane]
}

// see follows what the journal says of buttons.
func (e *evacuation) see(r *ledger.Record) {
	if r.Kind == ledger.KindBarrier {
		e.button(r.Lane, r.Reason)
	}
}

// button notes what became of a lane's button, and reports a press.
func (e *evacuation) button(lane gate.LaneID, r gate.Reason) (press bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch r {
	case gate.ReasonEvacuationButton:
		e.buttons[lane] = true
	case gate.ReasonEvacuationButtonReleased:
		delete(e.buttons, lane)
	}
	return r == gate.ReasonEvacuationButton
}

// ring has runOrders give an order for a button that was pressed.
func (e *evacuation) ring() {
	select {
	case e.news <- struct{}{}:
	default:
	}
}

// give notes an order of this gate that is yet to be recorded.
func (e *evacuation) give(o gate.Order) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opened = append(e.opened, openedBy{o, true})
}

// unrecorded returns the orders that are yet to be recorded.
func (e *evacuation) unrecorded() (all []gate.Order) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, by := range e.opened {
		if by.unrecorded {
			all = append(all, by.Order)
		}
	}
	return all
}

// recorded notes that an order is on record, or cannot be.
func (e *evacuation) recorded(id uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.opened {
		if e.opened[i].ID == id {
			e.opened[i].unrecorded = false
		}
	}
}

// mostOpened bounds the orders that are remembered. The ledger has the others.
const mostOpened = 64

// follow takes what is known of orders now, and returns those that have opened
// lanes, or will when their time comes.
func (e *evacuation) follow(known []ledger.OrderState, now time.Time) (all []gate.Order) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opened = slices.DeleteFunc(e.opened, func(by openedBy) bool { return isOver(&by.Order, known, now) })
	for i := range known {
		s := &known[i]
		if len(e.opened) < mostOpened && s.Order.Kind == gate.OrderEvacuate && s.Ignored == "" &&
			!e.has(s.Order.ID) && !isOver(&s.Order, known, now) {
			e.opened = append(e.opened, openedBy{s.Order, false})
		}
	}
	for _, by := range e.opened {
		all = append(all, by.Order)
	}
	return all
}

func (e *evacuation) has(id uint64) bool {
	return slices.ContainsFunc(e.opened, func(by openedBy) bool { return by.ID == id })
}

// isOver reports whether an order has ended: by what the ledger says of it, or, for
// one that it does not know or believe, by an order that ends it.
func isOver(o *gate.Order, known []ledger.OrderState, now time.Time) bool {
	if !o.Until.IsZero() && !now.Before(o.Until) {
		return true
	}
	ended := false
	for i := range known {
		s := &known[i]
		switch {
		case s.Ignored != "":
		case s.Order.ID == o.ID && s.Order.Kind == gate.OrderEvacuate:
			return s.Ended
		case s.Order.Kind == gate.OrderCancel && s.Order.Cancels == o.ID,
			s.Order.Kind == gate.OrderNormal && !s.Ended && !s.Order.Issued.Before(o.Issued):
			ended = true
		}
	}
	return ended
}

// set notes the lanes that stand open and returns what is to stand in the file;
// nil for no file.
func (e *evacuation) set(lanes []gate.LaneID) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lanes = lanes
	disk := evacuationOnDisk{Lanes: lanes}
	for _, by := range e.opened {
		raw, err := by.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		disk.Orders = append(disk.Orders, evacuationByDisk{raw, by.unrecorded})
	}
	if len(disk.Lanes)+len(disk.Orders) == 0 {
		return nil, nil
	}
	return json.Marshal(disk)
}

// keep has the lanes that stand open outlive the daemon. It is for runOrders
// only.
func (e *evacuation) keep(lanes []gate.LaneID) error {
	raw, err := e.set(lanes)
	switch {
	case err != nil || slices.Equal(raw, e.written):
		return err
	case raw == nil:
		if err := os.Remove(e.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	default:
		if err := writeDurably(e.file, raw); err != nil {
			return err
		}
	}
	e.written = raw
	return nil
}

// writeDurably puts a file in the place of another, whole or not at all.
func writeDurably(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
