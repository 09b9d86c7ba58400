package appliance

import (
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

func TestPeersOpinionOfTheClock(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(ahead time.Duration, kept bool) peerClock { return peerClock{ahead, kept, now.Add(-time.Second)} }
	for _, c := range []struct {
		name   string
		clocks []peerClock
		want   opinion
		trusts bool
	}{
		{"nobody there", nil, opinion{}, false},
		{"all were set by hand", []peerClock{at(time.Second, false), at(0, false)}, opinion{peers: 2, ahead: time.Second / 2, spread: time.Second}, false},
		{"one is kept right, and agrees", []peerClock{at(time.Second, true), at(time.Hour, false), at(time.Hour, false)}, opinion{peers: 3, ahead: time.Second, vouch: true}, true},
		{"one is kept right, and does not", []peerClock{at(-time.Minute, true)}, opinion{peers: 1, ahead: -time.Minute, vouch: true}, false},
		{"the median of several", []peerClock{at(time.Hour, true), at(time.Second, true), at(0, true)}, opinion{peers: 3, ahead: time.Second, vouch: true, spread: time.Hour}, true},
		{"too old to count", []peerClock{{0, true, now.Add(-time.Minute)}}, opinion{}, false},
		{"never measured", []peerClock{{0, true, time.Time{}}}, opinion{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ask(now, c.clocks)
			if got != c.want {
				t.Errorf("opinion %+v, want %+v", got, c.want)
			}
			if got.trusts() != c.trusts {
				t.Errorf("trusts %v, want %v", got.trusts(), c.trusts)
			}
		})
	}
}

func TestPhonesAreASecondOpinion(t *testing.T) {
	var p phones
	for id := range gate.TicketID(phonesAsked - 1) {
		p.see(id+1, 20*time.Second)
		p.see(id+1, -time.Hour) // the same ticket again says nothing new
	}
	if _, enough := p.median(); enough {
		t.Fatalf("%d phones were enough", phonesAsked-1)
	}
	p.see(phonesAsked, time.Hour)
	if m, enough := p.median(); !enough || m != 20*time.Second {
		t.Errorf("median %v, %v; want 20 s", m, enough)
	}
}
