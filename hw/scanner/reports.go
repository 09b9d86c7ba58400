package scanner

import (
	"bytes"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// A HID-POS report as readers send it (USB HID Point of Sale Usage Tables 1.02,
// scanned data report, and the manuals of several makers):
//
//	0      report number, 2
//	1      how many bytes of data
//	2–4    AIM identifier, ] and two characters
//	5–60   data
//	61–62  the maker's own
//	63     bit 0: the same code goes on in the next report
const (
	reportSize   = 64
	reportNumber = 0x02
	reportLen    = 1
	reportAIM    = 2
	reportData   = 5
	reportMax    = 56
	reportFlags  = 63
	flagMore     = 0x01
)

// ReportDrops counts what Reports threw away, by reason.
type ReportDrops struct {
	Malformed  uint64 // reports of another size or number, or with an impossible length
	Unfinished uint64 // codes whose next report did not come in time, or was of another code
	TooLong    uint64 // codes longer than Framing.Max
	Unframed   uint64 // codes without the configured prefix or suffix, or an identifier where one is required
	Empty      uint64 // codes without text
	Control    uint64 // single control bytes inside codes
}

// Reports puts the reports of a HID-POS reader together to frames. It is not
// safe for concurrent use.
type Reports struct {
	f     Framing
	buf   []byte
	aim   [aimLen]byte
	more  bool // a report is to follow
	skip  bool // the code is too long: ignore it to its end
	last  time.Time
	drops ReportDrops
}

// NewReports returns an assembler. Only Prefix, Suffix, AIM, ECI, Max and Stale
// mean something here; Stale bounds the time between two reports of one code.
// The error is a *port.OptionError.
func NewReports(f Framing) (*Reports, error) {
	if err := validateReports(f); err != nil {
		return nil, err
	}
	f = f.withDefaults()
	return &Reports{f: f, buf: make([]byte, 0, min(f.Max, 512))}, nil
}

// Drops returns the counters.
func (r *Reports) Drops() ReportDrops { return r.drops }

// Push takes one report that arrived at now and calls emit when it completes a
// code. Times must not run backwards.
func (r *Reports) Push(now time.Time, report []byte, emit func(Frame)) {
	r.Tick(now)
	if len(report) != reportSize || report[0] != reportNumber || report[reportLen] > reportMax {
		r.drops.Malformed++
		r.Reset()
		return
	}
	aim := [aimLen]byte(report[reportAIM:reportData])
	if r.more && aim != r.aim && aim != [aimLen]byte{} {
		r.Reset() // a new code: the end of the last one was lost
	}
	if !r.more {
		r.aim = aim
	}
	r.last = now
	r.more = report[reportFlags]&flagMore != 0
	data := report[reportData : reportData+int(report[reportLen])]
	if !r.more {
		data = bytes.TrimRight(data, "\r\n\t") // the line end that readers are often set to send
	}
	r.add(data)
	if !r.more {
		r.finish(now, emit)
	}
}

// add appends data without its control bytes.
func (r *Reports) add(data []byte) {
	if r.skip {
		return
	}
	if len(r.buf)+len(data) > r.f.Max {
		r.drops.TooLong++
		r.wipe()
		r.skip = true
		return
	}
	for _, c := range data {
		if isControl(rune(c)) {
			r.drops.Control++
			continue
		}
		r.buf = append(r.buf, c)
	}
}

// Tick drops a code whose next report is overdue.
func (r *Reports) Tick(now time.Time) {
	if r.more && now.Sub(r.last) >= r.f.Stale {
		r.Reset()
	}
}

// wait is how long after its last report a code needs a Tick; zero for none.
func (r *Reports) wait() time.Duration {
	if !r.more {
		return 0
	}
	return max(r.f.Stale, time.Millisecond)
}

// Reset forgets an unfinished code, for instance because the reader was
// unplugged in the middle of it.
func (r *Reports) Reset() {
	if r.more && !r.skip {
		r.drops.Unfinished++
	}
	r.clear()
}

func (r *Reports) finish(at time.Time, emit func(Frame)) {
	defer r.clear()
	if r.skip {
		return
	}
	f := r.f
	f.AIM = AIMOff // it stands in the report, not in the text
	text, _, ok := f.strip(string(r.buf))
	symbology := gate.Symbology(0)
	if r.f.AIM != AIMOff && hasAIM(string(r.aim[:])) {
		symbology = gate.Symbology(r.aim[1])
	}
	switch {
	case !ok, r.f.AIM == AIMRequire && symbology == 0:
		r.drops.Unframed++
	case text == "":
		r.drops.Empty++
	default:
		emit(Frame{Text: gate.Private(text), Symbology: symbology, At: at})
	}
}

func (r *Reports) clear() {
	r.wipe()
	r.more, r.skip = false, false
}

func (r *Reports) wipe() {
	clear(r.buf)
	r.buf = r.buf[:0]
}
