package server

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/pack"
)

// A gate's own programs understand central: it enrols with a code, and the
// repository that it then fetches is the one that it may trust.
func TestRealGate(t *testing.T) {
	f := newFixture(t)
	data := t.TempDir()
	code := f.invite(central.Invitation{Gate: 7, Name: "East", Lanes: []pack.Lane{lane(70)}})
	if _, err := enrol.Enrol(t.Context(), enrol.Options{URL: f.http.URL, Code: code, DataDir: data, Name: "box", Now: evening}); err != nil {
		t.Fatal(err)
	}
	self, err := keyring.LoadGate(filepath.Join(data, "identity.key"))
	f.check(err)
	way, err := pack.NewHTTP(pack.HTTPOptions{
		Base: f.http.URL + "/v1/repository/",
		Authorize: func(method, target string) string {
			return keyring.SignCall(self, 7, method, target, evening, nil)
		},
	})
	f.check(err)
	_, err = f.server.venues[0].office.PublishDocuments(t.Context(), evening)
	f.check(err)
	trust := filepath.Join(data, "trust")
	if _, err := os.Stat(trust); err != nil {
		t.Fatal(err)
	}
	repo, err := pack.Open(t.Context(), way, trust, evening)
	f.check(err)
	if len(repo.Venue.Gates) != 2 {
		t.Errorf("%d gates on the roster", len(repo.Venue.Gates))
	}
	if sealed, err := repo.Sealed(t.Context(), 7); err != nil || len(sealed) == 0 {
		t.Errorf("no keys for the gate: %v", err)
	}
}
