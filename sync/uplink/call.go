package uplink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
)

const (
	contentType = "application/vnd.venuegate.records"
	// maxVector bounds what is read of central's vector, in bytes: some 150 000
	// logs. Only those that this gate holds are kept.
	maxVector = 8 << 20
	// maxAnswer bounds every other answer, in bytes.
	maxAnswer = 64 << 10
	// maxWait bounds what central may ask for.
	maxWait = time.Hour
)

// known is what central says of one log.
type known struct {
	next   uint64
	closed string // why it takes no more of it; empty: it does
}

// taken is central's answer to a batch.
type taken struct {
	next   uint64
	closed string
	gap    bool // nothing was taken: it lacks records before
}

func (t taken) status() int {
	if t.gap {
		return http.StatusConflict
	}
	return http.StatusOK
}

// problem is an error as of RFC 9457, as far as it matters here.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Next   string `json:"next"`
}

// vector asks how far central has each log, and keeps what is wanted.
func (u *Uplink) vector(ctx context.Context, wanted ledger.Vector) (map[ledger.Origin]known, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	call, answer, err := u.call(ctx, http.MethodGet, u.base.JoinPath("v1", "journals"), nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, refusal(call, answer)
	}
	var list struct {
		Logs *[]struct {
			Gate   string `json:"gate"`
			Epoch  string `json:"epoch"`
			Next   string `json:"next"`
			Closed string `json:"closed"`
		} `json:"logs"`
	}
	if err := decode(call, answer, maxVector, &list); err != nil {
		return nil, err
	}
	if list.Logs == nil {
		return nil, &AnswerError{Call: call, Status: answer.StatusCode, Why: "there is no list of logs in it"}
	}
	at := make(map[ledger.Origin]known, len(wanted))
	for _, l := range *list.Logs {
		gateID, gateErr := strconv.ParseUint(l.Gate, 10, 32)
		epoch, epochErr := strconv.ParseUint(l.Epoch, 10, 32)
		next, nextErr := sequence(l.Next)
		if err := errors.Join(gateErr, epochErr, nextErr); err != nil {
			return nil, &AnswerError{Call: call, Status: answer.StatusCode, Why: "a log without its numbers"}
		}
		o := ledger.Origin{Gate: gate.GateID(gateID), Epoch: uint32(epoch)}
		if _, ours := wanted[o]; ours {
			at[o] = known{next: next, closed: clean(l.Closed)}
		}
	}
	return at, nil
}

// post sends a compressed batch of a log, from one sequence on.
func (u *Uplink) post(ctx context.Context, o ledger.Origin, from uint64, batch []byte) (taken, error) {
	to := u.base.JoinPath("v1", "journals", strconv.FormatUint(uint64(o.Gate), 10), strconv.FormatUint(uint64(o.Epoch), 10))
	to.RawQuery = "from=" + strconv.FormatUint(from, 10)
	ctx, cancel := context.WithTimeout(ctx, patience+u.pace.takes(len(batch)))
	defer cancel()
	call, answer, err := u.call(ctx, http.MethodPost, to, batch)
	if err != nil {
		return taken{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	switch answer.StatusCode {
	case http.StatusOK:
		var said struct {
			Next string `json:"next"`
		}
		if err := decode(call, answer, maxAnswer, &said); err != nil {
			return taken{}, err
		}
		next, err := sequence(said.Next)
		if err != nil {
			return taken{}, &AnswerError{Call: call, Status: answer.StatusCode, Why: "it does not say what is wanted next"}
		}
		return taken{next: next}, nil
	case http.StatusConflict:
		var said problem
		if err := decode(call, answer, maxAnswer, &said); err != nil {
			return taken{}, err
		}
		if strings.HasSuffix(said.Type, "/fork") {
			return taken{closed: "fork"}, nil
		}
		next, err := sequence(said.Next)
		if err != nil {
			return taken{}, &AnswerError{Call: call, Status: answer.StatusCode, Why: "it does not say what is wanted next"}
		}
		return taken{next: next, gap: true}, nil
	}
	return taken{}, refusal(call, answer)
}

// call signs and makes a call. Its name is for errors.
func (u *Uplink) call(ctx context.Context, method string, to *url.URL, body []byte) (string, *http.Response, error) {
	name := method + " " + to.EscapedPath()
	request, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		return name, nil, fmt.Errorf("uplink: %w", err)
	}
	request.Header.Set("Accept", "application/json, application/problem+json")
	request.Header.Set("Authorization", u.sign(method, request.URL.RequestURI(), body))
	if body != nil {
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Content-Encoding", "zstd")
		paced := u.pace.body(ctx, body)
		// The transport may go on reading after it has an answer; the next batch
		// takes the same memory.
		defer paced.detach()
		request.Body, request.ContentLength = paced, int64(len(body))
	}
	answer, err := u.client.Do(request)
	var inCall *url.Error
	switch {
	case err == nil:
		return name, answer, nil
	case errors.Is(err, context.DeadlineExceeded):
		return name, nil, &ReachError{Err: fmt.Errorf("nothing came back for %s within its time: %w", name, context.DeadlineExceeded)}
	case errors.As(err, &inCall):
		err = inCall.Err
	}
	return name, nil, &ReachError{Err: err}
}

// decode reads a JSON answer of bounded length.
func decode(call string, answer *http.Response, most int64, into any) error {
	wrong := func(format string, args ...any) error {
		return &AnswerError{Call: call, Status: answer.StatusCode, Why: fmt.Sprintf(format, args...)}
	}
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/problem+json" {
		return wrong("it is not JSON")
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return &ReachError{Err: fmt.Errorf("the answer to %s broke off: %w", call, err)}
	case int64(len(data)) > most:
		return wrong("it is longer than %d bytes", most)
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(into); err != nil {
		return wrong("it is not the JSON that is expected")
	}
	return nil
}

// refusal is the error for any answer that is not a yes.
func refusal(call string, answer *http.Response) error {
	code := answer.StatusCode
	switch {
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		return &BusyError{Status: code, After: retryAfter(answer)}
	case code >= 300 && code < 400:
		return &AnswerError{Call: call, Status: code, Why: "it leads elsewhere"}
	case code >= 500:
		return &BusyError{Status: code}
	case code >= 400:
		var said problem
		if err := decode(call, answer, maxAnswer, &said); err != nil {
			return err
		}
		return &RefusedError{Call: call, Status: code, Title: clean(said.Title), Detail: clean(said.Detail)}
	}
	return &AnswerError{Call: call, Status: code, Why: "no such answer is known"}
}

// retryAfter is what central asks for: seconds, or a date by its own clock.
func retryAfter(answer *http.Response) time.Duration {
	text := answer.Header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		// Against central's own date: the gate's clock may be wrong.
		if now, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
			wait = at.Sub(now)
		}
	}
	return min(max(wait, 0), maxWait)
}

func sequence(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || n > ledger.MaxSequence+1 {
		return 0, errors.New("not a sequence")
	}
	return n, nil
}
