package uplink_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/uplink"
)

// A relay gate brings a million records of ten gates to a central that checks
// every one, over a socket. The floor is 20 000 records/s; it includes the
// seconds in which a relay waits for somebody else to do it.
func BenchmarkMillionRecords(b *testing.B) {
	const gates, each = 10, 100_000
	self := newBox(b, 1)
	var logs []*log
	boxes := []*box{self}
	for i := range gates {
		g := newBox(b, gate.GateID(10+i))
		l := g.log(1)
		l.add(b, each)
		boxes, logs = append(boxes, g), append(logs, l)
	}
	for b.Loop() {
		c := newCentral(boxes...)
		c.keep = false
		server := httptest.NewServer(c)
		u, err := uplink.New(uplink.Options{
			URL: server.URL, Gate: self.id, Logs: newShelf(logs...),
			Sign: func(method, target string, body []byte) string {
				return keyring.SignCall(self.key, uint32(self.id), method, target, time.Now(), body)
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			u.Run(ctx)
		}()
		began := time.Now()
		for u.Status().Acked < gates*each {
			time.Sleep(50 * time.Millisecond)
		}
		took := time.Since(began)
		cancel()
		<-done
		server.Close()
		b.ReportMetric(gates*each/took.Seconds(), "records/s")
		b.ReportMetric(float64(c.seen().bytes)/(gates*each), "bytes/record")
	}
}
