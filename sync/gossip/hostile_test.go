package gossip_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/venuegate/venuegate/sync/gossip"
	"github.com/venuegate/venuegate/sync/gossip/gossiptest"
)

// spy has the network key but no roster key: it speaks memberlist and sends
// what it likes.
type spy struct{ *memberlist.Memberlist }

func newSpy(t *testing.T, v *venue, key []byte) spy {
	transport, err := v.net.Open(at(200))
	if err != nil {
		t.Fatal(err)
	}
	c := memberlist.DefaultLANConfig()
	c.Name, c.Label, c.Transport, c.SecretKey, c.LogOutput = "200", "hall", transport, key, t.Output()
	c.EnableCompression = false
	list, err := memberlist.Create(c)
	if err != nil {
		t.Fatal(err)
	}
	return spy{list}
}

// send sends to gate 1 and waits until that has looked at it.
func (s spy) send(t *testing.T, b []byte) {
	s.post(t, b)
	time.Sleep(100 * time.Millisecond)
}

func (s spy) post(t *testing.T, b []byte) {
	t.Helper()
	const to = gossip.Peer(1)
	node := &memberlist.Node{Name: to.String(), Addr: at(to).Addr().AsSlice(), Port: at(to).Port()}
	send := s.SendBestEffort
	if len(b) > gossip.MaxDatagram {
		send = s.SendReliable
	}
	if err := send(node, b); err != nil {
		t.Fatal(err)
	}
}

func header(kind gossip.Kind, sender gossip.Peer, number uint64) []byte {
	b := []byte{gossip.Version, byte(kind)}
	b = binary.BigEndian.AppendUint32(b, uint32(sender))
	return binary.BigEndian.AppendUint64(b, number)
}

