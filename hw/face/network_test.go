package face_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/face"
	"github.com/venuegate/venuegate/hw/hwtest"
	"github.com/venuegate/venuegate/hw/port"
)

// freeAddress returns an address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func listen(t *testing.T, o face.Options) (*face.Network, *stand) {
	t.Helper()
	s := newStand()
	o.Name = "face"
	o.OnState = func(st gate.DeviceState) { s.states <- st }
	if o.Repeat == 0 {
		o.Repeat = -1
	}
	r, err := face.NewNetwork(o)
	must(t, err)
	run(t, r, s)
	return r, s
}

func TestConnectedTerminal(t *testing.T) {
	address := freeAddress(t)
	r, s := listen(t, face.Options{Listen: address})
	if st := s.wantState(t, false); !errors.Is(st.Err, face.ErrNotConnected) {
		t.Errorf("down because %v", st.Err)
	}
	matched := gate.Face{Matched: true, Score: 0.9, Ticket: 7}
	for range 3 { // it comes back as often as it goes
		c, err := net.Dial("tcp", address)
		must(t, err)
		s.wantState(t, true)
		dev := hwtest.NewFaceTerminal(c)
		must(t, dev.Look(true, 0.9, "7"))
		s.want(t, matched)
		for _, fault := range []hwtest.Fault{hwtest.FaultNoise, hwtest.FaultSplit} {
			dev.Fail(fault)
			must(t, dev.Look(true, 0.9, "7"))
			s.want(t, matched)
		}
		dev.Fail(hwtest.FaultHalf)
		must(t, dev.Look(true, 0.9, "666"))
		must(t, c.Close())
		s.wantState(t, false)
	}
	s.stop()
	if st := r.Stats(); st.Readings != 9 || st.Drops.Unfinished != 3 {
		t.Errorf("stats %+v", st)
	}
}

func TestPosts(t *testing.T) {
	address := freeAddress(t)
	r, s := listen(t, face.Options{
		Listen: "http://" + address + "/push/result", Answer: `{"code":0}`, Decoding: face.Decoding{MinScore: 0.5},
	})
	s.wantState(t, true)
	post := func(path, body string) (int, string) {
		t.Helper()
		answer, err := http.Post("http://"+address+path, "application/json", strings.NewReader(body))
		must(t, err)
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		must(t, err)
		return answer.StatusCode, string(text)
	}
	good := string(hwtest.FaceMessage(true, 0.9, "7", 1000))
	for _, c := range []struct {
		name, path, body string
		status           int
		want             *gate.Face
	}{
		{"a match", "/push/result", good, 200, &gate.Face{Matched: true, Score: 0.9, Ticket: 7}},
		{"not like enough", "/push/result", string(hwtest.FaceMessage(true, 0.4, "7", 0)), 200, &gate.Face{Score: 0.4}},
		{"heartbeat", "/push/result", `{"type":"beat"}`, 200, nil},
		{"another path", "/push", good, 404, nil},
		{"no JSON", "/push/result", "matched", 422, nil},
		{"no reference", "/push/result", `{"matched":true,"score":1}`, 422, nil},
		{"a film", "/push/result", strings.Repeat("x", face.MaxMessage+1), 413, nil},
		{"and again", "/push/result", good, 200, &gate.Face{Matched: true, Score: 0.9, Ticket: 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := post(c.path, c.body)
			if status != c.status {
				t.Errorf("status %d, want %d: %s", status, c.status, answer)
			}
			if status == 200 && answer != `{"code":0}` {
				t.Errorf("answered %q", answer)
			}
			if c.want != nil {
				s.want(t, *c.want)
			}
		})
	}
	got, err := http.Get("http://" + address + "/push/result")
	must(t, err)
	must(t, got.Body.Close())
	if got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", got.StatusCode)
	}
	// A body that is cut off.
	c, err := net.Dial("tcp", address)
	must(t, err)
	_, err = c.Write([]byte("POST /push/result HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"matched\""))
	must(t, err)
	must(t, c.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(c)
	must(t, err)
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 400")) {
		t.Errorf("half a body: %q", answer)
	}
	must(t, c.Close())
	http.DefaultClient.CloseIdleConnections()
	s.stop()
	if len(s.readings) > 0 {
		t.Errorf("%d readings too many", len(s.readings))
	}
	if st := r.Stats(); st.Readings != 3 || st.Others != 1 || st.Bad != 2 || st.Refused != 2 || st.Drops.TooLong != 1 || st.Drops.Unfinished != 1 {
		t.Errorf("stats %+v", st)
	}
}

