package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// storedPolicy is a policy in a pack file: its own fields, and the time zone by
// name in place of the pointer.
type storedPolicy struct {
	gate.Policy
	TimeZone string
}

func encodePolicy(p *gate.Policy) (json.RawMessage, error) {
	if p == nil {
		return nil, fmt.Errorf("no policy")
	}
	s := storedPolicy{Policy: *p}
	if p.TimeZone != nil {
		s.TimeZone = p.TimeZone.String()
		if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
			return nil, fmt.Errorf("policy: time zone %q has no name in the zone database", s.TimeZone)
		}
	}
	return json.Marshal(s)
}

func decodePolicy(raw json.RawMessage) (*gate.Policy, error) {
	var s storedPolicy
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	p := s.Policy
	if s.TimeZone != "" {
		zone, err := time.LoadLocation(s.TimeZone)
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		p.TimeZone = zone
	}
	return &p, nil
}
