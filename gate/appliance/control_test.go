package appliance_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate/appliance"
)

func TestControlSocket(t *testing.T) {
	s := newSite(t)
	s.sell(1)
	s.setUp()
	s.plugIn()
	s.open()
	path := appliance.ControlSocket(s.data())
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		path string
		code int
		said string
	}{
		{"/lanes/1/end-fire", http.StatusNoContent, ""},
		{"/lanes/9/end-fire", http.StatusConflict, "there is no lane 9"},
		{"/lanes/x/end-fire", http.StatusBadRequest, "not a number"},
		{"/anything", http.StatusNotFound, "not found"},
	} {
		r, err := client.Post("http://gate"+c.path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if r.StatusCode != c.code || !strings.Contains(string(said), c.said) {
			t.Errorf("%s: %d %s", c.path, r.StatusCode, said)
		}
	}
}
