package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/venuegate/venuegate/gate"
)

// sharder cuts a stream of tickets into shards. The ranges of an earlier
// version stay as they are, so that a ticket that comes, goes or changes
// touches one shard; only a range that has outgrown twice the usual number is
// cut.
type sharder struct {
	build  *build
	rules  *eventRules
	bounds []gate.TicketID // where the ranges after the open one begin
	first  gate.TicketID   // of the open range
	lines  []byte
	ends   []int // of every line
	ids    []gate.TicketID
	last   gate.TicketID
}

// shards writes the shards of an event.
func (b *build) shards(rules *eventRules, tickets iter.Seq2[gate.Ticket, error]) error {
	event := uint32(rules.event)
	before := b.shardsBefore(event)
	if tickets == nil {
		for _, name := range before {
			b.lists[roleShards][name] = b.before(roleShards, name)
			b.result.Kept++
		}
		return nil
	}
	s := &sharder{build: b, rules: rules}
	prefix := len(shardName(event, 0)) - 20
	for _, name := range before {
		if id, ok := parseShardName(name[prefix:]); ok && id != 0 {
			s.bounds = append(s.bounds, id)
		}
	}
	n := 0
	for t, err := range tickets {
		if err != nil {
			return err
		}
		if n++; n%1024 == 0 && b.ctx.Err() != nil {
			return b.ctx.Err()
		}
		if err := s.add(&t); err != nil {
			return err
		}
	}
	b.result.Tickets += n
	return s.flush(len(s.ids), 0)
}

// shardsBefore returns the names of an event's shards in the earlier version.
func (b *build) shardsBefore(event uint32) []string {
	if b.had == nil {
		return nil
	}
	prefix := fmt.Sprintf("event/%d/tickets/", event)
	names := slices.Sorted(maps.Keys(b.had.targets[roleShards].Signed.Targets))
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) })
}

func (s *sharder) add(t *gate.Ticket) error {
	target := shardName(uint32(s.rules.event), s.first)
	if t.ID <= s.last && s.last != 0 {
		return &LineError{Target: target, Field: "id", Why: "ticket " + t.ID.String() + " is not above the one before"}
	}
	if err := s.rules.check(t); err != nil {
		return placed(err, target, len(s.ids)+1)
	}
	for len(s.bounds) > 0 && t.ID >= s.bounds[0] {
		if err := s.flush(len(s.ids), s.bounds[0]); err != nil {
			return err
		}
		s.bounds = s.bounds[1:]
	}
	var err error
	if s.lines, err = AppendTicket(s.lines, t); err != nil {
		return placed(err, target, len(s.ids)+1)
	}
	s.lines = append(s.lines, '\n')
	s.ends, s.ids, s.last = append(s.ends, len(s.lines)), append(s.ids, t.ID), t.ID
	switch {
	case len(s.bounds) == 0 && len(s.ids) == perShard: // behind the last range there is room
		return s.flush(perShard, t.ID+1)
	case len(s.ids) > splitShard:
		return s.flush(perShard, s.ids[perShard-1]+1)
	}
	return nil
}

// flush makes a shard of the first n tickets of the open range. What is left
// begins a range at next.
func (s *sharder) flush(n int, next gate.TicketID) error {
	if n > 0 {
		if err := s.write(s.lines[:s.ends[n-1]], n); err != nil {
			return err
		}
		cut := s.ends[n-1]
		s.lines = append(s.lines[:0], s.lines[cut:]...)
		s.ids = append(s.ids[:0], s.ids[n:]...)
		s.ends = append(s.ends[:0], s.ends[n:]...)
		for i := range s.ends {
			s.ends[i] -= cut
		}
	}
	s.first = next
	return nil
}

// write puts lines into the open range's shard, unless an earlier version has
// the same.
func (s *sharder) write(lines []byte, n int) error {
	b := s.build
	name := shardName(uint32(s.rules.event), s.first)
	sum := sha256.Sum256(lines)
	about := custom{Tickets: n, Raw: hex.EncodeToString(sum[:])}
	if f := b.before(roleShards, name); f != nil && b.same(name, f, about) {
		b.lists[roleShards][name] = f
		b.result.Kept++
		return nil
	}
	b.result.Written++
	return b.target(roleShards, name, b.codec.enc.EncodeAll(lines, nil), &about)
}

// same reports whether a target of the earlier version has these lines, and
// its file is there.
func (b *build) same(name string, f *metadata.TargetFiles, about custom) bool {
	var was custom
	if f.Custom == nil || json.Unmarshal(*f.Custom, &was) != nil || was != about {
		return false
	}
	info, err := os.Stat(filepath.Join(b.dir, filepath.FromSlash(targetFile(name, f.Hashes["sha256"]))))
	return err == nil && info.Size() == f.Length
}
