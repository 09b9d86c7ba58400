package hwtest

import (
	"bytes"
	"strings"
	"sync"
)

// MRZReader is a reader of passports and cards on a serial line: it sends the
// machine-readable zone of what lies on it.
type MRZReader struct {
	*Line

	// Before and After surround all lines, Between ends each but the last.
	// NewMRZReader sets Between and After to CR.
	Before, Between, After string

	mu     sync.Mutex
	faults []Fault
}

// FaultSplit makes a reader send what it has to say a few bytes at a time.
const FaultSplit = FaultReadFailed + 1

// NewMRZReader plugs in a reader at path.
func NewMRZReader(path string) (*MRZReader, error) {
	l, err := NewLine(path, nil)
	if err != nil {
		return nil, err
	}
	return &MRZReader{Line: l, Between: "\r", After: "\r"}, nil
}

// Fail makes the next presentations faulty, one fault each: FaultSilence,
// FaultHalf, FaultNoise, FaultChecksum (a wrong check digit) or FaultSplit.
func (r *MRZReader) Fail(faults ...Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, faults...)
}

// Present lays a document on the reader.
func (r *MRZReader) Present(d TravelDocument) error {
	lines, err := d.Lines()
	if err != nil {
		return err
	}
	return r.Send(lines)
}

// Send sends any lines.
func (r *MRZReader) Send(lines []string) error {
	b := []byte(r.Before + strings.Join(lines, r.Between) + r.After)
	const pieces = 5
	n := len(b)
	switch r.next() {
	case FaultSilence:
		return nil
	case FaultHalf:
		b = b[:len(b)/2]
	case FaultNoise:
		b = append([]byte("\x00\xff%Q\xaa7\r"), b...)
		b = bytes.ReplaceAll(b, []byte("<<"), []byte("<\x80<"))
	case FaultChecksum:
		// The last digit of every layout is the check digit of all.
		if i := bytes.LastIndexAny(b, "0123456789"); i >= 0 {
			b[i] = '0' + (b[i]-'0'+1)%10
		}
	case FaultSplit:
		n = pieces
	}
	for len(b) > 0 {
		k := min(n, len(b))
		if _, err := r.Write(b[:k]); err != nil {
			return err
		}
		b = b[k:]
	}
	return nil
}

func (r *MRZReader) next() Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.faults) == 0 {
		return 0
	}
	f := r.faults[0]
	r.faults = r.faults[1:]
	return f
}
