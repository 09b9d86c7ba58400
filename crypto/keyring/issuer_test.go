package keyring_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
)

const (
	hexA = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" // RFC 8032, test 1
	hexB = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c" // RFC 8032, test 2
)

func TestParseIssuers(t *testing.T) {
	const list = `[
		{"id": "7", "algorithm": "ed25519", "public": "` + hexA + `", "events": ["2026", "2027"],
		 "tickets": {"from": "1000", "to": "18446744073709551615"}, "not_after": "2026-12-31T16:00:00Z"},
		{"id": "0", "algorithm": "ed25519", "public": "` + hexB + `"}
	]`
	set, err := keyring.ParseIssuers([]byte(list))
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)
	seven, ok := set.IssuerKey(7)
	if !ok {
		t.Fatal("no key 7")
	}
	for _, c := range []struct {
		event  uint32
		ticket uint64
		want   bool
	}{
		{2026, 1000, true}, {2027, 1<<64 - 1, true}, {2028, 1000, false}, {2026, 999, false}, {0, 0, false},
	} {
		if got := seven.MaySign(c.event, c.ticket); got != c.want {
			t.Errorf("key 7 may sign event %d ticket %d: %v", c.event, c.ticket, got)
		}
	}
	if seven.Expired(end) || !seven.Expired(end.Add(time.Nanosecond)) {
		t.Error("not-after is the last good instant")
	}
	zero, ok := set.IssuerKey(0)
	if !ok || !zero.MaySign(9, 9) || zero.Expired(end.AddDate(1000, 0, 0)) {
		t.Error("key 0 is limited by nothing")
	}
	if _, ok := set.IssuerKey(8); ok {
		t.Error("a key that is not there was found")
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	again, err := keyring.ParseIssuers(data)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	second, err := json.Marshal(again)
	if err != nil || !bytes.Equal(data, second) {
		t.Errorf("changed on the way: %s, %v", second, err)
	}
}

func TestParseIssuersRefuses(t *testing.T) {
	key := func(fields string) string {
		return `[{"id": "7", "algorithm": "ed25519", "public": "` + hexA + `"` + fields + `}]`
	}
	for _, c := range []struct{ name, json, path string }{
		{"nothing", ``, "keys"},
		{"null", `null`, "keys"},
		{"an object", `{}`, "keys"},
		{"more after the list", `[] []`, "keys"},
		{"too many", "[" + strings.Repeat("{},", 1024) + "{}]", "keys"},
		{"a key that is a string", `["7"]`, "[0]"},
		{"a key that is null", `[null]`, "[0]"},
		{"no id", `[{"algorithm": "ed25519", "public": "` + hexA + `"}]`, "[0].id"},
		{"id as a number", strings.Replace(key(""), `"7"`, `7`, 1), "[0].id"},
		{"id null", strings.Replace(key(""), `"7"`, `null`, 1), "[0].id"},
		{"id too large", strings.Replace(key(""), `"7"`, `"65536"`, 1), "[0].id"},
		{"id with a leading zero", strings.Replace(key(""), `"7"`, `"07"`, 1), "[0].id"},
		{"id with a sign", strings.Replace(key(""), `"7"`, `"+7"`, 1), "[0].id"},
		{"another algorithm", strings.Replace(key(""), `ed25519`, `sm2`, 1), "[0].algorithm"},
		{"short public key", strings.Replace(key(""), hexA, hexA[:62], 1), "[0].public"},
		{"public key that is not hex", strings.Replace(key(""), hexA, "g"+hexA[1:], 1), "[0].public"},
		{"unknown field", key(`, "private": "x"`), "[0]"},
		{"field in another case", key(`, "Events": ["1"]`), "[0]"},
		{"field twice", key(`, "id": "8"`), "[0].id"},
		{"no events", key(`, "events": []`), "[0].events"},
		{"events null", key(`, "events": null`), "[0].events"},
		{"event as a number", key(`, "events": [1]`), "[0].events[0]"},
		{"event twice", key(`, "events": ["1", "1"]`), "[0].events[1]"},
		{"event too large", key(`, "events": ["4294967296"]`), "[0].events[0]"},
		{"range without an end", key(`, "tickets": {"from": "1"}`), "[0].tickets.to"},
		{"range the wrong way round", key(`, "tickets": {"from": "2", "to": "1"}`), "[0].tickets"},
		{"range null", key(`, "tickets": null`), "[0].tickets"},
		{"not a time", key(`, "not_after": "tomorrow"`), "[0].not_after"},
		{"the zero time, which would mean never", key(`, "not_after": "0001-01-01T00:00:00Z"`), "[0].not_after"},
		{"same id twice", strings.TrimSuffix(key(""), "]") + "," + strings.TrimPrefix(key(""), "["), "[1].id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := keyring.ParseIssuers([]byte(c.json))
			var f *keyring.FieldError
			if !errors.As(err, &f) {
				t.Fatalf("error %v, want *FieldError", err)
			}
			if f.Path != c.path {
				t.Errorf("%v, want it at %s", err, c.path)
			}
		})
	}
}

