package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/sync/uplink"
)

// controlled answers on the control socket of a data directory, as a gate does.
func controlled(t *testing.T, h http.HandlerFunc) (data string) {
	t.Helper()
	data, err := os.MkdirTemp("", "vg") //nolint:usetesting // a socket has a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	l, err := net.Listen("unix", appliance.ControlSocket(data))
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
	return data
}

func TestUplinkStatus(t *testing.T) {
	eta := int64(118)
	status := uplink.Status{
		State: uplink.Sending, Pending: 17632, Acked: 12480, ETASeconds: &eta, Rate: 149.4,
		Since: time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC), Text: "12 480 of 30 112 records, about 2 min",
	}
	data := controlled(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/uplink" {
			t.Errorf("asked %s %s", r.Method, r.URL)
		}
		_ = json.NewEncoder(w).Encode(status)
	})
	if out := must(t, "uplink", "status", "--data", data); out != "12 480 of 30 112 records, about 2 min\n" {
		t.Errorf("printed %q", out)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(must(t, "uplink", "status", "--data", data, "--json")), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"pending": 17632.0, "acked": 12480.0, "last_error": "", "eta_seconds": 118.0, "state": "sending"} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}

	status.State, status.ETASeconds, status.Text = uplink.Waiting, nil, "12 480 of 30 112 records; waiting for central, next try in 4 min"
	status.LastError = "central does not answer: connection refused"
	status.PassedOver = []uplink.Skipped{{Gate: "8", Epoch: "3", Records: 1212, Why: "fork"}}
	r := runAt(t, time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC), "", "uplink", "status", "--data", data)
	want := `12 480 of 30 112 records; waiting for central, next try in 4 min
since 2026-11-22 18:00:00: central does not answer: connection refused
gate 8, epoch 3: 1 212 records stay here: fork
`
	if r.code != exitOK || r.out != want {
		t.Errorf("printed %q %s", r.out, r.err)
	}
}

func TestUplinkStatusRefuses(t *testing.T) {
	reply := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, status) }
	}
	for name, c := range map[string]struct {
		data, says string
	}{
		"no gate":         {t.TempDir(), "Is venuegated running"},
		"no central":      {controlled(t, reply(http.StatusNotFound, "none")), "sends to no central"},
		"in trouble":      {controlled(t, reply(http.StatusInternalServerError, "x")), "answers with 500"},
		"another version": {controlled(t, reply(http.StatusOK, "<html>")), "another version"},
	} {
		r := run(t, "", "uplink", "status", "--data", c.data)
		if r.code != exitNo || r.out != "" || !contains(r.err, c.says) {
			t.Errorf("%s: %d %s%s", name, r.code, r.out, r.err)
		}
	}
	if r := run(t, "", "uplink", "status"); r.code != exitUsage {
		t.Errorf("no directory: %d", r.code)
	}
}
