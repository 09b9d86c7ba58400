package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/enrol/enroltest"
)

// boxText is a box with a reader, and no word on which gate it is.
const boxText = `
[gate]
data_dir = %q
[web]
listen = "127.0.0.1:0"
[[lane]]
[[lane.reader]]
name = "north code"
type = "serial"
path = %q
repeat = "10ms"
[lane.barrier]
type = "none"
`

// A box that is not enrolled says so on its page, takes its place with the code
// that is held up to its reader, and serves, all in one start.
func TestEnrolAtTheReader(t *testing.T) {
	office, err := enroltest.New()
	if err != nil {
		t.Fatal(err)
	}
	// Once it is enrolled the gate asks for packs and offers its records as well,
	// whenever it gets round to it; that is not what is tested here.
	central := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/enrolments" {
			http.Error(w, "not today", http.StatusServiceUnavailable)
			return
		}
		office.ServeHTTP(w, r)
	}))
	defer central.Close()
	b := newBox(t)
	data := filepath.Join(b.dir, "fresh")
	line := filepath.Join(b.dir, "line")
	scanner, err := hwtest.NewScanner(line)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = scanner.Close() }()
	if err := os.WriteFile(b.config, fmt.Appendf(nil, boxText, data, line), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := daemonCommand(t.Context(), "--check", "--config", b.config).CombinedOutput(); err != nil || !strings.Contains(string(out), "it will wait for an enrolment code") {
		t.Fatalf("%v: %s", err, out)
	}

	cmd := daemonCommand(t.Context(), "--config", b.config)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+filepath.Join(b.dir, "notify"))
	log := &safeBuffer{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.hear(t, "STATUS=waits for an enrolment code")
	b.hear(t, "WATCHDOG=1")
	page := log.await(t, regexp.MustCompile(`"page":"(http://[^"]*)"`))
	awaitPage(t, page, "north code: ready")
	if got := get(t, page+"readyz"); !strings.Contains(got, "not_enrolled") {
		t.Errorf("readyz: %s", got)
	}

	// What is no enrolment is passed over, and a wrong code is shown and leaves
	// the box waiting.
	hold := func(text string) {
		if err := scanner.Scan(text); err != nil {
			t.Fatal(err)
		}
	}
	hold("VG1:ANY-TICKET")
	hold("VGE1 " + central.URL + " AAAAAAAAAAAAAAAA")
	awaitPage(t, page, "central does not know this code")
	hold("VGE1 " + central.URL + " " + enroltest.Code)
	log.await(t, regexp.MustCompile(`"gate":7.*"(enrolled)"`))
	log.await(t, regexp.MustCompile(`"gate":"North 3".*gate is open for (business)`))
	if place, err := enrol.Load(data); err != nil || place.Gate != 7 || place.Incarnation != 2 {
		t.Errorf("enrolled as %+v, %v", place, err)
	}
	if _, wrong := office.Calls(); len(wrong) > 0 {
		t.Errorf("central was sent what it should not be: %v", wrong)
	}
	for _, code := range []string{enroltest.Code, "AAAAAAAAAAAAAAAA"} {
		if strings.Contains(log.String(), code) {
			t.Error("a code is in the log")
		}
	}
	signalTo(t, cmd, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the daemon ended with %v:\n%s", err, log.String())
	}

	// Another number in the configuration is another box's.
	text, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.config, bytes.Replace(text, []byte("[gate]\n"), []byte("[gate]\nid = 5\n"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := daemonCommand(t.Context(), "--check", "--config", b.config).CombinedOutput(); err == nil || !strings.Contains(string(out), "enrolled as gate 7 (North 3)") {
		t.Errorf("gate.id of another gate: %v: %s", err, out)
	}
}

func awaitPage(t *testing.T, url, want string) {
	t.Helper()
	var got string
	for range 1000 {
		if got = get(t, url+"?lang=en"); strings.Contains(got, want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the page never says %q:\n%s", want, got)
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// safeBuffer is a log that may be read while it is written.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// await waits for a line and returns what it says in brackets.
func (b *safeBuffer) await(t *testing.T, want *regexp.Regexp) string {
	t.Helper()
	for range 1500 {
		if m := want.FindStringSubmatch(b.String()); m != nil {
			return m[1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the log never says %v:\n%s", want, b.String())
	return ""
}
