package pack

import "time"

// What tests from outside look at.
var (
	ParseContentRange = parseContentRange
	ParseRetryAfter   = parseRetryAfter
	StrongETag        = strongETag
)

const MaxRetryAfter = maxRetryAfter

// ParseName returns the role, version and hash of a file's name.
func ParseName(name string) (role string, version int64, sum []byte, ok bool) {
	f, ok := parseName(name)
	return f.role, f.version, f.sum, ok
}

// ParsePart returns the ETag and the bytes of a part.
func ParsePart(raw []byte) (etag string, data []byte) {
	part := parsePart(raw)
	return part.etag, part.data
}

// ReadClaim reads a timestamp that no root speaks of.
func ReadClaim(data []byte, root []byte) (stamp, snapshot int64, signed bool, err error) {
	trusted, err := rootOf(root)
	if err != nil {
		return 0, 0, false, err
	}
	c, err := readClaim(data, trusted)
	return c.stamp, c.snapshot, c.signed, err
}

// Resting is the memory of ways that were of no use.
type Resting struct{ r resting }

// NewResting returns an empty memory.
func NewResting() Resting { return Resting{newResting()} }

// Failed lets a way rest.
func (r Resting) Failed(name string, state State, why error, at time.Time) time.Time {
	return r.r.failed(name, state, why, at)
}

// Of returns until when a way rests, and why.
func (r Resting) Of(name string, at time.Time) (time.Time, error) { return r.r.of(name, at) }

// Good forgets what a way did.
func (r Resting) Good(name string) { r.r.good(name) }

// Forget drops ways that have not been heard of for long.
func (r Resting) Forget(at time.Time) { r.r.forget(at) }
