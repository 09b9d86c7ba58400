package pack_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/sync/pack"
)

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-9/10", "bytes 5-9/10", "bytes 9-5/10", "bytes 0-9/*", "bytes */10", "bytes 0-9/9", "items 0-1/2", "bytes 0-99999999999999999999/1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, last, total, ok := pack.ParseContentRange(s)
		if ok && (first < 0 || first > last || last >= total) {
			t.Errorf("%q is %d-%d/%d", s, first, last, total)
		}
		if again := fmt.Sprintf("bytes %d-%d/%d", first, last, total); ok && len(again) == len(s) && again != s {
			t.Errorf("%q reads as %q", s, again)
		}
	})
}

func FuzzPart(f *testing.F) {
	for _, s := range []string{"\"etag\"\ndata", "W/\"weak\"\ndata", "\"etag\"\n", "data", "\"a\"b\"\nx", "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		etag, data := pack.ParsePart(raw)
		if (etag == "") != (len(data) == 0) || etag != pack.StrongETag(etag) || strings.ContainsAny(etag, "\r\n") {
			t.Errorf("%q: ETag %q, %d bytes", raw, etag, len(data))
		}
		if etag != "" && etag+"\n"+string(data) != string(raw) {
			t.Errorf("%q: ETag %q, %q", raw, etag, data)
		}
	})
}

// A name that is a repository's file leads nowhere else.
func FuzzName(f *testing.F) {
	sum := strings.Repeat("0a", 32)
	for _, s := range []string{
		"metadata/timestamp.json", "metadata/1.root.json", "metadata/01.root.json", "metadata/0.root.json", "metadata/-1.root.json",
		"metadata/9223372036854775808.root.json", "metadata/1.roots.json", "metadata/../x", "targets/" + sum + ".venue.json",
		"targets/event/1/tickets/" + sum + ".00000000000000000000", "targets/../" + sum + ".x", "targets//" + sum + ".x",
		"targets/" + strings.ToUpper(sum) + ".x", "targets/" + sum, "targets/" + sum + ".", "targets/a\\b/" + sum + ".x", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		role, version, sum, ok := pack.ParseName(name)
		if !ok {
			return
		}
		if !fs.ValidPath(name) || strings.ContainsAny(name, "\\%?#: ") || strings.Contains(name, "/.") || len(name) > 255 {
			t.Errorf("%q is taken for a repository's file", name)
		}
		if (role == "") != (len(sum) == 32) || version < 0 {
			t.Errorf("%q: role %q, version %d, hash %x", name, role, version, sum)
		}
	})
}

// Whatever a way says it has, it is a claim or an error.
func FuzzClaim(f *testing.F) {
	root, stamp := samples(f)
	f.Add(stamp)
	for _, s := range []string{
		"", "{}", "null", `{"signed":{"_type":"timestamp"},"signatures":null}`, `{"signed":null,"signatures":[]}`,
		`{"signed":{"_type":"timestamp","version":1,"spec_version":"1.0.31","expires":"2026-11-20T08:00:00Z","meta":{"snapshot.json":null}},"signatures":[]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		number, snapshot, signed, err := pack.ReadClaim(data, root)
		if err == nil && (number <= 0 || snapshot <= 0) {
			t.Errorf("version %d of snapshot %d", number, snapshot)
		}
		if signed && number != 1 {
			t.Errorf("version %d is signed", number)
		}
	})
}

// Pauses grow, never beyond their bound, a server's own wish counts, and one
// good answer ends it.
func TestResting(t *testing.T) {
	for state, longest := range map[pack.State]time.Duration{
		pack.StateTampered: 10 * time.Minute, pack.StateUnreachable: 30 * time.Second, pack.StateRefused: 2 * time.Minute,
	} {
		r, at, why := pack.NewResting(), now, errors.New("why")
		var last time.Duration
		for range 20 {
			until := r.Failed("a", state, why, at)
			last = until.Sub(at)
			if last <= 0 || last > longest*3/2 { // jitter is half
				t.Errorf("%s: rests %s", state, last)
			}
			if until, got := r.Of("a", at.Add(last-1)); !errors.Is(got, why) || until.IsZero() {
				t.Errorf("%s: does not rest: %v", state, got)
			}
			at = until
			if _, got := r.Of("a", at); got != nil {
				t.Errorf("%s: rests too long: %v", state, got)
			}
		}
		if last < longest/2 {
			t.Errorf("%s: after twenty times it rests only %s", state, last)
		}
		if _, got := r.Of("b", now); got != nil {
			t.Errorf("%s: another way rests too", state)
		}
		r.Failed("a", state, why, at)
		r.Good("a")
		if _, got := r.Of("a", at); got != nil {
			t.Errorf("%s: rests after it was good", state)
		}
	}
	r := pack.NewResting()
	busy := &pack.HTTPError{Status: 503, RetryAfter: 5 * time.Minute}
	if until := r.Failed("a", pack.StateUnreachable, busy, now); until.Sub(now) != 5*time.Minute {
		t.Errorf("asked for five minutes, rests %s", until.Sub(now))
	}
	// A way that was not asked for some time is not good because of that.
	r.Forget(now.Add(time.Minute))
	if _, got := r.Of("a", now.Add(time.Minute)); got == nil {
		t.Error("forgotten while it rests")
	}
	first := r.Failed("b", pack.StateTampered, busy, now)
	r.Forget(first.Add(2 * time.Hour))
	if _, got := r.Of("b", now); got != nil {
		t.Error("remembered for ever")
	}
}
