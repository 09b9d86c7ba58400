package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
)

func exitCode(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return strconv.Itoa(exit.ExitCode())
	}
	return err.Error()
}

func matches(text, pattern string) error {
	if !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Errorf("nothing matches %s", pattern)
	}
	return nil
}

// ran is what a command line did.
type ran struct {
	code     int
	out, err string
}

// run executes a command line in this process.
func run(t testing.TB, in string, args ...string) ran {
	t.Helper()
	return runAt(t, time.Now(), in, args...)
}

// runAt is run with a clock that stands still.
func runAt(t testing.TB, now time.Time, in string, args ...string) ran {
	t.Helper()
	var out, errOut bytes.Buffer
	tl := &tool{in: strings.NewReader(in), out: &out, err: &errOut, now: func() time.Time { return now }}
	code := tl.run(context.Background(), args)
	return ran{code, out.String(), errOut.String()}
}

// must is run for a command that has to work.
func must(t testing.TB, args ...string) string {
	t.Helper()
	r := run(t, "", args...)
	if r.code != exitOK {
		t.Fatalf("venuegate %s: exit code %d: %s", strings.Join(args[:min(2, len(args))], " "), r.code, r.err)
	}
	return r.out
}

func sameJSON(t testing.TB, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

// keyFlag is a key as --issuer-key takes it.
func keyFlag(k keyring.IssuerKey) string {
	text := fmt.Sprintf("%d=%x", k.ID, []byte(k.Public))
	for _, e := range k.Events {
		text += fmt.Sprintf(",event=%d", e)
	}
	if k.Tickets != nil {
		text += fmt.Sprintf(",tickets=%d-%d", k.Tickets.From, k.Tickets.To)
	}
	if !k.NotAfter.IsZero() {
		text += ",not-after=" + k.NotAfter.Format(time.RFC3339)
	}
	return text
}

func contains(text, part string) bool { return strings.Contains(text, part) }

// lineWriter hands on what is written to it line by line.
type lineWriter struct {
	rest  []byte
	lines chan string
}

func newLineWriter() *lineWriter { return &lineWriter{lines: make(chan string, 100)} }

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		w.lines <- string(w.rest[:i])
		w.rest = w.rest[i+1:]
	}
}

// next waits for a line.
func (w *lineWriter) next() string { return <-w.lines }

// safeBuffer is a buffer for two goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
