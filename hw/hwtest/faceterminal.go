package hwtest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"sync"
)

// FaceTerminal is a face terminal that writes a JSON object for each look, to a
// serial line or a connection.
type FaceTerminal struct {
	w io.Writer

	// Picture is how many bytes of picture go with each result, as those
	// terminals send that cannot be told to leave it out.
	Picture int

	mu     sync.Mutex
	faults []Fault
}

// NewFaceTerminal returns a terminal that writes to w.
func NewFaceTerminal(w io.Writer) *FaceTerminal { return &FaceTerminal{w: w} }

// Fail makes the next looks faulty, one fault each: FaultSilence, FaultHalf,
// FaultNoise, FaultChecksum (a letter is lost, so that it is no JSON) or
// FaultSplit.
func (f *FaceTerminal) Fail(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// FaceMessage is a result as FaceTerminal sends it.
func FaceMessage(matched bool, score float64, reference string, picture int) []byte {
	b, err := json.Marshal(map[string]any{
		"type": "result", "matched": matched, "score": score, "reference": reference,
		"picture": base64.StdEncoding.EncodeToString(make([]byte, picture)),
	})
	if err != nil {
		panic(err) // numbers and texts; only NaN fails
	}
	return b
}

// Look is somebody who looks at it.
func (f *FaceTerminal) Look(matched bool, score float64, reference string) error {
	b := append(FaceMessage(matched, score, reference, f.Picture), '\n')
	n := len(b)
	const pieces = 7
	switch f.next() {
	case FaultSilence:
		return nil
	case FaultHalf:
		b = b[:len(b)/2]
	case FaultNoise:
		b = append([]byte("\x00\xff%Q\xaa]7}\r"), b...)
	case FaultChecksum:
		b = append([]byte(`{"matched":tru,`), b[1:]...)
	case FaultSplit:
		n = pieces
	}
	for len(b) > 0 {
		k := min(n, len(b))
		if _, err := f.w.Write(b[:k]); err != nil {
			return err
		}
		b = b[k:]
	}
	return nil
}

func (f *FaceTerminal) next() Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults) == 0 {
		return 0
	}
	next := f.faults[0]
	f.faults = f.faults[1:]
	return next
}
