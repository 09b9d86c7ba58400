package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/intake"
	"github.com/venuegate/venuegate/sync/pack"
)

// caller returns the gate that signed a call, its venue, and the SHA-256 that the
// call's body must have.
func (s *Server) caller(r *http.Request) (*venue, pack.Gate, [sha256.Size]byte, error) {
	call, err := keyring.ParseCall(r.Header.Get("Authorization"))
	if err != nil {
		return nil, pack.Gate{}, call.Body, newProblem(http.StatusUnauthorized, "unauthorized", "this is for gates; %v", err)
	}
	known := false
	for _, v := range s.venues {
		g, err := v.office.Caller(&call, r.Method, r.RequestURI)
		if err == nil {
			v.seen(g.ID, contact{s.now(), remoteIP(r)})
			return v, g, call.Body, nil
		}
		known = known || !errors.Is(err, central.ErrNoGate)
	}
	if known {
		return nil, pack.Gate{}, call.Body, newProblem(http.StatusUnauthorized, "unauthorized", "the call is not signed by the key that gate %d has on the roster", call.Gate)
	}
	return nil, pack.Gate{}, call.Body, newProblem(http.StatusForbidden, "not-on-roster", "gate %d is not on the roster; enrol it", call.Gate)
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// callerIP is remoteIP, or behind a proxy on this machine, whom that names last.
func callerIP(r *http.Request) string {
	host := remoteIP(r)
	at, err := netip.ParseAddr(host)
	said := r.Header.Values("X-Forwarded-For")
	if err != nil || !at.IsLoopback() || len(said) == 0 {
		return host
	}
	list := strings.Split(said[len(said)-1], ",")
	if from, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
		return from.String()
	}
	return host
}

func mediaType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// enrolment is what a gate sends to be enrolled.
type enrolment struct {
	Code   string `json:"code"`
	Public string `json:"public"` // Ed25519, 64 hex digits
	Seal   string `json:"seal"`   // X25519, 64 hex digits
	Name   string `json:"name"`   // what the box calls itself; the roster's name holds
}

const maxEnrolment = 8 << 10 // bytes

// enrolled is what it learns.
type enrolled struct {
	Venue       string   `json:"venue"`
	Gate        string   `json:"gate"`
	Incarnation string   `json:"incarnation"`
	Name        string   `json:"name"`
	Root        string   `json:"root"`
	Sealed      string   `json:"sealed"`
	Addresses   []string `json:"addresses"`
}

func (s *Server) enrol(w http.ResponseWriter, r *http.Request) error {
	var e enrolment
	r.Body = http.MaxBytesReader(w, r.Body, maxEnrolment) // anybody may send one
	if err := readJSON(w, r, &e); err != nil {
		return err
	}
	public, err := keyring.ParsePublic(e.Public)
	if err != nil {
		return newProblem(http.StatusUnprocessableEntity, "invalid", "public: %v", err)
	}
	sealKey, err := hex.DecodeString(e.Seal)
	if err != nil || len(sealKey) != seal.PublicSize {
		return newProblem(http.StatusUnprocessableEntity, "invalid", "seal: want %d hex digits", 2*seal.PublicSize)
	}
	for _, v := range s.venues {
		out, err := v.office.Enrol(v.store, e.Code, public, sealKey, s.now())
		if errors.Is(err, central.ErrNoCode) {
			continue
		}
		if err != nil {
			return err
		}
		v.publisher.changedAll()
		s.log.Info().Uint32("gate", out.Gate.ID).Uint32("incarnation", out.Gate.Incarnation).Msg("gate enrolled")
		return writeJSON(w, http.StatusCreated, enrolled{
			Venue: strconv.FormatUint(uint64(out.Venue), 10), Gate: strconv.FormatUint(uint64(out.Gate.ID), 10),
			Incarnation: strconv.FormatUint(uint64(out.Gate.Incarnation), 10), Name: out.Gate.Name,
			Root: base64.StdEncoding.EncodeToString(out.Root), Sealed: base64.StdEncoding.EncodeToString(out.Sealed),
			Addresses: append([]string{}, out.Gate.Addresses...),
		})
	}
	return central.ErrNoCode
}