func TestParseKeyFlag(t *testing.T) {
	k, err := keyring.ParseKeyFlag("7=" + hexA)
	if err != nil {
		t.Fatal(err)
	}
	if k.ID != 7 || k.Events != nil || k.Tickets != nil || !k.NotAfter.IsZero() {
		t.Errorf("a bare key came with limits: %+v", k)
	}
	k, err = keyring.ParseKeyFlag("65535=" + strings.ToUpper(hexB) + ",event=1,event=2,tickets=5-9,not-after=2026-12-31T16:00:00+08:00")
	if err != nil {
		t.Fatal(err)
	}
	if !k.MaySign(2, 9) || k.MaySign(3, 9) || k.MaySign(2, 10) || !k.NotAfter.Equal(time.Date(2026, 12, 31, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("limits: %+v", k)
	}
	for _, c := range []struct{ name, text string }{
		{"empty", ""},
		{"no id", "=" + hexA},
		{"no key", "7="},
		{"no equals sign", "7"},
		{"id in hex", "0x7=" + hexA},
		{"id too large", "65536=" + hexA},
		{"key too short", "7=" + hexA[:63]},
		{"key too long", "7=" + hexA + "0"},
		{"key not hex", "7=" + strings.Repeat("z", 64)},
		{"trailing comma", "7=" + hexA + ","},
		{"unknown limit", "7=" + hexA + ",zone=1"},
		{"bad event", "7=" + hexA + ",event=x"},
		{"half a range", "7=" + hexA + ",tickets=5"},
		{"range the wrong way round", "7=" + hexA + ",tickets=9-5"},
		{"two ranges", "7=" + hexA + ",tickets=1-2,tickets=3-4"},
		{"bad time", "7=" + hexA + ",not-after=2026"},
	} {
		_, err := keyring.ParseKeyFlag(c.text)
		var f *keyring.FieldError
		if !errors.As(err, &f) {
			t.Errorf("%s: error %v, want *FieldError", c.name, err)
		} else if strings.Contains(err.Error(), hexA[:8]) {
			t.Errorf("%s: the error quotes the key", c.name)
		}
	}
}

// TestIssuersKeepTheirOwnCopy: what a caller does to its list afterwards does
// not reach the set that lanes read.
func TestIssuersKeepTheirOwnCopy(t *testing.T) {
	k, err := keyring.ParseKeyFlag("7=" + hexA + ",event=1,tickets=1-2")
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyring.NewIssuers(k)
	if err != nil {
		t.Fatal(err)
	}
	k.Public[0]++
	k.Events[0] = 99
	k.Tickets.To = 99
	got, _ := set.IssuerKey(7)
	if got.Public[0] == k.Public[0] || got.MaySign(99, 1) || got.MaySign(1, 99) {
		t.Error("the set changed with the caller's key")
	}
}

// FuzzParseIssuers: a list that is read is written as a list that reads the
// same.
func FuzzParseIssuers(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"id": "7", "algorithm": "ed25519", "public": "` + hexA + `", "events": ["1"], "tickets": {"from": "1", "to": "2"}, "not_after": "2026-12-31T16:00:00.5Z"}]`))
	f.Add([]byte(`[{"id": "7", "id": "8"}]`))
	f.Add([]byte(`[{"events": {}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := keyring.ParseIssuers(data)
		if err != nil {
			var field *keyring.FieldError
			if !errors.As(err, &field) {
				t.Fatalf("error %T", err)
			}
			return
		}
		first, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		again, err := keyring.ParseIssuers(first)
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		second, err := json.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%s became %s: %v", first, second, err)
		}
	})
}

// FuzzParseKeyFlag: a flag that is read makes a set.
func FuzzParseKeyFlag(f *testing.F) {
	f.Add("7=" + hexA)
	f.Add("7=" + hexA + ",event=1,tickets=1-2,not-after=2026-12-31T16:00:00Z")
	f.Add("7=" + hexA + ",event=")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := keyring.ParseKeyFlag(text)
		if err != nil {
			return
		}
		if _, err := keyring.NewIssuers(k); err != nil {
			t.Fatal(err)
		}
	})
}
