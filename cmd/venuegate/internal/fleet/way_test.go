package fleet_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/venuegate/venuegate/cmd/venuegate/internal/fleet"
)

// A way that is cut lets nobody through, not even on a connection that stood.
func TestWay(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "there") }))
	defer server.Close()
	way, err := fleet.NewWay(t.Context(), server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ask := func() (string, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, way.URL(), nil)
		if err != nil {
			return "", err
		}
		resp, err := client.Do(r)
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	if got, err := ask(); err != nil || got != "there" {
		t.Errorf("before: %q, %v", got, err)
	}
	way.Cut()
	if got, err := ask(); err == nil {
		t.Errorf("cut: %q", got)
	}
	way.Mend()
	if got, err := ask(); err != nil || got != "there" {
		t.Errorf("mended: %q, %v", got, err)
	}
	if err := way.Close(); err != nil {
		t.Error(err)
	}
	if got, err := ask(); err == nil {
		t.Errorf("closed: %q", got)
	}
}
