package web

import (
	"context"
	"errors"
	"slices"

	"github.com/venuegate/venuegate/gate"
)

// Commands is what staff may do from the page. Whoever implements it answers for
// what follows: the page only asks, and only for people who are signed in and
// whose role allows it. Calls come from many goroutines and end with their
// context.
type Commands interface {
	// Staff returns one of the staff by their number, if the venue knows them now
	// and they have a PIN at this gate.
	Staff(id uint32) (Person, bool)
	// AnyStaff reports whether anybody can sign in at all.
	AnyStaff() bool
	// SignIn checks a PIN. It costs a good deal, so it is asked sparingly.
	SignIn(id uint32, pin gate.Private) error
	// Type gives a lane what was typed for its visitor, as a reader would.
	Type(ctx context.Context, staff uint32, lane gate.LaneID, t Typed) error
	// Choose picks one of a case's tickets, by its place in CaseView.Choices.
	Choose(ctx context.Context, staff uint32, lane gate.LaneID, id uint64, choice int) error
	// Decide says what becomes of a case.
	Decide(ctx context.Context, staff uint32, lane gate.LaneID, id uint64, d Decision) error
	// EndFire puts a barrier back after a fire signal.
	EndFire(ctx context.Context, staff uint32, lane gate.LaneID) error
	// Evacuate orders every barrier of the venue to open. It cannot be taken back
	// from the page.
	Evacuate(ctx context.Context, staff uint32) error
}

// What Commands answer besides nil. Any other error is shown as a failure.
var (
	ErrBusy     = errors.New("web: somebody is going through")
	ErrOver     = errors.New("web: that case is not open any more")
	ErrNoLane   = errors.New("web: no such lane, or it does not run")
	ErrFire     = errors.New("web: the fire signal still stands, or its sensor is not heard")
	ErrWrongPIN = errors.New("web: wrong number or PIN")
)

// Person is one of the staff.
type Person struct {
	ID    uint32
	Name  string
	Roles []string // steward, supervisor, technician
}

// The roles, as the venue's list has them.
const (
	roleSteward    = "steward"
	roleSupervisor = "supervisor"
	roleTechnician = "technician"
)

// mayServe reports whether somebody may type, choose and decide.
func (p Person) mayServe() bool { return p.is(roleSteward, roleSupervisor) }

// mayInsist reports whether somebody may go against a refusal.
func (p Person) mayInsist() bool { return p.is(roleSupervisor) }

// mayEndFire reports whether somebody may put a barrier back after a fire.
func (p Person) mayEndFire() bool { return p.is(roleSupervisor, roleTechnician) }

// mayEvacuate reports whether somebody may open every barrier.
func (p Person) mayEvacuate() bool { return p.is(roleSupervisor) }

func (p Person) is(roles ...string) bool {
	return slices.ContainsFunc(p.Roles, func(r string) bool { return slices.Contains(roles, r) })
}

// Typed is what a person typed for a visitor: a text (a ticket's number, a code)
// or the number of a document.
type Typed struct {
	Text     gate.Private
	Document *gate.Document // nil: Text
}

// Decision is what staff say to a case.
type Decision uint8

// The decisions.
const (
	DecideRefuse Decision = iota
	DecideAdmit
	DecideInsist // against a refusal; for supervisors
)