// Whoever is no terminal is not listened to: a result opens the gate.
func TestStrangers(t *testing.T) {
	address := freeAddress(t)
	r, s := listen(t, face.Options{Listen: address, From: []string{"192.0.2.7"}})
	s.wantState(t, false)
	c, err := net.Dial("tcp", address)
	must(t, err)
	_, _ = c.Write(hwtest.FaceMessage(true, 0.9, "7", 0)) // it may be closed already
	_, err = c.Read(make([]byte, 1))
	if err == nil {
		t.Error("a stranger is answered")
	}
	must(t, c.Close())
	s.stop()
	if st := r.Stats(); st.Refused != 1 || st.Readings != 0 || len(s.readings) != 0 || len(s.states) != 0 {
		t.Errorf("stats %+v, %d states", st, len(s.states))
	}
}

// An address that somebody else has is taken over when they are gone.
func TestAddressInUse(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, s := listen(t, face.Options{Listen: "http://" + other.Addr().String() + "/"})
	if st := s.wantState(t, false); !strings.Contains(st.Err.Error(), "in use") {
		t.Errorf("down because %v", st.Err)
	}
	must(t, other.Close())
	s.wantState(t, true)
}

func TestHeartbeat(t *testing.T) {
	address := freeAddress(t)
	_, s := listen(t, face.Options{Listen: "http://" + address + "/", Heartbeat: time.Second})
	s.wantState(t, true)
	for range 2 {
		if st := s.wantState(t, false); !errors.Is(st.Err, face.ErrQuiet) {
			t.Errorf("down because %v", st.Err)
		}
		answer, err := http.Post("http://"+address+"/", "application/json", strings.NewReader("{}"))
		must(t, err)
		must(t, answer.Body.Close())
		s.wantState(t, true)
	}
	http.DefaultClient.CloseIdleConnections()
}

// Terminals that come and go leave nothing behind, and no more come in at a time
// than there is room for.
func TestManyConnections(t *testing.T) {
	address := freeAddress(t)
	before, open := runtime.NumGoroutine(), descriptors(t)
	_, s := listen(t, face.Options{Listen: address})
	s.wantState(t, false)
	for range 200 {
		c, err := net.Dial("tcp", address)
		must(t, err)
		s.wantState(t, true)
		must(t, hwtest.NewFaceTerminal(c).Look(true, 0.9, "7"))
		s.want(t, gate.Face{Matched: true, Score: 0.9, Ticket: 7})
		must(t, c.Close())
		s.wantState(t, false)
	}
	crowd := make([]net.Conn, 40)
	for i := range crowd {
		var err error
		crowd[i], err = net.Dial("tcp", address)
		must(t, err)
	}
	_, err := crowd[39].Read(make([]byte, 1))
	if err == nil {
		t.Error("the fortieth connection is served")
	}
	s.stop()
	for _, c := range crowd {
		must(t, c.Close())
	}
	for runtime.NumGoroutine() > before {
		runtime.Gosched() // ends, or go test's own timeout says that one is left
	}
	if now := descriptors(t); now > open+1 {
		t.Errorf("%d descriptors before, %d after", open, now)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(d)
}

func TestOptionsThatCannotBe(t *testing.T) {
	for want, o := range map[string]face.Options{
		"Name":         {Listen: "127.0.0.1:7100"},
		"Listen":       {Name: "face", Listen: "7100"},
		"From":         {Name: "face", Listen: ":7100"},
		"From[0]":      {Name: "face", Listen: ":7100", From: []string{"terminal.lan"}},
		"Heartbeat":    {Name: "face", Listen: "127.0.0.1:7100", Heartbeat: time.Millisecond},
		"Answer":       {Name: "face", Listen: "127.0.0.1:7100", Answer: "{}"},
		"Fields.Score": {Name: "face", Listen: "127.0.0.1:7100", Decoding: face.Decoding{Fields: face.Fields{Score: "."}}},
	} {
		t.Run(want, func(t *testing.T) {
			var wrong *port.OptionError
			if _, err := face.NewNetwork(o); !errors.As(err, &wrong) || wrong.Field != want {
				t.Errorf("%v, want one about %s", err, want)
			}
		})
	}
	for _, listen := range []string{"http://127.0.0.1/face", "http://127.0.0.1:80", "http://127.0.0.1:80/x?token=1", "https://127.0.0.1:80/x"} {
		if err := (face.Options{Name: "face", Listen: listen}).Validate(); err == nil {
			t.Errorf("%s is taken", listen)
		}
	}
}
