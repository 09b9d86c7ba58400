package hil

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// QMP talks to QEMU's machine protocol (docs/interop/qmp-spec of QEMU): one
// JSON object a line, answers in the order of the commands, events in between.
type QMP struct {
	conn    net.Conn
	mu      sync.Mutex // one command at a time
	answers chan qmpMessage
	events  chan qmpMessage
}

type qmpMessage struct {
	Greeting json.RawMessage `json:"QMP"`
	Return   json.RawMessage `json:"return"`
	Error    *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// qmpPatience is how long QEMU may take to answer; it does not wait for the guest.
const qmpPatience = 20 * time.Second

var errSilentQEMU = errors.New("qmp: QEMU does not answer")

// NewQMP begins a session on a connection of QEMU's. It ends with the connection.
func NewQMP(conn net.Conn) (*QMP, error) {
	q := &QMP{conn: conn, answers: make(chan qmpMessage, 1), events: make(chan qmpMessage, 256)}
	go q.read()
	_, err := q.Do("qmp_capabilities", nil)
	return q, err
}

// read sorts what QEMU says until the connection ends. Events that nobody takes
// are dropped, the newest first.
func (q *QMP) read() {
	defer close(q.answers)
	decoder := json.NewDecoder(q.conn)
	for {
		var m qmpMessage
		if decoder.Decode(&m) != nil {
			return
		}
		switch {
		case m.Event != "":
			select {
			case q.events <- m:
			default:
			}
		case m.Greeting == nil:
			q.answers <- m
		}
	}
}

// Do sends a command and returns its answer.
func (q *QMP) Do(command string, arguments any) (json.RawMessage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	request := map[string]any{"execute": command}
	if arguments != nil {
		request["arguments"] = arguments
	}
	if err := json.NewEncoder(q.conn).Encode(request); err != nil {
		return nil, fmt.Errorf("qmp: %s: %w", command, err)
	}
	select {
	case m, ok := <-q.answers:
		switch {
		case !ok:
			return nil, fmt.Errorf("qmp: %s: QEMU has gone", command)
		case m.Error != nil:
			return nil, fmt.Errorf("qmp: %s: %s: %s", command, m.Error.Class, m.Error.Desc)
		}
		return m.Return, nil
	case <-time.After(qmpPatience):
		return nil, errSilentQEMU
	}
}

// Unplug pulls a device and waits until it is gone.
func (q *QMP) Unplug(id string) error {
	if _, err := q.Do("device_del", map[string]string{"id": id}); err != nil {
		return err
	}
	patience := time.After(qmpPatience)
	for {
		select {
		case e := <-q.events:
			var about struct {
				Device string `json:"device"`
			}
			if json.Unmarshal(e.Data, &about) == nil && e.Event == "DEVICE_DELETED" && about.Device == id {
				return nil
			}
		case <-patience:
			return errSilentQEMU
		}
	}
}

// Type presses and releases keys, by QEMU's names for them; the ones before the
// last of a chord are held meanwhile.
func (q *QMP) Type(chords ...[]string) error {
	for _, chord := range chords {
		var events []any
		press := func(key string, down bool) {
			events = append(events, map[string]any{"type": "key", "data": map[string]any{
				"down": down, "key": map[string]string{"type": "qcode", "data": key},
			}})
		}
		for _, key := range chord {
			press(key, true)
		}
		for i := len(chord) - 1; i >= 0; i-- {
			press(chord[i], false)
		}
		if _, err := q.Do("input-send-event", map[string]any{"events": events}); err != nil {
			return err
		}
	}
	return nil
}
