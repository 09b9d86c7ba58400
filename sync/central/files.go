package central

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"sync"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/pack"
)

// Files is a Storage in a venue's directory: an event's tickets are one file of
// lines in the form that packs have, its leases another. Every change writes
// the whole file anew, which serves some hundred thousand tickets. Several
// processes may use one directory.
type Files struct {
	dir   string
	mu    sync.Mutex
	lists map[gate.EventID]*list
}

// NewFiles returns the storage in a venue's directory.
func NewFiles(dir string) *Files { return &Files{dir: dir, lists: map[gate.EventID]*list{}} }

// list is a file of tickets that was read. It is never changed, only replaced.
type list struct {
	info    fs.FileInfo // of the file, to notice another process's change
	tickets []gate.Ticket
}

// load returns the event's tickets as they are on the disk. mu is held.
func (f *Files) load(event gate.EventID) (*list, error) {
	path := eventPath(f.dir, event, fileTickets)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &list{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tickets: %w", err)
	}
	if l := f.lists[event]; l != nil && os.SameFile(l.info, info) && l.info.ModTime().Equal(info.ModTime()) && l.info.Size() == info.Size() {
		return l, nil
	}
	l := &list{info: info}
	err = eachLine(path, func(line []byte) error {
		t, err := pack.ParseTicket(line, event)
		if err != nil {
			return err
		}
		if n := len(l.tickets); n > 0 && l.tickets[n-1].ID >= t.ID {
			return fmt.Errorf("ticket %s is out of order", t.ID)
		}
		l.tickets = append(l.tickets, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.lists[event] = l
	return l, nil
}

// save writes the event's tickets. mu and the venue's lock are held.
func (f *Files) save(event gate.EventID, tickets []gate.Ticket) error {
	var b []byte
	for i := range tickets {
		var err error
		if b, err = pack.AppendTicket(b, &tickets[i]); err != nil {
			return err
		}
		b = append(b, '\n')
	}
	path := eventPath(f.dir, event, fileTickets)
	if err := writeFile(path, b); err != nil {
		return fmt.Errorf("write the list of tickets: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("tickets: %w", err)
	}
	f.lists[event] = &list{info: info, tickets: tickets}
	return nil
}

// Tickets implements Storage.
func (f *Files) Tickets(event gate.EventID) iter.Seq2[gate.Ticket, error] {
	return func(yield func(gate.Ticket, error) bool) {
		f.mu.Lock()
		l, err := f.load(event)
		f.mu.Unlock()
		if err != nil {
			yield(gate.Ticket{}, err)
			return
		}
		for i := range l.tickets {
			if !yield(clone(&l.tickets[i]), nil) {
				return
			}
		}
	}
}

// Ticket implements Storage.
func (f *Files) Ticket(event gate.EventID, id gate.TicketID) (gate.Ticket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, err := f.load(event)
	if err != nil {
		return gate.Ticket{}, err
	}
	i, ok := l.find(id)
	if !ok {
		return gate.Ticket{}, fmt.Errorf("%s: %w", id, ErrUnknownTicket)
	}
	return clone(&l.tickets[i]), nil
}

func (l *list) find(id gate.TicketID) (int, bool) {
	return slices.BinarySearchFunc(l.tickets, id, func(t gate.Ticket, id gate.TicketID) int {
		switch {
		case t.ID < id:
			return -1
		case t.ID > id:
			return 1
		}
		return 0
	})
}

// clone copies a ticket with what it points to.
func clone(t *gate.Ticket) gate.Ticket {
	c := *t
	c.Sessions = slices.Clone(t.Sessions)
	c.Documents = slices.Clone(t.Documents)
	c.Foreign = slices.Clone(t.Foreign)
	return c
}

// Add implements Storage.
func (f *Files) Add(event gate.EventID, produce func(last gate.TicketID) ([]gate.Ticket, error)) error {
	return f.update(event, func(l *list) ([]gate.Ticket, error) {
		var last gate.TicketID
		if n := len(l.tickets); n > 0 {
			last = l.tickets[n-1].ID
		}
		added, err := produce(last)
		if err != nil {
			return nil, err
		}
		for i := range added {
			if added[i].ID <= last {
				return nil, fmt.Errorf("ticket %s is not above %s", added[i].ID, last)
			}
			last = added[i].ID
		}
		return slices.Concat(l.tickets, added), nil
	})
}

// Change implements Storage.
func (f *Files) Change(event gate.EventID, id gate.TicketID, change func(*gate.Ticket) error) error {
	return f.update(event, func(l *list) ([]gate.Ticket, error) {
		i, ok := l.find(id)
		if !ok {
			return nil, fmt.Errorf("%s: %w", id, ErrUnknownTicket)
		}
		t := clone(&l.tickets[i])
		if err := change(&t); err != nil {
			return nil, err
		}
		if t.ID != id {
			return nil, fmt.Errorf("ticket %s cannot become %s", id, t.ID)
		}
		next := slices.Clone(l.tickets)
		next[i] = t
		return next, nil
	})
}

// update replaces an event's list while nobody else changes it.
func (f *Files) update(event gate.EventID, next func(*list) ([]gate.Ticket, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	unlock, err := lock(f.dir)
	if err != nil {
		return err
	}
	defer unlock()
	l, err := f.load(event)
	if err != nil {
		return err
	}
	tickets, err := next(l)
	if err != nil {
		return err
	}
	return f.save(event, tickets)
}

// maxLine bounds one line of a list, in bytes.
const maxLine = 16 << 10

// LineError is a line of a list that cannot be read.
type LineError struct {
	Path string
	Line int // from 1
	Err  error
}

// Error names file and line. It does not quote the line.
func (e *LineError) Error() string { return fmt.Sprintf("%s, line %d: %v", e.Path, e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// eachLine calls fn with every line of a file.
func eachLine(path string, fn func(line []byte) error) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read a list: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		if err := fn(lines.Bytes()); err != nil {
			return &LineError{Path: path, Line: n, Err: err}
		}
	}
	if err := lines.Err(); err != nil {
		return &LineError{Path: path, Line: n + 1, Err: err}
	}
	return nil
}