func stretch(o gossip.Origin, first, last uint64) []byte {
	b := binary.BigEndian.AppendUint32(nil, o.Gate)
	b = binary.BigEndian.AppendUint32(b, o.Epoch)
	b = binary.BigEndian.AppendUint64(b, first)
	return binary.BigEndian.AppendUint64(b, last)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestRefusals(t *testing.T) {
	two := gossip.Origin{Gate: 2, Epoch: 1}
	records := func(first, last uint64) []byte {
		logs := gossiptest.NewLogs()
		logs.Append(two, 10)
		chunk, _, err := logs.Range(two, first, last, 4096)
		if err != nil {
			t.Fatal(err)
		}
		return chunk
	}
	good := join(header(gossip.KindRecords, 2, 7), stretch(two, 1, 3), records(1, 3))
	cases := []struct {
		name   string
		packet []byte
		reason gossip.Reason
	}{
		{"random bytes", []byte("\x01\x09the rest is of no matter at all"), gossip.ReasonKind},
		{"nothing", []byte{1}, gossip.ReasonShort},
		{"another version", append([]byte{9}, good[1:]...), gossip.ReasonVersion},
		{"a stranger", join(header(gossip.KindRecords, 200, 1), stretch(two, 1, 3), records(1, 3)), gossip.ReasonStranger},
		{"the gate itself", join(header(gossip.KindRecords, 1, 1), stretch(two, 1, 3), records(1, 3)), gossip.ReasonSelf},
		{"the log of nobody", join(header(gossip.KindRecords, 2, 2), stretch(gossip.Origin{Gate: 5000, Epoch: 1}, 1, 3), records(1, 3)), gossip.ReasonOrigin},
		{"no epoch", join(header(gossip.KindRecords, 2, 3), stretch(gossip.Origin{Gate: 2}, 1, 3), records(1, 3)), gossip.ReasonField},
		{"a sequence beyond all", join(header(gossip.KindRecords, 2, 4), stretch(two, 1, 1<<40), records(1, 3)), gossip.ReasonField},
		{"forged records", join(header(gossip.KindRecords, 2, 5), stretch(two, 1, 3), bytes.Repeat([]byte{7}, 3*gossiptest.RecordSize+112)), gossip.ReasonSignature},
		{"records of elsewhere", join(header(gossip.KindRecords, 2, 6), stretch(two, 1, 3), records(4, 6)), gossip.ReasonSignature},
		{"a range that nobody asked for", join(header(gossip.KindRange, 2, 8), stretch(two, 1, 10), records(1, 10)), gossip.ReasonUnasked},
		{"a range without bounds", join(header(gossip.KindRange, 2, 9), stretch(two, 1, 10), make([]byte, 300<<10)), gossip.ReasonOversized},
		{"a datagram's kind in a stream", join(header(gossip.KindRecords, 2, 10), stretch(two, 1, 10), make([]byte, 2000)), gossip.ReasonOversized},
	}
	inVenue(t, 2, func(t *testing.T, v *venue) {
		s := newSpy(t, v, firstKey)
		g := v.gates[1]
		for _, c := range cases {
			before := g.refused(c.reason)
			s.send(t, c.packet)
			if got := g.refused(c.reason) - before; got != 1 {
				t.Errorf("%s: counted %d times as %q: %v", c.name, got, c.reason, g.Snapshot().Refused)
			}
		}
		if got := g.logs.Last(two); got != 0 {
			t.Fatalf("%d records were taken", got)
		}
		for i, want := range []gossip.Reason{"", gossip.ReasonReplayed} {
			before := g.refused(gossip.ReasonReplayed)
			s.send(t, good)
			if got := g.refused(gossip.ReasonReplayed) - before; got != uint64(i) {
				t.Errorf("time %d: replayed %d times, want %q", i, got, want)
			}
		}
		binary.BigEndian.PutUint64(good[6:], 99) // another packet with the same records
		s.send(t, good)
		if g.refused(gossip.ReasonKnown) != 1 {
			t.Errorf("records that are held: %v", g.Snapshot().Refused)
		}
		if got := g.logs.Last(two); got != 3 {
			t.Errorf("%d records were taken, want the good packet's 3", got)
		}
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
}

// Membership takes only gates that the roster has signed for.
func TestForgedMembership(t *testing.T) {
	inVenue(t, 2, func(t *testing.T, v *venue) {
		s := newSpy(t, v, firstKey)
		v.list.Set(200, at(200)) // even listed: its word about itself is not signed
		time.Sleep(3 * time.Second)
		if _, err := s.Join([]string{at(1).String()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if v.gates[1].Alive(200) || v.gates[2].Alive(200) {
			t.Error("a gate without a signature was taken for one")
		}
		if v.gates[1].refused(gossip.ReasonMeta) == 0 {
			t.Error("it was not counted")
		}
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
}

// Whoever has no key, or the label of another venue, gets nowhere near.
func TestOutsiders(t *testing.T) {
	inVenue(t, 2, func(t *testing.T, v *venue) {
		g := v.gates[1]
		s := newSpy(t, v, bytes.Repeat([]byte{3}, 32))
		s.send(t, header(gossip.KindHead, 2, 1))
		if g.refused(gossip.ReasonKey) == 0 {
			t.Error("a packet under another key was not counted")
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			b := make([]byte, 1+r.IntN(3000))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			v.net.Inject(b, at(200), at(1))
		}
		time.Sleep(time.Second)
		if got := g.refused(gossip.ReasonLabel) + g.refused(gossip.ReasonOversized) + g.refused(gossip.ReasonKey); got < 490 {
			t.Errorf("%d of 500 random packets were counted: %v", got, g.Snapshot().Refused)
		}
		v.write(2, 5)
		v.levelWithin(time.Second)
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
}

// Claims of records that do not exist, and records that never come to their
// turn, cost no more than their bounds.
func TestBoundedMemory(t *testing.T) {
	inVenue(t, 2, func(t *testing.T, v *venue) {
		s := newSpy(t, v, firstKey)
		g := v.gates[1]
		number := uint64(0)
		for epoch := range uint32(5000) {
			number++
			chunk := bytes.Repeat([]byte{byte(epoch)}, 1200)
			b := join(header(gossip.KindRecords, 2, number), stretch(gossip.Origin{Gate: 2, Epoch: 1 + epoch}, 100, 101), chunk)
			s.post(t, b)
			if epoch%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(50 * time.Millisecond)
		snap := g.Snapshot()
		if snap.Held > 1<<20 || snap.Held == 0 {
			t.Errorf("%d bytes wait for what is before them", snap.Held)
		}
		if snap.Fetching > 1024 || snap.Fetching == 0 {
			t.Errorf("%d logs are being fetched", snap.Fetching)
		}
		if snap.Refused[gossip.ReasonFull] == 0 {
			t.Error("what had no room was not counted")
		}
		v.write(2, 10) // epoch 1, which the forger spoke about too
		v.levelWithin(5 * time.Second)
		v.within(30*time.Second, "the forger's word is forgotten", func() bool { return g.Snapshot().Fetching == 0 })
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
}

// Somebody with the network key says in the others' names that all logs go on
// for ever. What they truly hold comes through.
func TestLiesDoNotStarve(t *testing.T) {
	inVenue(t, 3, func(t *testing.T, v *venue) {
		s := newSpy(t, v, firstKey)
		v.stop(1)
		v.write(2, 50_000)
		v.write(3, 50_000)
		v.start(1, gossiptest.NewLogs(), nil)
		number := uint64(0)
		lie := func() {
			for gate := byte(2); gate <= 3; gate++ {
				for epoch := byte(1); epoch <= 100; epoch++ {
					number++
					end := []byte{gate, epoch, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f} // 2^40 - 1
					s.post(t, join(header(gossip.KindHead, gossip.Peer(gate), number), end))
				}
			}
		}
		v.net.Split(addresses(1), addresses(2, 3))
		time.Sleep(2 * time.Second)
		lie()
		time.Sleep(10 * time.Millisecond)
		if snap := v.gates[1].Snapshot(); snap.Fetching < 100 {
			t.Fatalf("the lies were not heard: %d logs are being fetched, refused %v", snap.Fetching, snap.Refused)
		}
		v.net.Heal()
		v.net.SetFaults(gossiptest.Faults{Delay: 5 * time.Millisecond, Jitter: time.Millisecond})
		start := time.Now()
		for v.missing() > 0 {
			if time.Since(start) > 30*time.Second {
				t.Fatalf("%d records are missing", v.missing())
			}
			lie()
			time.Sleep(20 * time.Millisecond)
		}
		t.Logf("level after %v", time.Since(start))
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	})
}
