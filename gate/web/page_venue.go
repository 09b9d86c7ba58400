package web

// What the page's script receives of the venue as a whole, see page.go.

// alonePage is said as large as can be: this gate cannot ask the others.
type alonePage struct {
	Title string     `json:"title"`
	Heard string     `json:"heard"`
	Rules []rulePage `json:"rules"`
	Hint  string     `json:"hint"`
}

// rulePage is what happens to rightful visitors meanwhile.
type rulePage struct {
	Rule  string `json:"rule"`  // admit, refer, refuse
	Lanes string `json:"lanes"` // names; empty: all of the gate's
	Text  string `json:"text"`
	Next  string `json:"next"`
}

// evacuationPage says that barriers stand open by order.
type evacuationPage struct {
	Title string   `json:"title"`
	Lines []string `json:"lines"`
	Hint  string   `json:"hint"`
}

type ordersPage struct {
	Items []orderPage `json:"items"`
	More  string      `json:"more"`
}

type orderPage struct {
	Kind   string `json:"kind"`
	Coming bool   `json:"coming"` // not in force yet
	Text   string `json:"text"`
	By     string `json:"by"`
	When   string `json:"when"`
}

type conflictsPage struct {
	Title string         `json:"title"` // empty: there are none
	Zone  string         `json:"zone"`
	Items []conflictPage `json:"items"`
	More  string         `json:"more"` // how many are not among Items; empty: none
}

type conflictPage struct {
	Title  string      `json:"title"`
	Text   string      `json:"text"`
	Clocks string      `json:"clocks"` // how far the times can be relied on
	Grants []grantPage `json:"grants"`
	More   string      `json:"more"`
}

type grantPage struct {
	Time   string   `json:"time"`
	Gate   string   `json:"gate"`
	Lane   string   `json:"lane"`
	Excess bool     `json:"excess"`
	Notes  []string `json:"notes"`
}

type gatesPage struct {
	Title string    `json:"title"`
	Notes []string  `json:"notes"`
	Rows  []gateRow `json:"rows"` // problems first
	More  string    `json:"more"`
	Lone  bool      `json:"lone"` // there is no other gate
}

type gateRow struct {
	Name    string `json:"name"`
	State   string `json:"state"` // self, ok, odd (worth a look), silent
	Heard   string `json:"heard"`
	Records string `json:"records"`
	Clock   string `json:"clock"`
	Role    string `json:"role"`
}

type zonePage struct {
	Name   string `json:"name"`
	In     string `json:"in"`
	Out    string `json:"out"`
	Inside string `json:"inside"`
}
