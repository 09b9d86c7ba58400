package hwtest

import (
	"bytes"
	"context"
	"sync"
)

// Fault is a way for a CardReader to misbehave in one answer.
type Fault int

// The faults.
const (
	FaultSilence    Fault = iota + 1 // no answer
	FaultChecksum                    // one bit of the answer is wrong
	FaultHalf                        // the answer stops half-way
	FaultNoise                       // line noise before the answer
	FaultReadFailed                  // the card cannot be read, says the reader
)

// CardReader is a resident ID card reader: a SAM module on a serial line. It
// answers the requests of hardware manuals, compared byte by byte.
type CardReader struct {
	*Line

	mu     sync.Mutex
	in     []byte
	text   []byte // of the card in the field
	read   bool   // that card was read: it is not found again until it was lifted
	sticky bool
	faults []Fault
	asked  map[string]int
	news   chan struct{} // closed at the next request
}

// NewCardReader plugs in a card reader at path.
func NewCardReader(path string) (*CardReader, error) {
	r := &CardReader{asked: map[string]int{}, news: make(chan struct{})}
	r.Line = &Line{path: path, receive: r.receive} // there before it is spoken to
	if err := r.Plug(); err != nil {
		return nil, err
	}
	return r, nil
}

// Place puts a card into the field.
func (r *CardReader) Place(c Card) error {
	text, err := c.Text()
	if err != nil {
		return err
	}
	r.PlaceText(text)
	return nil
}

// PlaceText puts a card with any text block into the field.
func (r *CardReader) PlaceText(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text, r.read = bytes.Clone(text), false
}

// Remove takes the card away.
func (r *CardReader) Remove() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text, r.read = nil, false
}

// Sticky makes the reader find a card again and again while it lies there, as
// some do. Most find it once.
func (r *CardReader) Sticky() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sticky = true
}

// Fail makes the next answers faulty, one fault each. FaultReadFailed waits for
// a read.
func (r *CardReader) Fail(faults ...Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, faults...)
}

// Asked returns how often a request came: "find", "select", "read", "status",
// "sam id", or "other".
func (r *CardReader) Asked(request string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[request]
}

// AwaitAsked waits until a request came n times in all.
func (r *CardReader) AwaitAsked(ctx context.Context, request string, n int) error {
	for {
		r.mu.Lock()
		asked, news := r.asked[request], r.news
		r.mu.Unlock()
		if asked >= n {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *CardReader) receive(b []byte) {
	r.mu.Lock()
	r.in = append(r.in, b...)
	var out []byte
	for {
		request, rest, ok := cutRequest(r.in)
		r.in = rest
		if !ok {
			break
		}
		out = append(out, r.spoil(r.answer(request))...)
	}
	r.mu.Unlock()
	if len(out) > 0 {
		_, _ = r.Write(out) // unplugged meanwhile
	}
}

// answer returns the body of an answer: status bytes and data.
func (r *CardReader) answer(request string) []byte {
	present := r.text != nil && (r.sticky || !r.read)
	name, body := "other", []byte{0, 0, 0x21}
	switch request {
	case "\x11\xff":
		name, body = "status", []byte{0, 0, 0x90}
	case "\x12\xff":
		name, body = "sam id", append([]byte{0, 0, 0x90}, make([]byte, 16)...)
	case "\x20\x01":
		name, body = "find", []byte{0, 0, 0x80}
		if present {
			body = []byte{0, 0, 0x9F, 0, 0, 0, 0}
		}
	case "\x20\x02":
		name, body = "select", []byte{0, 0, 0x81}
		if present {
			body = append([]byte{0, 0, 0x90}, make([]byte, 8)...)
		}
	case "\x30\x01":
		name, body = "read", []byte{0, 0, 0x41}
		if present && !r.takeFault(FaultReadFailed) {
			r.read = true
			body = []byte{0, 0, 0x90, textLen >> 8, textLen & 0xFF, photoLen >> 8, photoLen & 0xFF}
			body = append(body, r.text...)
			body = append(body, bytes.Repeat([]byte{0xA5}, photoLen)...)
		}
	}
	r.asked[name]++
	close(r.news)
	r.news = make(chan struct{})
	return body
}

// takeFault reports whether f is the next fault, and uses it up.
func (r *CardReader) takeFault(f Fault) bool {
	if len(r.faults) == 0 || r.faults[0] != f {
		return false
	}
	r.faults = r.faults[1:]
	return true
}

// spoil frames a body, with the next fault.
func (r *CardReader) spoil(body []byte) []byte {
	b := sdtFrame(body)
	switch {
	case r.takeFault(FaultSilence):
		return nil
	case r.takeFault(FaultChecksum):
		b[len(b)-1] ^= 0x10
	case r.takeFault(FaultHalf):
		b = b[:len(b)/2]
	case r.takeFault(FaultNoise):
		b = append([]byte{0x00, 0xAA, 0xAA, 0xFF, 0x96, 0x69, 0xAA}, b...)
	}
	return b
}

func sdtFrame(body []byte) []byte {
	n := len(body) + 1
	b := append([]byte{0xAA, 0xAA, 0xAA, 0x96, 0x69, byte(n >> 8), byte(n)}, body...)
	var sum byte
	for _, c := range b[5:] {
		sum ^= c
	}
	return append(b, sum)
}

// cutRequest cuts the first whole request off b and returns its command and
// data. Bytes that start no request are dropped.
func cutRequest(b []byte) (request string, rest []byte, ok bool) {
	const header = "\xaa\xaa\xaa\x96\x69"
	for len(b) > 0 && !bytes.HasPrefix(b, []byte(header[:min(len(header), len(b))])) {
		b = b[1:]
	}
	if len(b) < len(header)+2 {
		return "", b, false
	}
	end := len(header) + 2 + int(b[5])<<8 + int(b[6])
	if len(b) < end {
		return "", b, false
	}
	body := b[len(header)+2 : end-1]
	if !bytes.Equal(sdtFrame(body), b[:end]) {
		return "", b[len(header):], true // answered with "bad command"
	}
	return string(body), b[end:], true
}
