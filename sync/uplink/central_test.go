package uplink_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

// central is central's side of docs/protocol/central.yaml as far as journals
// go: it checks every call, every batch and every chain, and can be told to
// misbehave.
type central struct {
	keys map[gate.GateID]*keyring.Gate
	// fault answers a call in central's stead, if it returns true.
	fault func(w http.ResponseWriter, r *http.Request) bool
	keep  bool // the records themselves, not their last hash alone

	mu    sync.Mutex
	held  map[ledger.Origin]*heldLog
	wrong []string // calls that no gate should make
	tally
}

// tally is what a central counts.
type tally struct {
	vectors int
	posts   int
	wasted  int // records that it had already
	bytes   int // of bodies
	largest int // records in a batch
	order   []ledger.Origin
}

type heldLog struct {
	data   []byte
	last   ledger.Hash
	next   uint64
	closed string
}

func newCentral(gates ...*box) *central {
	c := &central{keys: map[gate.GateID]*keyring.Gate{}, held: map[ledger.Origin]*heldLog{}, keep: true}
	for _, g := range gates {
		c.keys[g.id] = g.key
	}
	return c
}

func (c *central) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	fault := c.fault
	c.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	c.answer(w, r)
}

// misbehave sets the fault, or none.
func (c *central) misbehave(fault func(http.ResponseWriter, *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = fault
}

// seen returns what central has counted so far.
func (c *central) seen() tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tally
	t.order = slices.Clone(t.order)
	return t
}

// answer does what central should do.
func (c *central) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the gate hung up
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	call, err := keyring.ParseCall(r.Header.Get("Authorization"))
	if err != nil {
		c.object(w, http.StatusUnauthorized, "no signature: %v", err)
		return
	}
	key, ok := c.keys[gate.GateID(call.Gate)]
	if !ok {
		problemOf(w, http.StatusForbidden, map[string]string{"title": "not on the roster"})
		return
	}
	if err := call.Verify(key.Public(), r.Method, r.URL.RequestURI(), body); err != nil {
		c.object(w, http.StatusUnauthorized, "%v", err)
		return
	}
	switch {
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/v1/journals"):
		c.vectors++
		c.vector(w)
	case r.Method == http.MethodPost:
		c.posts++
		c.bytes += len(body)
		c.take(w, r, body)
	default:
		c.object(w, http.StatusNotFound, "no such call: %s %s", r.Method, r.URL)
	}
}

// object refuses what no gate should send, and remembers it.
func (c *central) object(w http.ResponseWriter, status int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.wrong = append(c.wrong, text)
	problemOf(w, status, map[string]string{"title": text})
}

func problemOf(w http.ResponseWriter, status int, p map[string]string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p)
}

func (c *central) vector(w http.ResponseWriter) {
	type entry struct {
		Gate   string `json:"gate"`
		Epoch  string `json:"epoch"`
		Next   string `json:"next"`
		Closed string `json:"closed,omitempty"`
	}
	logs := []entry{}
	for o, h := range c.held {
		logs = append(logs, entry{strconv.Itoa(int(o.Gate)), strconv.Itoa(int(o.Epoch)), strconv.FormatUint(h.next, 10), h.closed})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"logs": logs})
}

func (c *central) take(w http.ResponseWriter, r *http.Request, body []byte) {
	var o ledger.Origin
	if _, err := fmt.Sscanf(strings.TrimPrefix(r.URL.Path, "/base"), "/v1/journals/%d/%d", &o.Gate, &o.Epoch); err != nil {
		c.object(w, http.StatusNotFound, "no such log: %s", r.URL.Path)
		return
	}
	from, err := strconv.ParseUint(r.URL.Query().Get("from"), 10, 64)
	if err != nil || r.Header.Get("Content-Type") != "application/vnd.venuegate.records" || r.Header.Get("Content-Encoding") != "zstd" {
		c.object(w, http.StatusBadRequest, "not a batch: %s", r.URL)
		return
	}
	d, _ := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(8<<20), zstd.WithDecoderConcurrency(1))
	defer d.Close()
	chunk, err := d.DecodeAll(body, nil)
	if err != nil || len(chunk) < ledger.Size+ledger.HeadSize || (len(chunk)-ledger.HeadSize)%ledger.Size != 0 {
		c.object(w, http.StatusUnprocessableEntity, "not records and a head: %v", err)
		return
	}
	records := chunk[:len(chunk)-ledger.HeadSize]
	n := uint64(len(records) / ledger.Size)
	c.largest = max(c.largest, int(n))
	c.order = append(c.order, o)
	h := c.held[o]
	if h == nil {
		h = &heldLog{next: 1}
		c.held[o] = h
	}
	switch {
	case n > 16384:
		c.object(w, http.StatusRequestEntityTooLarge, "%d records", n)
		return
	case h.closed != "":
		problemOf(w, http.StatusConflict, map[string]string{"type": "https://venuegate.example/problems/fork", "title": "closed"})
		return
	case from > h.next:
		problemOf(w, http.StatusConflict, map[string]string{"type": "https://venuegate.example/problems/gap", "next": strconv.FormatUint(h.next, 10)})
		return
	}
	var head ledger.Head
	if err := head.Decode(chunk[len(records):]); err != nil {
		c.object(w, http.StatusUnprocessableEntity, "%v", err)
		return
	}
	last := ledger.HashEncoded(records[len(records)-ledger.Size:])
	if head.Position != (ledger.Position{Origin: o, Sequence: from + n - 1}) || head.Hash != last || head.Verify(c.keys[o.Gate].Public()) != nil {
		problemOf(w, http.StatusUnprocessableEntity, map[string]string{"title": "bad head", "detail": "record " + strconv.FormatUint(from, 10)})
		return
	}
	if skip := h.next - from; skip < n {
		c.wasted += int(skip)
		if fresh := records[skip*ledger.Size:]; !c.chain(w, o, h, fresh) {
			return
		}
	} else {
		c.wasted += int(n)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"next": strconv.FormatUint(h.next, 10)})
}

// chain checks and keeps the records that follow what is held.
func (c *central) chain(w http.ResponseWriter, o ledger.Origin, h *heldLog, fresh []byte) bool {
	hash, next := h.last, h.next
	for encoded := range slices.Chunk(fresh, ledger.Size) {
		var rec ledger.Record
		if err := rec.Decode(encoded); err != nil || rec.Position != (ledger.Position{Origin: o, Sequence: next}) || next > 1 && rec.Prev != hash {
			c.object(w, http.StatusUnprocessableEntity, "record %d of gate %d: %v", next, o.Gate, err)
			return false
		}
		hash, next = ledger.HashEncoded(encoded), next+1
	}
	if c.keep {
		h.data = append(h.data, fresh...)
	}
	h.last, h.next = hash, next
	return true
}

// has reports how many of a log's records central holds, and that they are the
// very ones.
func (c *central) has(l *log) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.held[l.origin]
	if h == nil {
		return 0, nil
	}
	if c.keep && !bytes.HasPrefix(l.data, h.data) {
		return 0, fmt.Errorf("gate %d: central holds other records", l.origin.Gate)
	}
	return h.next - 1, nil
}
