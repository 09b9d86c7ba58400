package uplink

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/venuegate/venuegate/gate/ledger"
)

type answering func() *http.Response

func (a answering) RoundTrip(*http.Request) (*http.Response, error) { return a(), nil }

type noLogs struct{}

func (noLogs) Vector() ledger.Vector { return nil }

func (noLogs) Range(ledger.Origin, uint64, uint64, int) ([]byte, uint64, error) {
	return nil, 0, errors.New("none")
}

// Whatever comes back, it is a vector of logs that are held here, the next
// sequence, or one of the errors that a person can read.
func FuzzAnswers(f *testing.F) {
	const js, problem = "application/json", "application/problem+json"
	f.Add(200, js, "", []byte(`{"logs":[{"gate":"7","epoch":"12","next":"346"},{"gate":"8","epoch":"1","next":"5","closed":"fork"}]}`))
	f.Add(200, js, "", []byte(`{"next":"346"}`))
	f.Add(409, problem, "", []byte(`{"type":"/v1/problems/fork","next":"7"}`))
	f.Add(409, problem, "", []byte(`{"type":"/v1/problems/gap","next":"7"}`))
	f.Add(422, problem, "", []byte(`{"title":"signature","detail":"record 3\u0007"}`))
	f.Add(503, "text/html", "120", []byte(`<html>`))
	f.Add(429, "text/plain", "Sun, 22 Nov 2026 18:00:00 GMT", []byte(nil))
	f.Add(302, "", "", []byte(nil))
	held := ledger.Origin{Gate: 7, Epoch: 12}
	f.Fuzz(func(t *testing.T, status int, kind, retry string, body []byte) {
		if status < 100 || status > 999 {
			return
		}
		client := &http.Client{Transport: answering(func() *http.Response {
			return &http.Response{
				StatusCode: status, Body: io.NopCloser(bytes.NewReader(body)),
				Header: http.Header{"Content-Type": {kind}, "Retry-After": {retry}, "Date": {"Sun, 22 Nov 2026 17:00:00 GMT"}},
			}
		})}
		u, err := New(Options{URL: "https://central.test", Client: client, Gate: 7, Logs: noLogs{}, Sign: func(string, string, []byte) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		at, err := u.vector(t.Context(), ledger.Vector{held: 400})
		check(t, err)
		for o, k := range at {
			if o != held || k.next == 0 || k.next > ledger.MaxSequence+1 {
				t.Fatalf("%v: %+v", o, k)
			}
		}
		got, err := u.post(t.Context(), held, 1, []byte("batch"))
		check(t, err)
		if err == nil && got.closed == "" && (got.next == 0 || got.next > ledger.MaxSequence+1) {
			t.Fatalf("%+v", got)
		}
	})
}

// check fails unless an error is nil or typed, and fit for one line.
func check(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var reach *ReachError
	var answer *AnswerError
	var refused *RefusedError
	var busy *BusyError
	if !errors.As(err, &reach) && !errors.As(err, &answer) && !errors.As(err, &refused) && !errors.As(err, &busy) {
		t.Fatalf("an untyped error: %v", err)
	}
	if errors.As(err, &busy) && (busy.After < 0 || busy.After > maxWait) {
		t.Fatalf("waits %v", busy.After)
	}
	for _, r := range err.Error() {
		if r < ' ' || r == 0x7f {
			t.Fatalf("control characters in %q", err)
		}
	}
}
