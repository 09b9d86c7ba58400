package appliance

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/venuegate/venuegate/sync/gossip"
)

// A new key of the network is understood at once, used a little later, and the
// one before is gone a little after that, the very first one too.
func TestNetworkKeysTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, fresh := bytes.Repeat([]byte{1}, gossip.KeySize), bytes.Repeat([]byte{2}, gossip.KeySize)
		ring, err := gossip.NewKeys(old)
		if err != nil {
			t.Fatal(err)
		}
		c := &cluster{
			fresh: make(chan [][]byte, 1), log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			problem: func(err error) { t.Errorf("problem: %v", err) },
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.turnKeys(ctx, ring, [][]byte{old}); close(ended) }()
		c.setKeys([][]byte{fresh})
		synctest.Wait()
		if n := ring.Len(); n != 2 {
			t.Errorf("%d keys are understood at once, want both", n)
		}
		time.Sleep(pauseOfKeys + time.Second)
		synctest.Wait()
		if err := ring.Remove(fresh); err == nil {
			t.Error("the new key is not in use")
		}
		time.Sleep(pauseOfKeys)
		synctest.Wait()
		if n := ring.Len(); n != 1 {
			t.Errorf("%d keys are left, want the new one", n)
		}
		cancel()
		<-ended
	})
}
