package config

import (
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Config is one gate's configuration. Everything about the event itself comes
// from the signed pack instead.
type Config struct {
	Gate  Gate   `toml:"gate"`
	Pack  Pack   `toml:"pack"`
	Web   Web    `toml:"web"`
	Log   Log    `toml:"log"`
	Clock Clock  `toml:"clock"`
	Lanes []Lane `toml:"lane"`
}

// Gate says which gate this is and where it keeps its data.
type Gate struct {
	ID      gate.GateID `toml:"id"`       // as in the venue's roster
	Name    string      `toml:"name"`     // shown to staff
	DataDir string      `toml:"data_dir"` // journal, packs, keys
}

// Pack says where the signed pack comes from.
type Pack struct {
	Repository string   `toml:"repository"` // directory of the signed repository; empty: what is installed stays
	Poll       Duration `toml:"poll"`       // how often it is looked at
	OldAfter   Duration `toml:"old_after"`  // age at which a warning is shown
}

// Web is the staff page.
type Web struct {
	Listen string   `toml:"listen"` // host:port; empty: no page
	Hosts  []string `toml:"hosts"`  // host names that the page may be asked for under, beside addresses
}

// Log is what goes to standard error.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn, error
	Format string `toml:"format"` // json, console
}

// Clock is how far the gate's own clock is trusted.
type Clock struct {
	Trust string `toml:"trust"` // system: while the kernel says it is synchronised; always
}

// Lane is one passage and its devices. Its direction and zones come from the
// venue's roster, by its id.
type Lane struct {
	ID         gate.LaneID `toml:"id"`
	Isolation  string      `toml:"isolation"` // admit, refer or refuse; empty: the event's own
	PairWindow Duration    `toml:"pair_window"`
	Hold       Duration    `toml:"hold"`
	Readers    []Reader    `toml:"reader"`
	Barrier    Barrier     `toml:"barrier"`
}

// Reader is a device that visitors hold something up to.
type Reader struct {
	Name   string   `toml:"name"`
	Type   string   `toml:"type"` // serial: a barcode reader; sdt: a resident ID card reader
	Path   string   `toml:"path"`
	Baud   int      `toml:"baud"`
	Parity string   `toml:"parity"`
	Side   string   `toml:"side"`   // entry or exit, where the lane is for both
	Repeat Duration `toml:"repeat"` // the same thing again within this is one presentation

	// Of barcode readers only.
	Terminator string `toml:"terminator"`
	STX        bool   `toml:"stx"`
	Prefix     string `toml:"prefix"`
	Suffix     string `toml:"suffix"`
	AIM        string `toml:"aim"`
	ECI        bool   `toml:"eci"`
}

// Barrier is what lets people through.
type Barrier struct {
	Name        string    `toml:"name"`
	Type        string    `toml:"type"` // lcus: a serial relay; none: the steward
	Path        string    `toml:"path"`
	Baud        int       `toml:"baud"`
	Channel     int       `toml:"channel"`
	ExitChannel int       `toml:"exit_channel"`
	Pulse       Duration  `toml:"pulse"`
	Wait        Duration  `toml:"wait"`
	Feedback    *Feedback `toml:"feedback"`
}

// Feedback is the line on which a turnstile tells who passed.
type Feedback struct {
	Path       string   `toml:"path"`
	Baud       int      `toml:"baud"`
	Passed     string   `toml:"passed"`
	PassedExit string   `toml:"passed_exit"`
	Ready      string   `toml:"ready"`
	NotReady   string   `toml:"not_ready"`
	Heartbeat  Duration `toml:"heartbeat"`
}

// Duration is a time span written as text, such as "300ms" or "5s".
type Duration time.Duration

// UnmarshalText reads what time.ParseDuration takes.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// MarshalText writes the span as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Or returns the span, or a default where none is set.
func (d Duration) Or(otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return time.Duration(d)
}

// Default returns what counts where the file says nothing.
func Default() Config {
	return Config{
		Gate:  Gate{DataDir: "/var/lib/venuegate"},
		Pack:  Pack{Poll: Duration(10 * time.Second), OldAfter: Duration(24 * time.Hour)},
		Web:   Web{Listen: "127.0.0.1:8080"},
		Log:   Log{Level: "info", Format: "json"},
		Clock: Clock{Trust: "system"},
	}
}
