package clustertest_test

import (
	"crypto/ed25519"
	"path/filepath"
	"testing"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// disk returns what a gate that does not run has on its disk, its own records
// and those of others.
func (x *box) disk(t *testing.T) map[ledger.Position]ledger.Hash {
	t.Helper()
	held := map[ledger.Position]ledger.Hash{}
	recovery, err := journal.Read(filepath.Join(x.data(), "journal"), func(r *ledger.Record, h ledger.Hash) error {
		held[r.Position] = h
		return nil
	})
	must(t, err)
	for _, d := range recovery.Damage {
		t.Errorf("gate %d: %v", x.id, d)
	}
	l, found, err := logs.Open(logs.Options{
		Path: filepath.Join(x.data(), "logs.db"), Gate: gate.GateID(x.id), Ledger: ledger.New(),
		Keys: func(id gate.GateID, _ uint32) (keys []ed25519.PublicKey) {
			for _, k := range x.bench.boxes[id].former {
				keys = append(keys, ed25519.PublicKey(k))
			}
			return append(keys, x.bench.boxes[id].key.Public())
		},
	})
	must(t, err)
	defer func() { must(t, l.Close()) }()
	if found.Err != nil {
		t.Errorf("gate %d: %v", x.id, found.Err)
	}
	for origin, last := range l.Vector() {
		for from := uint64(1); from <= last; {
			chunk, _, err := l.Range(origin, from, last, logs.MaxChunk)
			if err != nil {
				t.Errorf("gate %d: records of gate %d, epoch %d: %v", x.id, origin.Gate, origin.Epoch, err)
				break
			}
			n := logs.Records(len(chunk))
			for i := range n {
				var r ledger.Record
				must(t, r.Decode(chunk[i*ledger.Size:(i+1)*ledger.Size]))
				held[r.Position] = r.Hash()
			}
			from += uint64(n)
		}
	}
	return held
}
