package journal

import (
	"fmt"

	"github.com/venuegate/venuegate/gate/ledger"
)

// maxDamage is how many damages a Recovery lists; more are counted.
const maxDamage = 100

// Recovery says what was found on the disk.
type Recovery struct {
	Epochs  int
	Records uint64 // delivered
	Bytes   int64  // read

	// First is the position of the first record delivered. Where the beginning of
	// the oldest epoch has been deleted, its sequence is above 1.
	First ledger.Position
	// Last is the end of the journal: the last record delivered, or the one that
	// the signed head names where that cannot be read. Zero when there is none.
	Last     ledger.Position
	LastHash ledger.Hash

	// Torn is the unfinished write at the end of the last epoch, if there is
	// one. It is what a power cut leaves; nothing of it was ever acknowledged.
	Torn *Torn
	// LeftOut counts whole records beyond the end that the next epoch names:
	// their flush had failed and they were never acknowledged.
	LeftOut uint64
	// Heads are the signed heads that are stored, by epoch, as they were found.
	// Their hashes were compared with the records, their signatures not: see
	// Head.Verify.
	Heads []ledger.Head
	// Damage lists what should be there and cannot be read, or cannot be
	// trusted. MoreDamage counts what the list has no room for.
	Damage     []Damage
	MoreDamage int
}

// Torn is an unfinished write.
type Torn struct {
	Origin  ledger.Origin
	Segment int
	Offset  int64 // of the first frame that is not whole
	Frames  int   // whole frames of the same write behind it, which are left out
}

// Damage is one thing wrong with a journal.
type Damage struct {
	Origin  ledger.Origin
	Segment int   // zero: the epoch as a whole
	Offset  int64 // in the segment
	// First and Last are the sequences of the records that are missing here; both
	// are zero when none is.
	First, Last uint64
	Problem     string
}

// String names the place, the records that are missing and the problem.
func (d Damage) String() string {
	where := fmt.Sprintf("journal: gate %d, epoch %d", d.Origin.Gate, d.Origin.Epoch)
	if d.Segment != 0 {
		where += fmt.Sprintf(", segment %d, byte %d", d.Segment, d.Offset)
	}
	switch d.First {
	case 0:
		return where + ": " + d.Problem
	case d.Last:
		return fmt.Sprintf("%s: %s; record %d is missing", where, d.Problem, d.First)
	default:
		return fmt.Sprintf("%s: %s; records %d to %d are missing", where, d.Problem, d.First, d.Last)
	}
}

func (r *Recovery) damage(d Damage) {
	if len(r.Damage) == maxDamage {
		r.MoreDamage++
		return
	}
	r.Damage = append(r.Damage, d)
}
