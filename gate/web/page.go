package web

import "github.com/venuegate/venuegate/gate"

// The types below are what the page's script receives: words ready to show, in
// the page's language. The script puts them in place as text and decides
// nothing.

type verdictPage struct {
	ID       string      `json:"id"`
	Number   uint64      `json:"number"`
	Replay   bool        `json:"replay,omitempty"` // from before the page was live
	Time     string      `json:"time"`
	Millis   int64       `json:"millis"` // the same, Unix time in the gate's eyes
	Lane     gate.LaneID `json:"lane"`
	LaneName string      `json:"lane_name"`
	Outcome  string      `json:"outcome"`
	Word     string      `json:"word"`
	Reason   gate.Reason `json:"reason"`
	Text     string      `json:"text"`
	Notes    []string    `json:"notes"`
	Holder   []string    `json:"holder"`
	Took     string      `json:"took"`
}

type statePage struct {
	Assets   string        `json:"assets"` // version of the script and style that this goes with
	Run      string        `json:"run"`    // of the gate's program: verdicts are numbered anew in each
	Clock    clockPage     `json:"clock"`
	Gate     string        `json:"gate"`
	Event    string        `json:"event"`
	Training bool          `json:"training"`
	Warnings []warningPage `json:"warnings"`
	Lanes    []lanePage    `json:"lanes"`
	Counts   countsPage    `json:"counts"`
	Pack     packPage      `json:"pack"`

	Alone      *alonePage      `json:"alone"`
	Evacuation *evacuationPage `json:"evacuation"`
	Orders     ordersPage      `json:"orders"`
	Conflicts  conflictsPage   `json:"conflicts"`
	Gates      gatesPage       `json:"gates"`
}

// clockPage lets the script show the gate's clock and not its own.
type clockPage struct {
	Millis int64  `json:"millis"` // Unix time in the gate's eyes
	Offset int    `json:"offset"` // of the venue's zone, seconds east of UTC
	Note   string `json:"note"`
}

type warningPage struct {
	Severity string `json:"severity"`
	Word     string `json:"word"`
	Code     string `json:"code"`
	Text     string `json:"text"`
	Next     string `json:"next"`
	Since    string `json:"since"`
}

type lanePage struct {
	ID         gate.LaneID  `json:"id"`
	Name       string       `json:"name"`
	Kind       string       `json:"kind"`
	KindWord   string       `json:"kind_word"`
	Way        string       `json:"way"`
	Status     string       `json:"status"`
	StatusWord string       `json:"status_word"`
	Devices    []devicePage `json:"devices"`
	Waiting    *waitingPage `json:"waiting"`
	Staff      *staffPage   `json:"staff"`
	Fire       bool         `json:"fire"`
	Mishaps    []mishapPage `json:"mishaps"`
	Last       *verdictPage `json:"last"`
}

// waitingPage is what the visitor has still to show.
type waitingPage struct {
	Text  string `json:"text"`
	Other string `json:"other"` // the same in the other language
	Until int64  `json:"until"` // Unix milliseconds in the gate's eyes
	Left  string `json:"left"`  // the same in seconds from now
}

// staffPage says that somebody waits for staff. Who it is stands on the lane's
// own page, for staff who are signed in.
type staffPage struct {
	Text  string `json:"text"`
	Until int64  `json:"until"`
}

type mishapPage struct {
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	Count string `json:"count"`
	Last  string `json:"last"`
}

type devicePage struct {
	Name  string `json:"name"`
	State string `json:"state"` // up, down, or a barrier's state
	Word  string `json:"word"`
}

type countsPage struct {
	In       string       `json:"in"`
	Out      string       `json:"out"`
	Inside   string       `json:"inside"`
	Refused  string       `json:"refused"`
	Referred string       `json:"referred"`
	Since    string       `json:"since"`
	Reset    string       `json:"reset"`
	Zones    []zonePage   `json:"zones"`
	Reasons  []reasonPage `json:"reasons"`
}

type reasonPage struct {
	Text  string `json:"text"`
	Count string `json:"count"`
}

type packPage struct {
	Loaded  bool   `json:"loaded"`
	Version string `json:"version"`
	Tickets string `json:"tickets"`
	Age     string `json:"age"`
	Expires string `json:"expires"`
	Journal string `json:"journal"`
	Uplink  string `json:"uplink"`
}
