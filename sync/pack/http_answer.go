package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HTTPError is a status with which a server gave no file.
type HTTPError struct {
	Status int
	URL    string // without secrets
	// RetryAfter is how long the server wants to be left alone; zero: it does
	// not say.
	RetryAfter time.Duration
}

// Error says what the status means for a gate.
func (e *HTTPError) Error() string {
	why := ""
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		why = ": this gate is not on its roster"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		why = ": it is busy"
	}
	return fmt.Sprintf("%s answers %d %s%s", e.URL, e.Status, http.StatusText(e.Status), why)
}

// Is makes a file that is not there match fs.ErrNotExist.
func (e *HTTPError) Is(target error) bool {
	return target == fs.ErrNotExist && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}

// AnswerError is an answer that no repository gives, such as the web page of a
// network that wants somebody to log in.
type AnswerError struct {
	URL string // without secrets
	Why string
}

// Error names the URL.
func (e *AnswerError) Error() string { return e.URL + ": " + e.Why }

// unwrapURL drops the wrapping that repeats method and URL around an error
// that names them itself.
func unwrapURL(err error) error {
	var answer *AnswerError
	if errors.As(err, &answer) {
		return answer
	}
	return err
}

// maxRetryAfter bounds what a server can make a gate wait.
const maxRetryAfter = 10 * time.Minute

func (h *HTTP) refused(resp *http.Response, at *url.URL) error {
	return &HTTPError{Status: resp.StatusCode, URL: at.Redacted(), RetryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())}
}

// parseRetryAfter reads seconds or an HTTP date (RFC 9110, 10.2.3).
func parseRetryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(s)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// continues checks that an answer goes on where the part ends.
func (h *HTTP) continues(resp *http.Response, at *url.URL, part seen, limit int64) error {
	if len(part.data) == 0 {
		return &AnswerError{at.Redacted(), "a part of the file, which was not asked"}
	}
	first, last, total, ok := parseContentRange(resp.Header.Get("Content-Range"))
	switch {
	case !ok || first != int64(len(part.data)) || last != total-1:
		return &AnswerError{at.Redacted(), "another part of the file than was asked"}
	case total > limit:
		return &tooLongError{name: at.Path, limit: limit}
	case resp.ContentLength >= 0 && resp.ContentLength != last-first+1:
		return &AnswerError{at.Redacted(), "a part of another length than it says"}
	}
	if etag := resp.Header.Get("ETag"); etag != "" && etag != part.etag {
		return &AnswerError{at.Redacted(), "a part of another version than was asked"}
	}
	return nil
}

// parseContentRange reads "bytes 100-199/200" (RFC 9110, 14.4).
func parseContentRange(s string) (first, last, total int64, ok bool) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	span, size, found := strings.Cut(rest, "/")
	from, to, dash := strings.Cut(span, "-")
	if !ok || !found || !dash {
		return 0, 0, 0, false
	}
	var n [3]int64
	for i, text := range []string{from, to, size} {
		v, err := strconv.ParseUint(text, 10, 62)
		if err != nil {
			return 0, 0, 0, false
		}
		n[i] = int64(v)
	}
	return n[0], n[1], n[2], n[0] <= n[1] && n[1] < n[2]
}

// strongETag returns an entity tag that stands for the very bytes, or nothing.
func strongETag(s string) string {
	if len(s) < 2 || len(s) > maxETag || s[0] != '"' || s[len(s)-1] != '"' {
		return ""
	}
	for _, c := range []byte(s[1 : len(s)-1]) {
		if c <= ' ' || c >= 0x7f || c == '"' {
			return ""
		}
	}
	return s
}

const maxETag = 200

// plainFile refuses an answer that is compressed, or a web page.
func plainFile(resp *http.Response, at *url.URL) error {
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &AnswerError{at.Redacted(), "compressed, which was not asked"}
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "text/html" || kind == "application/xhtml+xml" {
		return &AnswerError{at.Redacted(), "a web page, no file; is there a log-in page in between?"}
	}
	return nil
}
