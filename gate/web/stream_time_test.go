package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener whose connections stay inside the process, so that time
// can be faked around a whole http.Server.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.waiting:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

// open asks for the stream on a new connection.
func (p *pipes) open(t *testing.T) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	p.waiting <- theirs
	if _, err := io.WriteString(ours, "GET /events?lang=en HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return ours
}

// inBubble runs a served gate in fake time.
func inBubble(t *testing.T, test func(t *testing.T, s *Server, p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, p := newServer(t, quietGate()), newPipes()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx, p) }()
		test(t, s, p)
		began := time.Now()
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("Serve took %v to stop, want at most 2 s", took)
		}
	})
}

// waitFor reads until a line begins with one of the texts.
func waitFor(t *testing.T, r *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("waiting for %q: %v", text, err)
		}
		if strings.HasPrefix(line, text) {
			return
		}
	}
}

func TestQuietStreamBeats(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Server, p *pipes) {
		conn := p.open(t)
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		waitFor(t, r, "event: state")
		began := time.Now()
		// Far past every time-out for short requests.
		for beats := range 100 {
			waitFor(t, r, "event: beat")
			if want := time.Duration(beats+1) * s.tempo.beat; time.Since(began) != want {
				t.Fatalf("beat %d after %v, want %v", beats+1, time.Since(began), want)
			}
		}
		s.hub.Verdict(admitted())
		waitFor(t, r, "event: verdict")
	})
}

func TestSlowPageIsCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Server, p *pipes) {
		slow, quick := p.open(t), p.open(t)
		defer func() { _ = slow.Close() }()
		defer func() { _ = quick.Close() }()
		r := bufio.NewReader(quick)
		waitFor(t, r, "event: state")
		synctest.Wait() // slow never reads a byte: its first delivery is under way
		if n := s.hub.watching(); n != 2 {
			t.Fatalf("%d streams, want 2", n)
		}
		before := time.Now()
		s.hub.Verdict(admitted())
		if took := time.Since(before); took != 0 {
			t.Errorf("publishing took %v with a page that does not read", took)
		}
		waitFor(t, r, "event: verdict") // the other page does not wait either
		for range 3 {
			waitFor(t, r, "event: beat")
		}
		if n := s.hub.watching(); n != 1 {
			t.Errorf("%d streams after %v, want the slow one cut off", n, time.Since(before))
		}
		if body := ask(s, http.MethodGet, "/metrics").Body.String(); !strings.Contains(body, "venuegate_page_slow_total 1\n") {
			t.Error("the slow page is not counted")
		}
		if _, err := slow.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && err != nil {
			t.Errorf("the slow page's connection: %v, want its end", err)
		}
	})
}

func TestBurstsAreGathered(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Server, p *pipes) {
		conn := p.open(t)
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		waitFor(t, r, "event: state")
		waitFor(t, r, "")
		time.Sleep(time.Second) // in fake time: the pace is free again
		began := time.Now()
		s.hub.Verdict(admitted())
		waitFor(t, r, "event: verdict")
		if took := time.Since(began); took != 0 {
			t.Errorf("a verdict after a pause came after %v, want at once", took)
		}
		waitFor(t, r, "event: state") // with the counts that it changed
		for range 10 {
			s.hub.Verdict(admitted())
		}
		for range 10 {
			waitFor(t, r, "event: verdict")
		}
		if took := time.Since(began); took != s.tempo.verdict {
			t.Errorf("a burst came after %v, want together after %v", took, s.tempo.verdict)
		}
	})
}
