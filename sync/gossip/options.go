package gossip

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/hashicorp/memberlist"
)

// Store holds the logs. Its methods are called by several goroutines at once.
type Store interface {
	// Vector returns how far each log is held without a gap. It is asked every
	// second.
	Vector() Vector
	// Range returns records of a log from one sequence on: at most up to to, at
	// most limit bytes, at least one record, and whatever a receiver needs to
	// believe them. last is the sequence of the last one. The error is ErrNotHeld,
	// wrapped or not, where not even the first is held or fits.
	Range(origin Origin, from, to uint64, limit int) (chunk []byte, last uint64, err error)
	// Receive takes what another gate's Range returned. Records that are held
	// already are to be passed over. next is the first sequence that is missing
	// afterwards, with an error as well: a chunk may be taken in part. from is who
	// passed the chunk on, as he says himself: nothing may be built on it. An
	// error that is a *RefusedError is counted by its reason.
	Receive(from Peer, origin Origin, first uint64, chunk []byte) (next uint64, err error)
}

// Roster is the venue's signed list of gates. Its methods are called by
// several goroutines at once and must not wait for anything.
type Roster interface {
	// Peers returns the gates that take part, with their fixed address or the
	// zero AddrPort. The gate itself may be among them. It is asked every second.
	Peers() map[Peer]netip.AddrPort
	// Knows reports whether a gate is or was on the roster, so that its log may
	// exist.
	Knows(gate Peer) bool
	// Meta returns what this gate says about itself to others, at most MaxMeta
	// bytes: what Verify there wants to see of an address.
	Meta(advertised netip.AddrPort) []byte
	// Verify returns an error unless the gate of that name (its number in
	// decimal) may be at addr by the word of meta. It is asked about every
	// announcement, some dozens in the minute when nothing happens.
	Verify(meta []byte, name string, addr netip.AddrPort) error
}

// Transport is what moves packets and streams; see memberlist.Transport. Only
// tests and simulations need one of their own.
type Transport = memberlist.Transport

const (
	// MaxMeta is the most that a gate may say about itself, in bytes.
	MaxMeta = memberlist.MetaMaxSize
	// MaxVenue is the longest label, in bytes.
	MaxVenue = 64

	// wrapping is what memberlist puts around a packet besides the label: the
	// label's header, version, nonce and tag of the encryption, and a type.
	wrapping = 2 + 1 + 12 + 16 + 1
)

// Options is what a Node needs. Those without a note are required.
type Options struct {
	Gate   Peer
	Venue  string // at most MaxVenue bytes; packets of another venue are refused
	Keys   *Keys
	Roster Roster
	Store  Store

	// Bind is where to listen, with UDP and TCP, such as 0.0.0.0:7946.
	Bind netip.AddrPort
	// Advertise is the address that others are told. Zero: the bound address, or
	// if that is 0.0.0.0 or ::, the best of Interfaces, looked at again every
	// two seconds.
	Advertise netip.AddrPort
	// Interfaces lists this machine's addresses with the length of their
	// networks. Nil: those of the system's cards that are up.
	Interfaces func() ([]netip.Prefix, error)
	// Memory is the file that keeps the peers' addresses over a restart. Empty:
	// none.
	Memory string
	// Pace is the most bytes that new records may take on the network, a second.
	// Zero: no limit, as befits a wire; a busy Wi-Fi wants 250 000 or so.
	Pace int
	// Synchronised reports whether the system says that its clock is. Peers are
	// told. Nil: it does not.
	Synchronised func() bool
	// Transport opens what packets go by. Nil: UDP and TCP on Bind.
	Transport func(advertised netip.AddrPort) (Transport, error)
	// Log gets what an operator may want to know. Nil: nothing is logged.
	Log *slog.Logger
}

// check reports every option that is wrong, and fills in what may be left out.
func (o *Options) check() error {
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf("gossip: "+format, args...)) }
	if o.Venue == "" || len(o.Venue) > MaxVenue {
		complain("venue: %d bytes long, want 1 to %d", len(o.Venue), MaxVenue)
	}
	if o.Keys == nil {
		complain("keys: there are none")
	}
	if o.Roster == nil {
		complain("roster: there is none")
	}
	if o.Store == nil {
		complain("store: there is none")
	}
	if o.Transport == nil && (!o.Bind.IsValid() || o.Bind.Port() == 0) {
		complain("bind: %v is no address with a port", o.Bind)
	}
	if o.Advertise.IsValid() && (o.Advertise.Addr().IsUnspecified() || o.Advertise.Port() == 0) {
		complain("advertise: %v cannot be called", o.Advertise)
	}
	if o.Transport != nil && !o.Bind.IsValid() && !o.Advertise.IsValid() {
		complain("advertise: a transport of one's own wants an address")
	}
	if o.Pace < 0 {
		complain("pace: %d bytes a second", o.Pace)
	}
	if o.Interfaces == nil {
		o.Interfaces = systemInterfaces
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return errors.Join(errs...)
}

// room is how long a packet of ours may be for its datagram to hold
// MaxDatagram bytes.
func (o *Options) room() int { return MaxDatagram - wrapping - len(o.Venue) }
