package lane

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// pairing remembers one visitor's code while the document is missing, or the
// other way round. The next code or document either completes it or starts anew,
// so two visitors' halves never meet once either has been answered; what is
// neither changes nothing.
type pairing struct {
	window   time.Duration
	until    time.Time
	wants    gate.Want
	code     *shownCode
	document shownDocument
	staff    uint32 // who typed the half that is kept; 0: nobody
}

// complete adds the half that was kept to the one that was just shown.
func (p *pairing) complete(now time.Time, code *shownCode, document shownDocument) (*shownCode, shownDocument) {
	if p.waiting(now) != 0 {
		switch {
		case code == nil && p.code != nil && p.wants&gate.WantDocument != 0:
			code = p.code
		case document == nil && p.document != nil && p.wants&gate.WantCode != 0:
			document = p.document
		}
	}
	p.forget()
	return code, document
}

// keep remembers what was shown, if the verdict says that more is wanted.
func (p *pairing) keep(now time.Time, wants gate.Want, code *shownCode, document shownDocument, staff uint32) {
	if wants&(gate.WantDocument|gate.WantCode) == 0 {
		return
	}
	p.wants, p.code, p.document, p.staff, p.until = wants, code, document, staff, now.Add(p.window)
}

func (p *pairing) waiting(now time.Time) gate.Want {
	if !now.Before(p.until) {
		p.forget()
	}
	return p.wants
}

func (p *pairing) forget() { *p = pairing{window: p.window} }
