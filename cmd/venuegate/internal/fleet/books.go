package fleet

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
)

// Disk is what a gate has recorded, as it is on its disk.
type Disk struct {
	Logs     map[Log]uint64 // last sequence of each journal
	Admitted int            // people who were let in and went through
	Exited   int
	Refusals int
}

// ReadDisk reads the journal in a gate's data directory. A box that was never
// enrolled has none.
func ReadDisk(data string) (Disk, error) {
	d := Disk{Logs: map[Log]uint64{}}
	_, err := journal.Read(filepath.Join(data, "journal"), func(r *ledger.Record, _ ledger.Hash) error {
		p := r.Position
		d.Logs[Log{fmt.Sprint(p.Gate), fmt.Sprint(p.Epoch)}] = p.Sequence
		n := int(r.Count)
		switch r.Kind {
		case ledger.KindGrant:
			d.Admitted += n
		case ledger.KindExit:
			d.Exited += n
		case ledger.KindRefusal:
			d.Refusals++
		case ledger.KindVoided:
			if r.Outcome == gate.Exit {
				d.Exited -= n
			} else {
				d.Admitted -= n
			}
		}
		return nil
	})
	return d, err
}

// Books are what a day came to.
type Books struct {
	Seconds   float64        `json:"seconds"`
	Sold      map[string]int `json:"sold"` // by channel
	Visitors  int            `json:"visitors"`
	Told      []ToldRow      `json:"told"`
	Gates     []GateRow      `json:"gates"`
	Central   Attendance     `json:"central"`
	Records   uint64         `json:"records"` // on the gates' disks
	CutFor    float64        `json:"internet_lost_seconds"`
	Waited    uint64         `json:"records_waited"` // for the internet, at one gate
	Again     int            `json:"asked_to_try_again"`
	Checks    []Check        `json:"checks"`
	Balance   bool           `json:"balance"`
	Surprises []string       `json:"surprises"`
	Taken     time.Time      `json:"at"`
}

// ToldRow is what so many visitors of a kind were told.
type ToldRow struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	Times  int    `json:"times"`
}

// GateRow is one gate, by whom it is counted.
type GateRow struct {
	Gate     gate.GateID `json:"gate"`
	Name     string      `json:"name"`
	Passed   int         `json:"passed"`   // visitors who saw the arm move and went through
	Recorded int         `json:"recorded"` // on the gate's disks
	Central  int         `json:"central"`  // as central counts
}

// Check is one of the things that must be so.
type Check struct {
	What string `json:"what"`
	Want int    `json:"want"`
	Got  int    `json:"got"`
}

// Good reports whether it is so.
func (c Check) Good() bool { return c.Want == c.Got }

// books compares what visitors saw, what gates have and what central counts.
func (d *day) books(ctx context.Context) (*Books, error) {
	b := &Books{
		Sold: map[string]int{}, Visitors: d.n, CutFor: d.cutFor.Seconds(), Waited: d.waited, Again: d.told.again,
		Surprises: append([]string{}, d.told.surprise...), Taken: time.Now().UTC().Truncate(time.Second),
	}
	for i, name := range []string{"Box office", "App", "Ticket shop", "Travel agencies"} {
		b.Sold[name] = d.sold[i]
	}
	for _, key := range slices.Sorted(maps.Keys(d.told.by)) {
		kind, reason, _ := strings.Cut(key, "\x00")
		b.Told = append(b.Told, ToldRow{kind, reason, d.told.by[key]})
	}
	var err error
	if b.Central, err = d.central.Office.Attendance(ctx); err != nil {
		return nil, err
	}
	conflicts, err := d.central.Office.Conflicts(ctx)
	if err != nil {
		return nil, err
	}
	held, err := d.central.Office.Held(ctx)
	if err != nil {
		return nil, err
	}
	sum := Disk{Logs: map[Log]uint64{}}
	if err := d.countGates(b, &sum); err != nil {
		return nil, err
	}
	var atCentral uint64
	for l, last := range sum.Logs {
		b.Records += last
		atCentral += min(last, held.Logs[l])
	}
	passed, sold := 0, 0
	for _, n := range d.told.passed {
		passed += n
	}
	for _, n := range d.sold {
		sold += n
	}
	c := &b.Central
	refusedOf := func(kind string) (n int) {
		for _, r := range b.Told {
			if r.Kind == kind && r.Reason != gate.ReasonAdmitted.String() {
				n += r.Times
			}
		}
		return n
	}
	refusals := 0
	for _, r := range c.Refusals {
		refusals += r.Times
	}
	b.Checks = []Check{
		{"people who went in: as they saw it, and on the gates' disks", passed, sum.Admitted},
		{"people who went in: on the gates' disks, and at central", sum.Admitted, c.Admitted},
		{"people who went out: as they saw it, and at central", d.told.left, c.Exited},
		{"people inside: went in less went out, and at central", passed - d.told.left, c.Inside},
		{"refusals: on the gates' disks, and at central", sum.Refusals, refusals},
		{"records: on the gates' disks, and at central", int(b.Records), int(atCentral)},
		{"tickets on the list: sold, and valid, void or refunded", sold, c.Tickets.Valid + c.Tickets.Void + c.Tickets.Refunded},
		{"refunded tickets: tried, and refused", d.refused.refunds, refusedOf(kindRefund)},
		{"refunded tickets: taken back, and at central", d.refused.refunds, c.Tickets.Refunded},
		{"void tickets: tried, and refused", d.refused.voids, refusedOf(kindVoid)},
		{"codes of former holders: tried, and refused", d.refused.old, refusedOf(kindOld)},
		{"nobody came: valid less came for the first time, and at central", c.Tickets.Valid - (c.Admitted - c.ReEntries), c.Tickets.NoShows},
		{"tickets granted too often", 0, conflicts},
		{"journals that central closed", 0, len(held.Closed)},
		{"visitors who were told something else than they should", 0, len(b.Surprises)},
	}
	b.Balance = !slices.ContainsFunc(b.Checks, func(c Check) bool { return !c.Good() })
	for _, g := range b.Gates {
		b.Balance = b.Balance && g.Passed == g.Recorded && g.Recorded == g.Central
	}
	b.Seconds = time.Since(d.begun).Seconds()
	return b, nil
}

// countGates reads the gates' disks: of a gate whose box was replaced, both.
func (d *day) countGates(b *Books, sum *Disk) error {
	rows := make([]GateRow, gates)
	for i := range rows {
		rows[i] = GateRow{Gate: gate.GateID(i + 1), Passed: d.told.passed[gate.GateID(i+1)]}
	}
	add := func(box *Box, row *GateRow) error {
		disk, err := ReadDisk(box.Data())
		if err != nil {
			return err
		}
		row.Recorded += disk.Admitted
		sum.Admitted += disk.Admitted
		sum.Exited += disk.Exited
		sum.Refusals += disk.Refusals
		maps.Copy(sum.Logs, disk.Logs)
		return nil
	}
	for i, box := range d.boxes {
		if err := add(box, &rows[i]); err != nil {
			return err
		}
	}
	for _, box := range d.dead {
		if err := add(box, &rows[deadGate-1]); err != nil {
			return err
		}
	}
	for i := range rows {
		for _, g := range b.Central.Gates {
			if g.ID == fmt.Sprint(rows[i].Gate) {
				rows[i].Name, rows[i].Central = g.Name, g.Admitted
			}
		}
	}
	b.Gates = rows
	return nil
}
