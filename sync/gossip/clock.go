package gossip

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hashicorp/memberlist"
)

// An answer to a probe carries the clock of who answers: version, flags, Unix
// microseconds.
const (
	answerVersion = 1
	answerSize    = 1 + 1 + 8
	flagSynced    = 1
)

// clockAnswer is what a gate says about its clock.
type clockAnswer struct {
	time   time.Time
	synced bool
}

func (a clockAnswer) encode() []byte {
	b := []byte{answerVersion, 0}
	if a.synced {
		b[1] = flagSynced
	}
	return binary.BigEndian.AppendUint64(b, uint64(a.time.UnixMicro()))
}

func parseAnswer(b []byte) (clockAnswer, error) {
	if len(b) != answerSize {
		return clockAnswer{}, fmt.Errorf("gossip: answer to a probe: %d bytes, want %d", len(b), answerSize)
	}
	if b[0] != answerVersion || b[1]&^flagSynced != 0 {
		return clockAnswer{}, fmt.Errorf("gossip: answer to a probe: version %d, flags %#x", b[0], b[1])
	}
	micros := int64(binary.BigEndian.Uint64(b[2:]))
	if micros < 0 || micros > 1<<53 { // the year 2255
		return clockAnswer{}, fmt.Errorf("gossip: answer to a probe: time %d", micros)
	}
	return clockAnswer{time.UnixMicro(micros), b[1] == flagSynced}, nil
}

// AckPayload is this gate's clock, for the gate that probes it.
func (h *hooks) AckPayload() []byte {
	synced := h.node.options.Synchronised
	return clockAnswer{time.Now(), synced != nil && synced()}.encode()
}

// NotifyPingComplete notes a peer's clock. As with NTP, the answer is taken to
// have been on its way for half of the round trip.
func (h *hooks) NotifyPingComplete(other *memberlist.Node, rtt time.Duration, payload []byte) {
	now := time.Now()
	peer, ok := peerNamed(other.Name)
	if !ok || !h.active.Load() {
		return
	}
	answer, err := parseAnswer(payload)
	if err != nil {
		h.node.peers.refuse(peer, ReasonField)
		return
	}
	h.node.peers.with(peer, func(s *peerState) {
		s.heard = now
		s.clock = Clock{
			Measured: now, RoundTrip: rtt, Synchronised: answer.synced,
			Ahead: answer.time.Add(rtt / 2).Sub(now.Round(0)),
		}
	})
}

// Clock is a peer's clock as this gate measured it by probing.
type Clock struct {
	Measured     time.Time     // zero: never
	Ahead        time.Duration // of this gate's; right to half of RoundTrip
	RoundTrip    time.Duration
	Synchronised bool // by what its system says
}
