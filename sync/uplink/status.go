package uplink

import (
	"fmt"
	"strconv"
	"time"
)

// State is what an uplink is doing.
type State string

// The states of an uplink.
const (
	Starting State = "starting" // it has not heard from central yet
	Idle     State = "idle"     // central has everything that it takes
	Sending  State = "sending"
	Waiting  State = "waiting" // something went wrong; it tries again
)

// Status is how far the uplink is. It is also the JSON answer of a gate's
// control socket to GET /uplink, and what venuegate uplink status --json prints.
type Status struct {
	State State `json:"state"`
	// Pending counts the records that central has yet to take, Acked those that
	// it has, and Skipped those of logs that are passed over.
	Pending uint64 `json:"pending"`
	Acked   uint64 `json:"acked"`
	Skipped uint64 `json:"skipped"`
	// LastError is why the last call failed, empty once one has succeeded.
	LastError string `json:"last_error"`
	// ETASeconds is when everything will be sent, at the present rate; nil where
	// nobody can tell.
	ETASeconds *int64    `json:"eta_seconds"`
	Since      time.Time `json:"since"`              // when the state began
	RetryAt    time.Time `json:"retry_at,omitzero"`  // while waiting
	HeardAt    time.Time `json:"heard_at,omitzero"`  // when central last answered as it should
	Rate       float64   `json:"records_per_second"` // while sending
	Text       string    `json:"text"`               // the above in words
	PassedOver []Skipped `json:"passed_over"`
}

// Skipped is a log that is passed over.
type Skipped struct {
	Gate    string `json:"gate"`
	Epoch   string `json:"epoch"`
	Records uint64 `json:"records"` // that central does not have
	Why     string `json:"why"`
}

// words says it to a person.
func (s *Status) words(now time.Time) string {
	total := s.Acked + s.Pending
	text := fmt.Sprintf("%s of %s records", Count(s.Acked), Count(total))
	switch {
	case s.State == Starting:
		return "not heard from central yet"
	case s.State == Waiting && s.Pending == 0:
		text = "all " + Count(total) + " records are at central; it does not answer now"
	case s.State == Waiting:
		text += "; waiting for central"
	case s.Pending == 0:
		text = "all " + Count(total) + " records are at central"
	case s.ETASeconds != nil:
		text += ", " + about(time.Duration(*s.ETASeconds)*time.Second)
	}
	if s.State == Waiting && s.RetryAt.After(now) {
		text += ", next try in " + length(s.RetryAt.Sub(now))
	}
	if s.Skipped > 0 {
		text += fmt.Sprintf("; %s passed over", Count(s.Skipped))
	}
	return text
}

func about(d time.Duration) string {
	if d < time.Minute {
		return "less than 1 min"
	}
	return "about " + length(d)
}

func length(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int64((d+time.Second-1)/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int64((d+30*time.Second)/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int64((d+30*time.Minute)/time.Hour))
	}
	return fmt.Sprintf("%d days", int64((d+12*time.Hour)/(24*time.Hour)))
}

// Count writes a number with a space between thousands.
func Count(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}

// meter is the rate of the last half minute or so of sending.
type meter struct {
	records float64
	over    time.Duration
}

func (m *meter) add(records uint64, took time.Duration) {
	m.records += float64(records)
	m.over += took
	const memory = 30 * time.Second
	if m.over > memory {
		keep := float64(memory) / float64(m.over)
		m.records *= keep
		m.over = memory
	}
}

func (m *meter) rate() float64 {
	if m.over <= 0 {
		return 0
	}
	return m.records / m.over.Seconds()
}
