package uplink_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/crypto/keyring"
	office "github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/server"
	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/pack"
	"github.com/venuegate/venuegate/sync/uplink"
)

// A box is enrolled at the reference central by the text of its QR code, and its
// records arrive there, over real sockets: both sides speak the same protocol.
func TestEnrolledAndSentToTheReferenceCentral(t *testing.T) {
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first := newBox(t, 1)
	dir := filepath.Join(t.TempDir(), "venue")
	venue, event, err := office.Demo(time.Now(), first.key.Public())
	check(err)
	venues, err := office.Create(dir, venue, []*pack.Event{event}, rand.Reader)
	check(err)
	_, err = venues.Publish(t.Context(), time.Now())
	check(err)
	s, err := server.Open(server.Options{Dirs: []string{dir}, Now: time.Now, Random: rand.Reader, Log: zerolog.Nop()})
	check(err)
	front := httptest.NewUnstartedServer(s)
	front.Config.BaseContext = func(net.Listener) context.Context { return server.Local(t.Context()) }
	front.Start()
	t.Cleanup(func() {
		front.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})

	made, err := http.Post(front.URL+"/v1/enrolment-codes", "application/json", bytes.NewReader([]byte(
		`{"gate":"2","name":"North 2","addresses":["10.0.0.12:7946"]}`)))
	check(err)
	var code struct{ QR string }
	check(json.NewDecoder(made.Body).Decode(&code))
	check(made.Body.Close())
	invitation, err := enrol.Parse(code.QR)
	check(err)
	data := filepath.Join(t.TempDir(), "data")
	got, err := enrol.Enrol(t.Context(), enrol.Options{URL: invitation.URL, Code: invitation.Code, DataDir: data, Name: "box", Now: time.Now()})
	check(err)
	if got.Gate != 2 || got.Name != "North 2" || got.Events != 1 {
		t.Errorf("enrolled as %+v", got)
	}
	key, err := keyring.LoadGate(filepath.Join(data, "identity.key"))
	check(err)

	own := (&box{2, key}).log(1)
	own.add(t, 3000)
	others := first.log(4)
	others.add(t, 2000)
	u, err := uplink.New(uplink.Options{
		URL: invitation.URL, Gate: 2, Logs: newShelf(own, others),
		Sign: func(method, target string, body []byte) string {
			return keyring.SignCall(key, 2, method, target, time.Now(), body)
		},
	})
	check(err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { u.Run(ctx) })
	for u.Status().Acked < 5000 && ctx.Err() == nil {
		select { // real sockets: it takes as long as a relay holds back
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	if acked := u.Acked(); acked[own.origin] != 3000 || acked[others.origin] != 2000 {
		t.Errorf("acknowledged %v; %+v", acked, u.Status())
	}
	cancel()
	running.Wait()

	const target = "/v1/journals"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+target, nil)
	check(err)
	r.Header.Set("Authorization", keyring.SignCall(key, 2, r.Method, target, time.Now(), nil))
	answer, err := http.DefaultClient.Do(r)
	check(err)
	var list struct {
		Logs []struct{ Gate, Epoch, Next string }
	}
	check(json.NewDecoder(answer.Body).Decode(&list))
	check(answer.Body.Close())
	held := map[string]string{}
	for _, l := range list.Logs {
		held[l.Gate+"/"+l.Epoch] = l.Next
	}
	if held["2/1"] != "3001" || held["1/4"] != "2001" {
		t.Errorf("central holds %v, want %d and %d records", held, own.len(), others.len())
	}
}