// repositoryFile serves a file of the caller's venue's repository.
func (s *Server) repositoryFile(w http.ResponseWriter, r *http.Request) error {
	v, _, _, err := s.caller(r)
	if err != nil {
		return err
	}
	name := r.PathValue("path")
	top, _, _ := strings.Cut(name, "/")
	missing := newProblem(http.StatusNotFound, "not-found", "the repository has no such file")
	if path.Clean(name) != name || top != "metadata" && top != "targets" {
		return missing
	}
	f, err := v.repository.Open(name)
	if err != nil {
		return missing
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return missing
	}
	// Files are only ever replaced by others, so that name, number and time tell
	// two apart.
	about := fmt.Sprintf("%s\x00%d\x00%d", name, info.Size(), info.ModTime().UnixNano())
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		about += fmt.Sprintf("\x00%d", st.Ino)
	}
	sum := sha256.Sum256([]byte(about))
	h := w.Header()
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "private, no-cache")
	http.ServeContent(w, r, "", time.Time{}, f)
	return nil
}

// logJSON is how far one journal is held.
type logJSON struct {
	Gate   string `json:"gate"`
	Epoch  string `json:"epoch"`
	Next   string `json:"next"`
	Closed string `json:"closed,omitempty"`
}

func (s *Server) vector(w http.ResponseWriter, r *http.Request) error {
	v, _, _, err := s.caller(r)
	if err != nil {
		return err
	}
	logs, err := v.store.Logs()
	if err != nil {
		return err
	}
	out := struct {
		Logs []logJSON `json:"logs"`
	}{make([]logJSON, len(logs))}
	for i, l := range logs {
		out.Logs[i] = logJSON{
			Gate: strconv.FormatUint(uint64(l.Origin.Gate), 10), Epoch: strconv.FormatUint(uint64(l.Origin.Epoch), 10),
			Next: strconv.FormatUint(l.Next, 10), Closed: l.Closed,
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

// recordsType is the content type of an upload.
const recordsType = "application/vnd.venuegate.records"

// number reads a decimal number in its one form from a path or a query.
func number(name, text string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != text {
		return 0, newProblem(http.StatusBadRequest, "bad-request", "%s: want a decimal number from 1, of at most %d bits", name, bits)
	}
	return n, nil
}

func (s *Server) takeRecords(w http.ResponseWriter, r *http.Request) error {
	origin, from, err := target(r)
	if err != nil {
		return err
	}
	if mediaType(r) != recordsType {
		return newProblem(http.StatusUnsupportedMediaType, "media-type", "want %s", recordsType)
	}
	encoding := r.Header.Get("Content-Encoding")
	if encoding != "zstd" && encoding != "" && encoding != "identity" {
		return newProblem(http.StatusUnsupportedMediaType, "media-type", "want Content-Encoding zstd or identity")
	}
	// Before anything is read: who is not on the roster gets no memory, and keeps
	// no gate from having some.
	v, by, sum, err := s.caller(r)
	if err != nil {
		w.Header().Set("Connection", "close") // and nobody waits for the body
		return err
	}
	release, err := s.slot(r.Context())
	if err != nil {
		return err
	}
	defer release()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, intake.MaxBody))
	if err != nil {
		return unreadable(err)
	}
	if sha256.Sum256(body) != sum {
		return newProblem(http.StatusUnauthorized, "unauthorized", "the body is not the one that gate %d signed", by.ID)
	}
	batch, err := s.uploads.Read(body, encoding == "zstd", origin, from)
	if err != nil {
		return err
	}
	taken, err := v.taker.Take(batch, gate.GateID(by.ID), s.now())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Next string `json:"next"`
	}{strconv.FormatUint(taken.Next, 10)})
}

func target(r *http.Request) (o ledger.Origin, from uint64, err error) {
	id, err := number("gate", r.PathValue("gate"), 32)
	if err != nil {
		return o, 0, err
	}
	epoch, err := number("epoch", r.PathValue("epoch"), 32)
	if err != nil {
		return o, 0, err
	}
	from, err = number("from", r.URL.Query().Get("from"), 40)
	return ledger.Origin{Gate: gate.GateID(id), Epoch: uint32(epoch)}, from, err
}

// slotWait is how long an upload waits for others to end.
const slotWait = 5 * time.Second

// slot waits for room for one upload.
func (s *Server) slot(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, slotWait)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	case <-ctx.Done():
		p := newProblem(http.StatusServiceUnavailable, "busy", "too many uploads at once")
		p.retryAfter = 2 * time.Second
		return nil, p
	}
}

// unreadable is a body that did not arrive whole.
func unreadable(err error) error {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return err
	}
	return newProblem(http.StatusBadRequest, "bad-request", "the body did not arrive whole")
}
