package appliance

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate/health"
	"github.com/venuegate/venuegate/gate/ledger"
)

// ahead is how far beyond this gate's clock another gate's record may be. Clocks
// differ by seconds; an hour is somebody's wrong time zone.
const ahead = time.Hour

// latestRecord is the latest time that a foreign record may bear. A gate that is
// not sure of its own time cannot tell.
func (a *Appliance) latestRecord() time.Time {
	if !a.clock.Trusted() {
		return time.Time{}
	}
	return a.clock.Now().Add(ahead)
}

// received takes what others have recorded, once it is in the ledger.
func (a *Appliance) received(records []ledger.Record) {
	for i := range records {
		a.hear(records[i].Clock)
	}
	a.noted(records)
	for i := range records {
		a.claims.Recorded(&records[i])
	}
	a.hub.Changed()
	if a.uplink != nil {
		a.uplink.Wake()
	}
}

// hear notes the hybrid time of another gate's record.
func (a *Appliance) hear(c ledger.Clock) {
	for had := a.heard.Load(); uint64(c) > had && !a.heard.CompareAndSwap(had, uint64(c)); had = a.heard.Load() {
	}
}

// pull is how far other gates' time may pull this one's hybrid time ahead of its
// clock. What is further ahead is ordered by its own time, and counts as later.
const pull = 10 * time.Minute

// seen is the hybrid time that this gate's next record comes after.
func (a *Appliance) seen() ledger.Clock {
	bound := ledger.Clock(0).Next(a.clock.Now().Add(pull))
	return min(ledger.Clock(a.heard.Load()), bound)
}

func (a *Appliance) logsTrouble(err error) {
	if err != nil {
		a.log.Error().Err(err).Msg("logs of other gates are not written; they can send them again")
	}
}

func (a *Appliance) networkTrouble(err error) {
	now := a.clock.Now()
	if err != nil {
		a.health.Set(now, health.NetworkDown, "", health.Detail{Cause: err.Error()})
		return
	}
	a.health.Clear(now, health.NetworkDown, "")
}

// usedEpochs says which epochs of this gate the journal must stay above. Others
// may hold logs of this gate that its own disk has lost; a box without any
// journal cannot know of them before it has heard the others, and the box whose
// place it takes had epochs of its own. So wherever somebody else may hold logs it
// begins at a number that only grows: the seconds of its clock, since a spare may
// take a place within a minute.
func (a *Appliance) usedEpochs(dataDir string) func() uint32 {
	first := uint32(0)
	c := a.config()
	others := c.Cluster.Listen != "" || c.Central.URL != ""
	if others && !hasJournal(filepath.Join(dataDir, "journal")) {
		first = uint32(max(0, a.clock.Now().Unix()))
	}
	return func() uint32 { return max(first, a.logs.HighestEpoch(a.config().Gate.ID)) }
}

func hasJournal(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.IsDir() && strings.Contains(e.Name(), "-") {
			return true
		}
	}
	return false
}
