package enrol_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/enrol/enroltest"
)

func parseKeys(t *testing.T, text string) enrol.Keys {
	t.Helper()
	k, err := enrol.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseKeys(t *testing.T) {
	k := parseKeys(t, enroltest.Keys)
	if len(k.Network) != 1 || !k.Network[0].Use || len(k.Network[0].Key) != 32 ||
		hex.EncodeToString(k.Events[1].DocumentKey) != "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" || len(k.Events[1].CodeKey) != 16 {
		t.Error("the keys are not those that were sent")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d"} {
		if text := fmt.Sprintf(verb+verb, k, k.Events[1]); strings.Contains(text, "a0") || strings.Contains(text, "160") {
			t.Errorf("%s prints keys: %s", verb, text)
		}
	}
	for name, text := range map[string]string{
		"none at all":    `{}`,
		"without a code": `{"network":[],"events":{"4294967295":{"document_key":"","code_key":""}}}`,
		"with more":      `{"network":[],"events":{},"later":true}`,
	} {
		if _, err := enrol.ParseKeys([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := strings.Repeat("ab", 32)
	for name, text := range map[string]string{
		"empty":                     "",
		"HTML":                      "<html>",
		"a list":                    "[]",
		"two":                       "{}{}",
		"a short network key":       `{"network":[{"key":"abab","use":true}]}`,
		"not hex":                   `{"network":[{"key":"` + strings.Repeat("zz", 32) + `","use":true}]}`,
		"none for use":              `{"network":[{"key":"` + long + `","use":false}]}`,
		"two for use":               `{"network":[{"key":"` + long + `","use":true},{"key":"` + long + `","use":true}]}`,
		"event zero":                `{"events":{"0":{}}}`,
		"an event with a path":      `{"events":{"../1":{}}}`,
		"an event with zeros":       `{"events":{"01":{}}}`,
		"an event out of range":     `{"events":{"4294967296":{}}}`,
		"a short document key":      `{"events":{"1":{"document_key":"abab"}}}`,
		"a code key that is text":   `{"events":{"1":{"code_key":"correct horse"}}}`,
		"a code key that is a list": `{"events":{"1":{"code_key":[1]}}}`,
	} {
		_, err := enrol.ParseKeys([]byte(text))
		if !errors.Is(err, enrol.ErrKeys) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "abab") || strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: the error quotes a key: %v", name, err)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(enroltest.Keys))
	f.Add([]byte(`{"network":[],"events":{"1":{}}}`))
	f.Add([]byte(`{}{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := enrol.ParseKeys(b)
		if err != nil && !errors.Is(err, enrol.ErrKeys) {
			t.Fatalf("another error: %v", err)
		}
		if err == nil && k.Events == nil {
			t.Fatal("no map of events")
		}
	})
}

// Later keys replace earlier ones, and those of an event that is over go.
func TestKeepFollowsCentral(t *testing.T) {
	dir := t.TempDir()
	store, err := seal.OpenStore(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "somebody-elses", []byte("x")); err != nil {
		t.Fatal(err)
	}
	key := func(b string) string { return strings.Repeat(b, 16) }
	both := `{"network":[{"key":"` + key("01") + `","use":true}],"events":{"1":{"document_key":"` + key("aa") + `"},"2":{"document_key":"` + key("bb") + `"}}}`
	later := `{"network":[{"key":"` + key("01") + `","use":false},{"key":"` + key("02") + `","use":true}],"events":{"2":{"document_key":"` + key("cc") + `"}}}`
	for _, step := range []string{both, both, later} {
		want := parseKeys(t, step)
		if loose, err := want.Keep(t.Context(), store); err != nil || loose != nil {
			t.Fatal(loose, err)
		}
		got, err := enrol.LoadKeys(t.Context(), store)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("kept other keys than were given: %v", err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "1.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("keys of an event that is over are still there: %v", err)
	}
	if _, err := store.Get(t.Context(), "somebody-elses"); err != nil {
		t.Errorf("another secret: %v", err)
	}
	// A damaged one is missing, and the rest can be used.
	if err := os.WriteFile(filepath.Join(dir, "2.json"), []byte(`{"document_key":"zz"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := enrol.LoadKeys(t.Context(), store)
	if !errors.Is(err, enrol.ErrKeys) || len(got.Network) != 2 || len(got.Events) != 0 {
		t.Errorf("%d network keys, %d events, %v", len(got.Network), len(got.Events), err)
	}
	// Keep mends it.
	if _, err := parseKeys(t, later).Keep(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if got, err := enrol.LoadKeys(t.Context(), store); err != nil || len(got.Events[gate.EventID(2)].DocumentKey) != 16 {
		t.Errorf("not mended: %v", err)
	}
}
