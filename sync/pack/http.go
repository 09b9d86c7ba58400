package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// HTTPOptions says how to reach a repository over HTTP.
type HTTPOptions struct {
	// Base is where the repository begins, such as
	// https://central.example/v1/repository/. It holds no user, query or fragment.
	Base string
	// Authorize returns the Authorization header of a call; target is the path
	// with its query. Nil: calls carry none.
	Authorize func(method, target string) string
	// TLS are the settings of connections; nil: the system's roots. CAFile names
	// certificates (PEM) that are trusted instead of the system's.
	TLS    *tls.Config
	CAFile string
	// Client makes the calls, when TLS and CAFile are not enough. Its rule for
	// redirects is replaced.
	Client *http.Client
	// Parts is a directory that keeps the beginnings of files whose transfer
	// broke off. Empty: such a file is fetched from its beginning again.
	Parts string
	// UserAgent is sent with every call; empty: venuegate.
	UserAgent string
	// Patience is how long nothing may come, and how long an answer may take in
	// all besides a second for each 8 KiB of the file; zero: 15 s.
	Patience time.Duration
}

const (
	usualPatience = 15 * time.Second
	slowest       = 8 << 10 // bytes a second, below which a way is no way
	maxRedirects  = 3
)

// HTTP is a repository on a server: central, or a peer's mirror. A file that
// does not change is asked for by its ETag, and one whose transfer broke off
// goes on where it stopped. Calls are not repeated: whoever calls decides when.
type HTTP struct {
	base      *url.URL
	client    *http.Client
	authorize func(method, target string) string
	agent     string
	patience  time.Duration
	parts     parts
	received  atomic.Int64

	mu    sync.Mutex
	stamp seen
}

// seen is what the server answered last for the timestamp.
type seen struct {
	etag string
	data []byte
}

// NewHTTP returns the way to a repository on a server. It calls nobody yet.
func NewHTTP(o HTTPOptions) (*HTTP, error) {
	base, err := url.Parse(o.Base)
	switch {
	case err != nil:
		return nil, errors.New("pack: the repository's address is no URL") // which may hold a password
	case base.Scheme != "https" && base.Scheme != "http" || base.Host == "":
		return nil, errors.New("pack: the repository's address does not begin with https:// and a host")
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("pack: the repository's address holds a user, a query or a fragment")
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	h := &HTTP{
		base: base, authorize: o.Authorize, agent: o.UserAgent, patience: o.Patience,
		parts: parts{dir: o.Parts, from: base.String()},
	}
	if h.agent == "" {
		h.agent = "venuegate"
	}
	if h.patience <= 0 {
		h.patience = usualPatience
	}
	client, err := o.client(h.patience)
	if err != nil {
		return nil, err
	}
	client.CheckRedirect = h.redirect
	h.client = &client
	return h, nil
}

// PeerPath is where a gate's mirror begins on its peer port.
const PeerPath = "/v1/repository/"

// NewPeer returns the way to another gate's mirror. The settings come from
// keyring.ClientTLS with the protocol "http/1.1": they prove who both are, so
// no call needs an Authorization. address is IP:port of the peer port.
func NewPeer(address string, peer *tls.Config, o HTTPOptions) (*HTTP, error) {
	o.Base, o.TLS = (&url.URL{Scheme: "https", Host: address, Path: PeerPath}).String(), peer
	if o.Client == nil {
		t := transport(o.patience())
		t.Proxy, t.TLSClientConfig = nil, peer // a proxy is for the way out
		o.Client = &http.Client{Transport: t}
	}
	return NewHTTP(o)
}

func (o *HTTPOptions) patience() time.Duration {
	if o.Patience > 0 {
		return o.Patience
	}
	return usualPatience
}

func (o *HTTPOptions) client(patience time.Duration) (http.Client, error) {
	if o.Client != nil {
		return *o.Client, nil
	}
	t := transport(patience)
	t.ForceAttemptHTTP2 = true
	if o.TLS != nil {
		t.TLSClientConfig = o.TLS.Clone()
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return http.Client{}, fmt.Errorf("pack: read the CA file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return http.Client{}, fmt.Errorf("pack: %s holds no certificate in PEM form", o.CAFile)
		}
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.RootCAs = pool
	}
	return http.Client{Transport: t}, nil
}

func transport(patience time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: min(patience, 5*time.Second)}).DialContext,
		TLSHandshakeTimeout:    patience,
		ResponseHeaderTimeout:  patience,
		MaxResponseHeaderBytes: 16 << 10,
		MaxIdleConnsPerHost:    pullers,
		IdleConnTimeout:        time.Minute,
		DisableCompression:     true,
	}
}

// Close ends the connections that are kept open.
func (h *HTTP) Close() error {
	h.client.CloseIdleConnections()
	return nil
}

// Received returns how many bytes of content came over this way so far.
func (h *HTTP) Received() int64 { return h.received.Load() }

