package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
)

// Config is one gate's configuration. Everything about the event itself comes
// from the signed pack instead.
type Config struct {
	Gate    Gate    `toml:"gate"`
	Pack    Pack    `toml:"pack"`
	Cluster Cluster `toml:"cluster"`
	Central Central `toml:"central"`
	Web     Web     `toml:"web"`
	Log     Log     `toml:"log"`
	Clock   Clock   `toml:"clock"`
	Lanes   []Lane  `toml:"lane"`
}

// Gate says which gate this is and where it keeps its data.
type Gate struct {
	ID      gate.GateID `toml:"id"`       // as in the venue's roster; zero: what the box is enrolled as
	Name    string      `toml:"name"`     // shown to staff
	DataDir string      `toml:"data_dir"` // journal, packs, keys
}

// Pack says where the signed pack comes from.
type Pack struct {
	Repository string   `toml:"repository"` // directory of the signed repository; empty: what is installed stays
	Poll       Duration `toml:"poll"`       // how often it is looked at
	OldAfter   Duration `toml:"old_after"`  // age at which a warning is shown
}

// Cluster is how this gate talks to the venue's other gates. Which they are, and
// which of them are keepers, stands in the venue's roster.
type Cluster struct {
	// Listen is address:port for records, by UDP and TCP. The port after it takes
	// claims and hands out packs, by TLS. Empty: the gate is alone.
	Listen    string   `toml:"listen"`
	Advertise string   `toml:"advertise"` // address:port that others are told; empty: found out
	Pace      int      `toml:"pace"`      // most bytes a second for new records; 0: no limit
	Deadline  Duration `toml:"deadline"`  // how long a lane waits for the keepers
}

// Central is the ticketing office, asked for packs and given the records.
type Central struct {
	URL       string   `toml:"url"`       // such as https://tickets.example; empty: there is none
	CA        string   `toml:"ca"`        // PEM file that vouches for it, where the system's do not
	Poll      Duration `toml:"poll"`      // how often it is asked for a newer list
	Bandwidth int      `toml:"bandwidth"` // most bytes a second for uploads; 0: no limit
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
	ID         gate.LaneID `toml:"id"`        // zero for all lanes: the roster's, in its order
	Isolation  string      `toml:"isolation"` // admit, refer or refuse; empty: the event's own
	PairWindow Duration    `toml:"pair_window"`
	Hold       Duration    `toml:"hold"`
	Readers    []Reader    `toml:"reader"`
	Barrier    Barrier     `toml:"barrier"`
	Indicator  *Indicator  `toml:"indicator"`
}

// Reader is a device that visitors hold something up to.
type Reader struct {
	Name string `toml:"name"`
	// Type is serial (a barcode reader on a serial line or in USB-COM mode),
	// wedge (one that types, through evdev), hidpos (through hidraw), camera,
	// sdt (a resident ID card reader), mrz (a passport reader) or face (a face
	// terminal).
	Type string `toml:"type"`
	Device
	Side   string   `toml:"side"`   // entry or exit, where the lane is for both
	Repeat Duration `toml:"repeat"` // the same thing again within this is one presentation

	// Of barcode readers.
	Terminator string   `toml:"terminator"`
	Gap        Duration `toml:"gap"` // silence that ends a reading
	STX        bool     `toml:"stx"`
	Prefix     string   `toml:"prefix"`
	Suffix     string   `toml:"suffix"`
	AIM        string   `toml:"aim"`
	ECI        bool     `toml:"eci"`
	Beep       *Beep    `toml:"beep"` // of those on serial lines

	// Of cameras.
	Width  int     `toml:"width"`
	Height int     `toml:"height"`
	Rate   float64 `toml:"rate"`

	// Of face terminals. One on the network has Listen instead of a device.
	Listen    string   `toml:"listen"`    // host:port, or http://host:port/path
	From      []string `toml:"from"`      // addresses of the terminals
	MinScore  float64  `toml:"min_score"` // least score that is a match; 0: the terminal says
	Heartbeat Duration `toml:"heartbeat"` // the terminal sends something at least this often
	Answer    string   `toml:"answer"`    // body of the answer to a POST
	Fields    *Fields  `toml:"fields"`
}

// Beep is what a barcode reader is sent to make its sounds, as text or as bytes
// after "hex:".
type Beep struct {
	Good string `toml:"good"` // people may pass
	Bad  string `toml:"bad"`  // they may not
}

// Fields say where a face terminal's JSON has what, with dots where it is nested.
type Fields struct {
	Matched   string `toml:"matched"`
	MatchedIs string `toml:"matched_is"` // value that means a match
	Score     string `toml:"score"`
	Reference string `toml:"reference"` // ticket's number or document's tag
}

