package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
)

// logPrinter prints a journal's records.
type logPrinter struct {
	out, err io.Writer
	dir      string
	filter   recordFilter
	json     bool
	last     int // print only so many of those that are there; 0: all
}

const followEvery = 200 * time.Millisecond

// run prints what is there, and with follow what comes until ctx ends.
func (l *logPrinter) run(ctx context.Context, follow bool) error {
	out := bufio.NewWriter(l.out)
	if !l.json {
		if _, err := fmt.Fprintln(out, logHeader); err != nil {
			return err
		}
	}
	last, recovery, err := l.present(out)
	if err != nil {
		return journalMissing(err, l.dir)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	found := l.complain(&recovery)
	if !follow {
		return found
	}
	return l.follow(ctx, out, last)
}

// present prints the records that are there and returns the last one's place.
func (l *logPrinter) present(out io.Writer) (last ledger.Position, recovery journal.Recovery, err error) {
	var kept []ledger.Record // with --last, a ring once it is full
	next := 0
	recovery, err = journal.Read(l.dir, func(r *ledger.Record, _ ledger.Hash) error {
		last = r.Position
		switch {
		case !l.filter.passes(r):
		case l.last == 0:
			return l.record(out, r)
		case len(kept) < l.last:
			kept = append(kept, *r)
		default:
			kept[next] = *r
			next = (next + 1) % l.last
		}
		return nil
	})
	for i := range kept {
		if err != nil {
			break
		}
		err = l.record(out, &kept[(next+i)%len(kept)])
	}
	return last, recovery, err
}

// follow prints the records behind a place as they come, until ctx ends.
func (l *logPrinter) follow(ctx context.Context, out *bufio.Writer, last ledger.Position) error {
	tail, err := journal.OpenTail(l.dir, last)
	if err != nil {
		return journalMissing(err, l.dir)
	}
	for {
		var r ledger.Record
		more, err := tail.Next(&r)
		if err != nil {
			return err
		}
		if more {
			if err := l.record(out, &r); err != nil {
				return err
			}
			continue
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if !wait(ctx, followEvery) {
			return nil
		}
	}
}

// complain tells of what could not be read. A write that a power cut left
// unfinished is no damage: nothing of it was ever answered for.
func (l *logPrinter) complain(r *journal.Recovery) error {
	for _, d := range r.Damage {
		_, _ = fmt.Fprintln(l.err, d)
	}
	if r.MoreDamage > 0 {
		_, _ = fmt.Fprintf(l.err, "journal: %d more of these\n", r.MoreDamage)
	}
	if len(r.Damage) > 0 {
		_, _ = fmt.Fprintln(l.err, "Copy the whole data directory before anything else is done to it; other gates and the office may hold what is missing.")
		return errNo
	}
	return nil
}

// record prints a record that the filter lets pass.
func (l *logPrinter) record(out io.Writer, r *ledger.Record) error {
	if !l.filter.passes(r) {
		return nil
	}
	if l.json {
		return json.NewEncoder(out).Encode(lineOf(r))
	}
	_, err := fmt.Fprintln(out, humanLine(r))
	return err
}

const logHeader = "TIME                     LANE  WHAT       REASON                  TICKET                GEN  PEOPLE  RECORD"

// humanLine is a row of the table, in the local time of whoever looks.
func humanLine(r *ledger.Record) string {
	ticket, generation, people, lane := "", "", "", ""
	if r.Ticket != 0 {
		ticket, generation = r.Ticket.String(), fmt.Sprint(r.Generation)
	}
	if r.Count > 0 {
		people = fmt.Sprint(r.Count)
	}
	if r.Lane != 0 {
		lane = fmt.Sprint(r.Lane)
	}
	line := fmt.Sprintf("%-24s %-5s %-10s %-23s %-21s %-4s %-7s %d-%d/%d", r.Wall.Local().Format("2006-01-02 15:04:05.000"),
		lane, what(r), reason(r), ticket, generation, people, r.Position.Gate, r.Position.Epoch, r.Position.Sequence)
	line = strings.TrimRight(line, " ")
	if m := marks(r.Marks); len(m) > 0 {
		line += "  " + strings.Join(m, " ")
	}
	return line
}

// what is a word for what a record is about.
func what(r *ledger.Record) string {
	switch r.Kind {
	case ledger.KindEpoch:
		return "start"
	case ledger.KindGrant, ledger.KindRefusal:
		return r.Outcome.String()
	case ledger.KindPassed:
		return "passed"
	case ledger.KindVoided:
		return "voided"
	case ledger.KindUnknown:
		return "unknown"
	case ledger.KindExit:
		return "exit"
	case ledger.KindPreCheck:
		return "pre_check"
	case ledger.KindOrder:
		return "order"
	case ledger.KindProof:
		return "proof"
	}
	return fmt.Sprintf("kind_%d", r.Kind)
}

func reason(r *ledger.Record) string {
	if r.Reason == gate.ReasonNone {
		return ""
	}
	return r.Reason.String()
}

func marks(m gate.Marks) []string {
	var words []string
	for _, mark := range []struct {
		bit  gate.Marks
		word string
	}{
		{gate.MarkIsolated, "isolated"},
		{gate.MarkOverride, "override"},
		{gate.MarkClockUntrusted, "clock_untrusted"},
		{gate.MarkTraining, "training"},
		{gate.MarkAssumed, "assumed"},
		{gate.MarkPreCheck, "pre_check"},
	} {
		if m.Has(mark.bit) {
			words = append(words, mark.word)
		}
	}
	return words
}

// recordJSON is a record as a machine reads it. The person's key is left out:
// it stands for a document.
type recordJSON struct {
	Gate       gate.GateID    `json:"gate"`
	Epoch      uint32         `json:"epoch"`
	Sequence   uint64         `json:"sequence"`
	Time       time.Time      `json:"time"`
	What       string         `json:"what"`
	Reason     string         `json:"reason,omitempty"`
	Event      gate.EventID   `json:"event,omitempty"`
	Ticket     string         `json:"ticket,omitempty"`
	Generation uint8          `json:"generation,omitempty"`
	Session    gate.SessionID `json:"session,omitempty"`
	Entry      uint16         `json:"entry,omitempty"`
	Step       *uint32        `json:"step,omitempty"`
	Count      uint8          `json:"count"`
	Lane       gate.LaneID    `json:"lane,omitempty"`
	From       gate.ZoneID    `json:"from"`
	To         gate.ZoneID    `json:"to"`
	Marks      []string       `json:"marks,omitempty"`
	Staff      uint32         `json:"staff,omitempty"`
	Ref        *refJSON       `json:"ref,omitempty"`
	Pack       uint32         `json:"pack,omitempty"`
}

type refJSON struct {
	Gate     gate.GateID `json:"gate"`
	Epoch    uint32      `json:"epoch"`
	Sequence uint64      `json:"sequence"`
}

func lineOf(r *ledger.Record) recordJSON {
	j := recordJSON{
		Gate: r.Position.Gate, Epoch: r.Position.Epoch, Sequence: r.Position.Sequence, Time: r.Wall.UTC(),
		What: what(r), Reason: reason(r), Event: r.Event, Generation: r.Generation, Session: r.Session, Entry: r.Entry,
		Count: r.Count, Lane: r.Lane, From: r.From, To: r.To, Marks: marks(r.Marks), Staff: r.Staff, Pack: r.Pack,
	}
	if r.Ticket != 0 {
		j.Ticket = r.Ticket.String()
	}
	if r.Step != ledger.NoStep && r.Ticket != 0 {
		j.Step = &r.Step
	}
	if !r.Ref.IsZero() {
		j.Ref = &refJSON{r.Ref.Gate, r.Ref.Epoch, r.Ref.Sequence}
	}
	return j
}
