package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Central starts with nothing there, prints the page's address and the first
// password once, and commands reach it while it runs.
func TestCentral(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	start := func() (out *lineWriter, stop func()) {
		out = newLineWriter()
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			tl := &tool{in: strings.NewReader(""), out: out, err: io.Discard, now: time.Now}
			if code := tl.run(ctx, []string{"central", "--data", dir, "--listen", "127.0.0.1:0"}); code != exitOK {
				t.Errorf("exit code %d", code)
				close(out.lines)
			}
		})
		return out, func() { cancel(); wg.Wait() }
	}
	out, stop := start()
	admin, ok := strings.CutPrefix(out.next(), "admin: ")
	login := out.next()
	if !ok || !strings.HasPrefix(login, "first login, printed once: admin, password ") {
		t.Fatalf("printed %q", admin)
	}
	url := strings.TrimSuffix(admin, "/admin/")
	key := strings.TrimSpace(must(t, "central", "key", "--data", dir, "--role", "report"))
	var code struct{ Code, QR string }
	if err := json.Unmarshal([]byte(must(t, "central", "enrol-code", "--data", dir, "--gate", "1", "--json")), &code); err != nil {
		t.Fatal(err)
	}
	if code.QR != "VGE1 "+url+" "+code.Code {
		t.Errorf("QR text %q", code.QR)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/events/1/attendance", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("attendance: %d, %v", resp.StatusCode, err)
	}
	if r := run(t, "", "ticket", "issue", "--venue", dir); r.code != exitNo || !contains(r.err, "central is running") {
		t.Errorf("a command on the venue meanwhile: %d %s", r.code, r.err)
	}
	stop()
	// Stopped, the same commands work on the directory.
	if got := must(t, "central", "strike", "--data", dir, "1"); got != "gate 1 is struck off\n" {
		t.Errorf("strike: %q", got)
	}
	must(t, "ticket", "issue", "--venue", dir)
	if got := must(t, "central", "password", "--data", dir); !contains(got, "admin, password ") || contains(login, strings.TrimSpace(got[len("admin, password "):])) {
		t.Errorf("a new password: %q", got)
	}
	out, stop = start()
	if !strings.HasPrefix(out.next(), "admin: ") {
		t.Error("a second start prints no address")
	}
	stop()
	if len(out.lines) > 0 {
		t.Error("a second start prints a password")
	}
}

func TestCentralSeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	got := must(t, "central", "seed", "--data", dir, "--tickets", "25", "--venues", "2")
	if !contains(got, "venue-001: 13 tickets sold, version 2 with 13 tickets") || !contains(got, "venue-002: 12 tickets sold") {
		t.Error(got)
	}
	if got := must(t, "central", "seed", "--data", dir, "--tickets", "1"); !contains(got, "venue-001: 1 ticket sold, version 3 with 14 tickets") {
		t.Error(got)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"central", "seed", "--tickets", "1"}, exitUsage, "--data is missing"},
		{[]string{"central", "seed", "--data", dir, "--venues", "0"}, exitUsage, "--venues"},
		{[]string{"central", "enrol-code", "--data", dir}, exitUsage, "--gate is missing"},
		{[]string{"central", "enrol-code", "--data", dir, "--gate", "9", "--lane", "x"}, exitUsage, "--lane: want"},
		{[]string{"central", "enrol-code", "--data", dir, "--gate", "9"}, exitNo, "venue: want a decimal number"},
		{[]string{"central", "enrol-code", "--data", dir, "--gate", "9", "--venue", "2"}, exitNo, "name"},
		{[]string{"central", "strike", "--data", dir, "--venue", "1", "99"}, exitNo, "no such gate"},
		{[]string{"central", "strike", "--data", filepath.Join(dir, "none"), "1"}, exitNo, "no venue here"},
		{[]string{"central", "key", "--data", dir, "--role", "boss"}, exitNo, "role"},
		{[]string{"central", "--data", dir, "--tls-cert", "x"}, exitUsage, "belong together"},
	} {
		if r := run(t, "", c.args...); r.code != c.code || !contains(r.err, c.want) {
			t.Errorf("%v: %d %s; want %d %s", c.args, r.code, r.err, c.code, c.want)
		}
	}
}
