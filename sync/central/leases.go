package central

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// leaseLine is one line of leases.jsonl: how far one generation of a ticket was
// leased at most.
type leaseLine struct {
	Ticket     gate.TicketID `json:"ticket,string"`
	Generation uint8         `json:"gen"`
	Last       uint32        `json:"last"`
	At         time.Time     `json:"at"`
}

type leaseKey struct {
	ticket     gate.TicketID
	generation uint8
}

func (f *Files) loadLeases(event gate.EventID) ([]leaseLine, map[leaseKey]int, error) {
	path := eventPath(f.dir, event, fileLeases)
	var lines []leaseLine
	at := map[leaseKey]int{}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, at, nil
	}
	err := eachLine(path, func(raw []byte) error {
		var l leaseLine
		if json.Unmarshal(raw, &l) != nil || l.Ticket == 0 || l.Generation == 0 {
			return errors.New("no lease")
		}
		at[leaseKey{l.Ticket, l.Generation}] = len(lines)
		lines = append(lines, l)
		return nil
	})
	return lines, at, err
}

// Leased implements Storage.
func (f *Files) Leased(event gate.EventID, id gate.TicketID, generation uint8) (Leased, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lines, at, err := f.loadLeases(event)
	if err != nil {
		return Leased{}, false, err
	}
	i, ok := at[leaseKey{id, generation}]
	if !ok {
		return Leased{}, false, nil
	}
	return Leased(lines[i]), true, nil
}

// SetLeased implements Storage.
func (f *Files) SetLeased(event gate.EventID, given ...Leased) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	unlock, err := lock(f.dir)
	if err != nil {
		return err
	}
	defer unlock()
	lines, at, err := f.loadLeases(event)
	if err != nil {
		return err
	}
	changed := false
	for _, l := range given {
		key := leaseKey{l.Ticket, l.Generation}
		i, ok := at[key]
		switch {
		case !ok:
			at[key] = len(lines)
			lines = append(lines, leaseLine(l))
		case l.Last > lines[i].Last:
			lines[i] = leaseLine(l)
		default:
			continue
		}
		changed = true
	}
	if !changed {
		return nil
	}
	var b []byte
	for i := range lines {
		line, err := json.Marshal(&lines[i])
		if err != nil {
			return fmt.Errorf("leases: %w", err)
		}
		b = append(append(b, line...), '\n')
	}
	if err := writeFile(eventPath(f.dir, event, fileLeases), b); err != nil {
		return fmt.Errorf("write the list of leases: %w", err)
	}
	return nil
}
