package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
)

// Fault is one way in which a venue's boxes and their network misbehave.
type Fault string

// The faults.
const (
	Loss      Fault = "loss"      // packets are lost
	Delay     Fault = "delay"     // packets and streams are slow
	Reorder   Fault = "reorder"   // packets overtake each other
	Duplicate Fault = "duplicate" // packets arrive twice
	Partition Fault = "partition" // the gates fall apart into groups
	OneWay    Fault = "oneway"    // a gate hears another that does not hear it
	Crash     Fault = "crash"     // a gate loses power and comes back
	Clock     Fault = "clock"     // a gate's clock jumps
	Wipe      Fault = "wipe"      // a gate loses power and its disk, and is made anew
	Balk      Fault = "balk"      // somebody opens the way out and stays inside
)

// Faults lists all of them, in the order in which they are drawn.
func Faults() []Fault {
	return []Fault{Loss, Delay, Reorder, Duplicate, Partition, OneWay, Crash, Clock, Wipe, Balk}
}

// ParseFaults reads all, none, or faults with commas between them.
func ParseFaults(text string) ([]Fault, error) {
	switch text {
	case "all":
		return Faults(), nil
	case "none", "":
		return nil, nil
	}
	var list []Fault
	for word := range strings.SplitSeq(text, ",") {
		f := Fault(strings.TrimSpace(word))
		if !slices.Contains(Faults(), f) {
			return nil, fmt.Errorf("there is no such fault; there are all, none, and %v", Faults())
		}
		if !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return list, nil
}

// ParsePolicy reads what a gate does while it is isolated.
func ParsePolicy(text string) (gate.Isolation, error) {
	switch text {
	case "admit":
		return gate.IsolationAdmit, nil
	case "refer":
		return gate.IsolationRefer, nil
	case "refuse":
		return gate.IsolationRefuse, nil
	}
	return 0, errors.New("a policy is admit, refer or refuse")
}

// Options say what is simulated.
type Options struct {
	Gates         int
	Keepers       int
	Tickets       int
	Minutes       int
	Presentations int
	Seed          uint64
	Faults        []Fault
	Policy        gate.Isolation
	// Dir is where the gates have their disks. It is best on a file system in
	// memory: crashes are made by copying files, not by cutting power.
	Dir string

	// sabotage replaces what lanes claim through, to see that it is noticed.
	sabotage func(lane.Claimer) lane.Claimer
}

// Bounds of the options.
const (
	MaxGates   = 60
	MaxTickets = 1 << 20
	MaxMinutes = 24 * 60
)

// Check says which option makes no sense.
func (o *Options) Check() error {
	switch {
	case o.Gates < 1 || o.Gates > MaxGates:
		return fmt.Errorf("gates: want 1 to %d", MaxGates)
	case o.Keepers < 0 || o.Keepers > min(o.Gates, 9):
		return fmt.Errorf("keepers: want 0 to %d of %d gates", min(o.Gates, 9), o.Gates)
	case o.Gates > 1 && o.Keepers == 0:
		return errors.New("keepers: without one, nothing is promised among several gates")
	case o.Tickets < 1 || o.Tickets > MaxTickets:
		return fmt.Errorf("tickets: want 1 to %d", MaxTickets)
	case o.Minutes < 1 || o.Minutes > MaxMinutes:
		return fmt.Errorf("minutes: want 1 to %d", MaxMinutes)
	case o.Presentations < 1 || o.Presentations > 1<<24:
		return fmt.Errorf("presentations: want 1 to %d", 1<<24)
	}
	return nil
}

func (o *Options) has(f Fault) bool { return slices.Contains(o.Faults, f) }

func (o *Options) length() time.Duration { return time.Duration(o.Minutes) * time.Minute }