// Fetch gets a file. Errors: [*HTTPError], [*AnswerError], or what broke the
// connection.
func (h *HTTP) Fetch(ctx context.Context, name string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, h.patience+time.Duration(limit/slowest+1)*time.Second)
	defer cancel()
	part := h.parts.load(name, limit)
	data, err := h.get(ctx, name, limit, part)
	if len(part.data) == 0 {
		return data, err
	}
	// What was kept is of no use when the server cannot go on from there, or
	// when the whole is not what its name says.
	var status *HTTPError
	useless := errors.As(err, &status) && status.Status == http.StatusRequestedRangeNotSatisfiable
	if f, ok := parseName(name); err == nil && ok && f.sum != nil {
		sum := sha256.Sum256(data)
		useless = !bytes.Equal(sum[:], f.sum)
	}
	if err == nil || useless {
		h.parts.drop(name)
	}
	if useless {
		return h.get(ctx, name, limit, seen{})
	}
	return data, err
}

// get makes one call.
func (h *HTTP) get(ctx context.Context, name string, limit int64, part seen) (_ []byte, err error) {
	at := h.base.JoinPath(name)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(h.patience, func() { cancel(errStalled) })
	defer stalled.Stop()
	defer func() {
		if err != nil && errors.Is(context.Cause(ctx), errStalled) {
			err = fmt.Errorf("%s: %w (%s)", at.Redacted(), errStalled, h.patience)
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", h.agent)
	req.Header.Set("Accept-Encoding", "identity")
	h.sign(req)
	var had seen
	if name == nameTimestamp {
		h.mu.Lock()
		had = h.stamp
		h.mu.Unlock()
	}
	switch {
	case len(part.data) > 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", len(part.data)))
		req.Header.Set("If-Range", part.etag)
	case had.etag != "":
		req.Header.Set("If-None-Match", had.etag)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, unwrapURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
		part = seen{}
	case http.StatusPartialContent:
		if err := h.continues(resp, at, part, limit); err != nil {
			return nil, err
		}
	case http.StatusNotModified:
		if had.etag == "" || int64(len(had.data)) > limit {
			return nil, &AnswerError{at.String(), "not modified, which was not asked"}
		}
		return bytes.Clone(had.data), nil
	default:
		return nil, h.refused(resp, at)
	}
	resp.Body = progress{resp.Body, func() { stalled.Reset(h.patience) }}
	data, err := h.body(resp, at, name, part, limit)
	if err != nil {
		return nil, err
	}
	if name == nameTimestamp {
		h.mu.Lock()
		h.stamp = seen{strongETag(resp.Header.Get("ETag")), bytes.Clone(data)}
		h.mu.Unlock()
	}
	return data, nil
}

var errStalled = errors.New("nothing came for too long")

// progress calls a function whenever something comes.
type progress struct {
	io.ReadCloser
	came func()
}

func (p progress) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if n > 0 {
		p.came()
	}
	return n, err
}

// body reads an answer, behind what is there of the file already.
func (h *HTTP) body(resp *http.Response, at *url.URL, name string, part seen, limit int64) ([]byte, error) {
	if err := plainFile(resp, at); err != nil {
		return nil, err
	}
	rest := limit - int64(len(part.data))
	if resp.ContentLength > rest {
		return nil, &tooLongError{name: name, limit: limit}
	}
	var into bytes.Buffer
	into.Grow(len(part.data) + int(max(resp.ContentLength, 0)) + bytes.MinRead)
	into.Write(part.data)
	n, err := io.Copy(&into, io.LimitReader(resp.Body, rest+1))
	h.received.Add(n)
	data := into.Bytes()
	switch {
	case n > rest:
		return nil, &tooLongError{name: name, limit: limit}
	case err != nil:
		etag := part.etag
		if etag == "" {
			etag = strongETag(resp.Header.Get("ETag"))
		}
		h.parts.keep(name, seen{etag, data})
		return nil, fmt.Errorf("%s broke off after %d bytes: %w", at.Redacted(), len(data), err)
	case strings.HasSuffix(name, ".json") && bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")):
		return nil, &AnswerError{at.String(), "a web page, no file; is there a log-in page in between?"}
	}
	return data, nil
}

func (h *HTTP) sign(req *http.Request) {
	if h.authorize != nil {
		req.Header.Set("Authorization", h.authorize(req.Method, req.URL.RequestURI()))
	}
}

// redirect follows a server only to itself.
func (h *HTTP) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &AnswerError{via[0].URL.Redacted(), "more redirects than make sense"}
	}
	if req.URL.Scheme != h.base.Scheme || req.URL.Host != h.base.Host || req.URL.User != nil {
		return &AnswerError{via[0].URL.Redacted(), "leads to another server; is there a log-in page in between?"}
	}
	h.sign(req)
	return nil
}
