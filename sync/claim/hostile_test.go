package claim_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// stranger is somebody on the network who speaks bytes.
type stranger struct {
	t    *testing.T
	conn net.Conn
}

func (v *venue) stranger(t *testing.T, as, to gate.GateID) *stranger {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	conn, err := v.wires.port(as).Dial(ctx, to)
	if err != nil {
		t.Fatal(err)
	}
	return &stranger{t, conn}
}

// hangsUp expects the other side to hang up.
func (s *stranger) hangsUp() {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := io.Copy(io.Discard, s.conn)
	if err != nil {
		s.t.Errorf("they listen on after %d bytes: %v", n, err)
	}
}

func helloOf(kind byte, as gate.GateID) []byte {
	b := binary.BigEndian.AppendUint32([]byte{kind, 1}, uint32(as))
	return append(binary.BigEndian.AppendUint32(b, 1), make([]byte, 36)...)
}

func frameOf(kind byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
	return append(append(b, kind), body...)
}

// Whoever sends what no gate sends is hung up on, counted, and changes nothing.
func TestStrangers(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		text, err := os.ReadFile("testdata/request.hex")
		if err != nil {
			t.Fatal(err)
		}
		request, err := hex.DecodeString(strings.TrimSpace(string(text))) // signed by another gate 7
		if err != nil {
			t.Fatal(err)
		}
		noise := make([]byte, 4096)
		_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
		noise[0] = 'X'
		lead := v.leader()
		for _, c := range []struct {
			name, reason string
			as           gate.GateID
			bytes        [][]byte
		}{
			{"noise", "hello", 50, [][]byte{noise}},
			{"another gate's name", "another gate's name", 50, [][]byte{helloOf('C', 4)}},
			{"not on the roster", "not on the roster", 500, [][]byte{helloOf('C', 500)}},
			{"no keeper speaks Raft", "another cluster", 50, [][]byte{helloOf('R', 50)}},
			{"a frame longer than any", "frame", 50, [][]byte{helloOf('C', 50), {0xff, 0xff, 0xff, 0xff, 1}}},
			{"a frame of no kind", "frame", 50, [][]byte{helloOf('C', 50), frameOf(99, nil)}},
			{"nonsense as a request", "request", 50, [][]byte{helloOf('C', 50), frameOf(1, bytes.Repeat([]byte{1}, 500))}},
			{"another gate's request", "another gate's request", 50, [][]byte{helloOf('C', 50), frameOf(1, request)}},
			{"a forged signature", "signature", 7, [][]byte{helloOf('C', 7), frameOf(1, request)}},
			{"passed on by no keeper", "forward", 7, [][]byte{helloOf('C', 7), frameOf(6, append(make([]byte, 8), request...))}},
			{"come along", "take", 7, [][]byte{helloOf('C', 7), frameOf(5, append([]byte{1, 0, 0, 0, 9}, make([]byte, 33)...))}},
			{"a question about too much", "question", 7, [][]byte{helloOf('C', 7), frameOf(4, bytes.Repeat([]byte{1}, 11))}},
		} {
			before := lead.node.State().Refused[c.reason]
			s := v.stranger(t, c.as, lead.id)
			for _, b := range c.bytes {
				if _, err := s.conn.Write(b); err != nil {
					t.Fatal(err)
				}
			}
			s.hangsUp()
			if n := lead.node.State().Refused[c.reason]; n != before+1 {
				t.Errorf("%s: %d times %q, want %d: %v", c.name, n, c.reason, before+1, lead.node.State().Refused)
			}
		}
		// Who says nothing is not waited for, and nobody may open much.
		silent := v.stranger(t, 50, lead.id)
		silent.hangsUp()
		var open []*stranger
		for range 40 {
			s := v.stranger(t, 50, lead.id)
			if _, err := s.conn.Write(helloOf('C', 50)); err != nil {
				break
			}
			open = append(open, s)
		}
		time.Sleep(100 * time.Millisecond)
		if n := lead.node.State().Refused["too many connections"]; n == 0 {
			t.Error("40 connections of one gate are all kept")
		}
		for _, s := range open {
			_ = s.conn.Close()
		}
		granted(t, v.gates[4], single(1))
		refused(t, v.gates[1], single(1))
	})
}

// A request that is heard again changes nothing and is answered as before.
func TestReplayedRequest(t *testing.T) {
	inVenue(t, 4, 3, func(t *testing.T, v *venue) {
		var sent [][]byte
		lead := v.leader()
		v.wires.listen(4, lead.id, func(b []byte) { sent = append(sent, bytes.Clone(b)) })
		a, err := v.gates[4].node.Claim(t.Context(), single(1))
		if err != nil || !a.Granted {
			t.Fatal(a, err)
		}
		v.gates[4].node.Release(a.Request)
		v.settled()
		v.wires.listen(4, lead.id, nil)
		granted(t, v.gates[1], single(1))
		v.gates[4].stop() // somebody with its key plays back what it said
		s := v.stranger(t, 4, lead.id)
		defer func() { _ = s.conn.Close() }()
		if _, err := s.conn.Write(helloOf('C', 4)); err != nil {
			t.Fatal(err)
		}
		for _, b := range sent {
			if _, err := s.conn.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		v.settled()
		refused(t, v.gates[2], single(1))
		if s := lead.node.State().Stranded; len(s) > 0 {
			t.Errorf("played back, a claim is open again: %+v", s)
		}
	})
}