// Device says which device an entry means, and the settings of its line. One of
// Path and Match is set.
type Device struct {
	Path   string `toml:"path"`  // device file, or a link to one
	Match  string `toml:"match"` // what is plugged in, such as usb:1a86:7523 or port:1-1.2
	Baud   int    `toml:"baud"`
	Parity string `toml:"parity"`
}

// where returns what the entry says of its device, and under which setting.
func (d *Device) where() (field, text string) {
	if d.Match != "" {
		return "match", d.Match
	}
	return "path", d.Path
}

// Barrier is what lets people through.
type Barrier struct {
	Name string `toml:"name"`
	// Type is lcus (a serial relay), modbus (a Modbus RTU relay board), gpio,
	// gateboard (an RS-485 board that counts passages) or none (the steward).
	Type string `toml:"type"`
	Device
	Unit        int      `toml:"unit"` // address on a bus: modbus, gateboard
	Channel     int      `toml:"channel"`
	ExitChannel int      `toml:"exit_channel"`
	Pulse       Duration `toml:"pulse"`
	Wait        Duration `toml:"wait"`
	Tail        Duration `toml:"tail"` // one more person within this is a tailgater
	Free        string   `toml:"free"` // direction that needs no ticket: entry or exit
	FireHold    bool     `toml:"fire_hold"`

	Feedback *Feedback `toml:"feedback"` // of a serial relay
	Contacts *Contacts `toml:"contacts"` // of Modbus and GPIO boards

	ActiveLow bool   `toml:"active_low"` // gpio: the relay closes when its line is low
	Pull      string `toml:"pull"`       // gpio: up, down or none
	EntryIs   string `toml:"entry_is"`   // gateboard: left or right
	Frames    Frames `toml:"frames"`     // gateboard
}

// Indicator is the lamps and the buzzer of a lane: outputs of the barrier's board
// that unlock nothing. Zero: there is none.
type Indicator struct {
	Green  int `toml:"green"`
	Red    int `toml:"red"`
	Yellow int `toml:"yellow"`
	Buzzer int `toml:"buzzer"`
}

// Contacts are the inputs of a relay board that a turnstile's contacts are wired
// to.
type Contacts struct {
	Passed     Contact  `toml:"passed"`
	PassedExit Contact  `toml:"passed_exit"`
	Ready      Contact  `toml:"ready"`
	Fire       Contact  `toml:"fire"`
	Evacuate   Contact  `toml:"evacuate"` // a button that orders an evacuation of the venue
	Settle     Duration `toml:"settle"`
	Debounce   Duration `toml:"debounce"`
}

// Contact is one input, written as "3", or as "3 nc" when it is normally closed
// and opens to say what it has to say. Modbus boards count from 1, GPIO lines
// from 0.
type Contact struct {
	Set            bool
	Number         int
	NormallyClosed bool
}

// UnmarshalText reads a number, with " nc" after it or not.
func (c *Contact) UnmarshalText(text []byte) error {
	digits, nc := strings.CutSuffix(string(text), " nc")
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return fmt.Errorf("%q is not an input such as \"3\" or \"3 nc\"", text)
	}
	*c = Contact{Set: true, Number: int(n), NormallyClosed: nc}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (c Contact) MarshalText() ([]byte, error) {
	switch {
	case !c.Set:
		return nil, nil
	case c.NormallyClosed:
		return []byte(strconv.Itoa(c.Number) + " nc"), nil
	default:
		return []byte(strconv.Itoa(c.Number)), nil
	}
}

// Frames are what a gate board is told and answers, as templates; empty ones are
// those of the plain board.
type Frames struct {
	Status  string   `toml:"status"`
	Left    string   `toml:"left"`
	Right   string   `toml:"right"`
	Answer  string   `toml:"answer"`
	Start   []string `toml:"start"`
	Release string   `toml:"release"`
	Restore string   `toml:"restore"`
}

// Feedback is the line on which a turnstile tells who passed.
type Feedback struct {
	Device
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
	if err != nil {
		return fmt.Errorf("%q is not a time span such as \"300ms\" or \"5s\"", text)
	}
	*d = Duration(v)
	return nil
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
		Gate:    Gate{DataDir: "/var/lib/venuegate"},
		Pack:    Pack{Poll: Duration(10 * time.Second), OldAfter: Duration(24 * time.Hour)},
		Cluster: Cluster{Deadline: Duration(250 * time.Millisecond)},
		Central: Central{Poll: Duration(3 * time.Second)},
		Web:     Web{Listen: "127.0.0.1:8080"},
		Log:     Log{Level: "info", Format: "json"},
		Clock:   Clock{Trust: "system"},
	}
}
