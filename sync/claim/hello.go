package claim

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// What a connection is for: its first byte.
const (
	connRaft   = 'R'
	connClient = 'C'
)

// generation and id of a cluster; a higher generation was seeded by hand after
// the one before had lost its state.
type cluster struct {
	Generation uint32
	ID         clusterID
}

func (c cluster) isZero() bool { return c == cluster{} }

// hello is the first message on a connection, and welcome the answer.
type hello struct {
	kind    byte
	self    Server
	cluster cluster // what the caller remembers; zero: none
}

const helloSize = 1 + 1 + 8 + 4 + 32

func (h *hello) bytes() []byte {
	b := append(make([]byte, 0, helloSize), h.kind, Version)
	b = appendServer(b, h.self)
	return appendCluster(b, h.cluster)
}

func appendServer(b []byte, s Server) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(s.Gate))
	return binary.BigEndian.AppendUint32(b, s.Incarnation)
}

func appendCluster(b []byte, c cluster) []byte {
	return append(binary.BigEndian.AppendUint32(b, c.Generation), c.ID[:]...)
}

func (r *reader) cluster() cluster {
	c := cluster{Generation: uint32(r.u32("generation", 0, 1<<32-1))}
	copy(c.ID[:], r.take("cluster", len(c.ID)))
	return c
}

func parseHello(b []byte) (hello, error) {
	r := reader{b: b}
	h := hello{kind: byte(r.u8("kind", 0, 255))}
	if h.kind != connRaft && h.kind != connClient {
		r.at = 0
		r.fail("kind", "%d is neither Raft nor client", h.kind)
	}
	r.version()
	h.self = r.server("caller")
	h.cluster = r.cluster()
	return h, r.end()
}

// Flags of a welcome.
const (
	isMember    = 1 << iota // takes part in the cluster
	ledgerEmpty             // holds no grant, exit or void
	isReady                 // the state is not known to be lost
	isRefused               // the connection is closed after this
)

// welcome is what a gate says about itself: as the answer to a hello, and
// afterwards whenever it changes and every second.
type welcome struct {
	flags   byte
	self    Server
	cluster cluster
	lead    leadership
	applied uint64 // index of the log
}

const welcomeSize = 1 + 1 + 8 + 36 + 16 + 8

func (w *welcome) has(flag byte) bool { return w.flags&flag != 0 }

func (w *welcome) bytes() []byte {
	b := append(make([]byte, 0, welcomeSize), Version, w.flags)
	b = appendCluster(appendServer(b, w.self), w.cluster)
	b = w.lead.append(b)
	return binary.BigEndian.AppendUint64(b, w.applied)
}

func parseWelcome(b []byte) (welcome, error) {
	r := reader{b: b}
	r.version()
	w := welcome{flags: byte(r.u8("flags", 0, 15)), self: r.server("keeper"), cluster: r.cluster(), lead: r.leadership()}
	w.applied = r.u64("applied", 0, 1<<64-1)
	return w, r.end()
}

// The types of frames that follow hello and welcome.
const (
	frameRequest   = 1 // gate to keeper: a signed request
	frameAnswer    = 2 // keeper to gate
	frameWelcome   = 3 // keeper to gate: something has changed
	frameStanding  = 4 // gate to keeper: what is known of these logs? and the answer
	frameTake      = 5 // keeper to keeper: take part in this cluster; answered by a welcome
	frameForward   = 6 // keeper to leader: a number, and a gate's request
	frameForwarded = 7 // leader to keeper: the number, and the answer
)

func writeFrame(w io.Writer, kind byte, body []byte) error {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 5+len(body)), uint32(1+len(body)))
	_, err := w.Write(append(append(b, kind), body...))
	return err
}

func readFrame(r io.Reader, most int) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 1 || n > uint32(most) {
		return 0, nil, &MessageError{"length", 0, fmt.Sprintf("%d is not within 1 to %d", n, most)}
	}
	body = make([]byte, n-1)
	_, err = io.ReadFull(r, body)
	return head[4], body, err
}

// question asks for the standing of some logs.
type question struct {
	number uint64
	self   bool // all logs of the gate that asks, and its open claims
	logs   []ledger.Origin
}

const maxAsked = 256

func (q *question) bytes() []byte {
	be := binary.BigEndian
	b := be.AppendUint64([]byte{Version}, q.number)
	if q.self {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = be.AppendUint16(b, uint16(len(q.logs)))
	for _, o := range q.logs {
		b = be.AppendUint32(be.AppendUint32(b, uint32(o.Gate)), o.Epoch)
	}
	return b
}

func parseQuestion(b []byte) (question, error) {
	r := reader{b: b}
	r.version()
	q := question{number: r.u64("number", 0, 1<<64-1), self: r.u8("self", 0, 1) == 1}
	for range r.u16("logs", maxAsked) {
		if r.err != nil {
			break
		}
		q.logs = append(q.logs, ledger.Origin{
			Gate: gate.GateID(r.u32("log's gate", 1, 1<<32-1)), Epoch: uint32(r.u32("log's epoch", 1, 1<<32-1)),
		})
	}
	return q, r.end()
}

// helloTime is how long either side waits for the other's first message.
const helloTime = time.Second
