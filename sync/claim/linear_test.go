package claim_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/venuegate/venuegate/gate"
)

// asked is one operation on a ticket that lets in one person at a time.
type asked struct {
	ticket gate.TicketID
	id     int  // of the claim
	frees  bool // it ends the claim: an exit, or given back
}

type outcome int

const (
	isGranted outcome = iota
	isRefused
	isUnknown
)

// oneAtATime is what keepers promise: between them a claim is granted only
// while nobody holds the ticket, and refused only while somebody does. A claim
// without an answer may have been granted or not.
func oneAtATime() porcupine.Model {
	return (&porcupine.NondeterministicModel{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			by := map[gate.TicketID][]porcupine.Operation{}
			for _, o := range history {
				t := o.Input.(asked).ticket
				by[t] = append(by[t], o)
			}
			var out [][]porcupine.Operation
			for _, h := range by {
				out = append(out, h)
			}
			return out
		},
		Init: func() []any { return []any{0} },
		Step: func(state, input, output any) []any {
			holder, in := state.(int), input.(asked)
			switch {
			case in.frees && holder == in.id:
				return []any{0}
			case in.frees:
				return []any{holder}
			case output.(outcome) == isGranted && holder == 0:
				return []any{in.id}
			case output.(outcome) == isRefused && holder != 0:
				return []any{holder}
			case output.(outcome) == isUnknown && holder == 0:
				return []any{in.id, 0}
			case output.(outcome) == isUnknown:
				return []any{holder}
			}
			return nil
		},
		Equal: func(a, b any) bool { return a == b },
	}).ToModel()
}

// Claims stay linearisable while links break one way or both, the leader falls
// silent and keepers come and go.
func TestLinearisable(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				history := faultRun(t, seed)
				if len(history) < 500 {
					t.Errorf("only %d operations", len(history))
				}
				if r := porcupine.CheckOperationsTimeout(oneAtATime(), history, 0); r != porcupine.Ok {
					t.Errorf("the history of %d operations is %v", len(history), r)
				}
			})
		})
	}
}

func faultRun(t *testing.T, seed uint64) []porcupine.Operation {
	v := newVenue(t, 5, 3)
	v.wires.delay = 2 * time.Millisecond
	v.start()
	defer v.stop()
	v.ready()
	began := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	ids := 0
	note := func(client int, call time.Time, in asked, out outcome, end int64) {
		mu.Lock()
		defer mu.Unlock()
		history = append(history, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call.Sub(began).Nanoseconds(), Return: end})
	}
	const never = int64(1) << 62
	over := make(chan struct{})
	var lanes sync.WaitGroup
	for lane := range 8 {
		random := rand.New(rand.NewPCG(seed, uint64(lane)))
		b := v.gates[gate.GateID(4+lane%2)]
		lanes.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-over:
					return
				case <-time.After(time.Duration(random.IntN(200)) * time.Millisecond):
				}
				mu.Lock()
				ids++
				id := ids
				mu.Unlock()
				in := asked{ticket: gate.TicketID(1 + random.IntN(6)), id: id}
				call := time.Now()
				a, err := b.node.Claim(t.Context(), unlimited(in.ticket))
				end := time.Since(began).Nanoseconds()
				free := asked{ticket: in.ticket, id: id, frees: true}
				switch {
				case err != nil:
					note(lane, call, in, isUnknown, never)
					note(lane+100, time.Now(), free, 0, never)
				case !a.Granted:
					note(lane, call, in, isRefused, end)
				default:
					note(lane, call, in, isGranted, end)
					time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
					freed := time.Now()
					if random.IntN(3) == 0 {
						b.node.Release(a.Request)
					} else {
						at := b.write(grantOf(unlimited(in.ticket), a.Request, 0))
						b.node.Settle(a.Request)
						time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
						freed = time.Now()
						r := exitOf(unlimited(in.ticket))
						r.Ref = at
						b.leave(r)
					}
					note(lane+100, freed, free, 0, never)
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(seed, 99))
	for range 12 {
		a, c := gate.GateID(1+random.IntN(5)), gate.GateID(1+random.IntN(5))
		switch random.IntN(4) {
		case 0:
			v.wires.cut(a, c, true)
			time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
			v.wires.cut(a, c, false)
		case 1:
			v.wires.both(a, c, true)
			time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
			v.wires.both(a, c, false)
		case 2:
			if l := v.leader(); l != nil {
				l.stop()
				time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
				l.start()
			}
		default:
			for id := gate.GateID(1); id <= 5; id++ {
				if id != a {
					v.wires.both(a, id, true)
				}
			}
			time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
			for id := gate.GateID(1); id <= 5; id++ {
				v.wires.both(a, id, false)
			}
		}
		time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
	}
	v.ready()
	close(over)
	lanes.Wait()
	v.settled()
	// Nothing is stranded: every ticket can be had again.
	for ticket := gate.TicketID(1); ticket <= 6; ticket++ {
		granted(t, v.gates[5], unlimited(ticket))
	}
	return history
}
