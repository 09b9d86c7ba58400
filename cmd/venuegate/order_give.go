package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
)

// orderType is the content type of an order on its way to a gate.
const orderType = "application/vnd.venuegate.order"

// orderKind describes one kind of order as a command.
type orderKind struct {
	kind        gate.OrderKind
	use, short  string
	long        string
	example     string
	args        string // what the argument is, if there is one
	scope       string // the flags that it has, by their first letter: e, s, z, n (entrance), l
	must        string // of them, those that it needs
	parse       func(t *tool, o *gate.Order, arg string) error
	hasNoWindow bool
}

func orderKinds() []orderKind {
	at := func(t *tool, o *gate.Order, arg string) (err error) {
		o.At, err = t.moment("TIME", arg)
		return err
	}
	return []orderKind{
		{
			kind: gate.OrderDoors, use: "doors TIME", short: "Open doors at another time",
			long:    `Doors of the event open at TIME, earlier or later than planned.`,
			example: "venuegate order doors 19:15 --event 1 --data /var/lib/venuegate --staff 12 --key 12.pem",
			args:    "one TIME", scope: "es", must: "e", parse: at,
		},
		{
			kind: gate.OrderLastEntry, use: "last-entry TIME", short: "Let people come in until another time",
			long:    `Last entry to the event is at TIME. A session that would end before ends then.`,
			example: "venuegate order last-entry 21:00 --event 1 --data /var/lib/venuegate --staff 12 --key 12.pem",
			args:    "one TIME", scope: "es", must: "e", parse: at,
		},
		{
			kind: gate.OrderEntrance, use: "entrance TO", short: "Send an entrance's visitors to another one",
			long: `Whose ticket names the entrance --entrance is let in at entrance TO, and sent
there from their own. Tickets for any entrance are let in at both.`,
			example: "venuegate order entrance 2 --entrance 3 --data /var/lib/venuegate --staff 12 --key 12.pem",
			args:    "one TO, the number of an entrance", scope: "en", must: "n",
			parse: func(_ *tool, o *gate.Order, arg string) error {
				id, err := strconv.ParseUint(arg, 10, 16)
				o.To = gate.EntranceID(id)
				if err != nil || id == 0 {
					return usagef("TO is the number of an entrance in venue.json")
				}
				return nil
			},
		},
		{
			kind: gate.OrderLaneKind, use: "lane-kind KIND", short: "Make a lane an entry, an exit, both or a pre-check",
			long:    `The lane works as KIND: entry, exit, both or pre_check. A closed lane is opened.`,
			example: "venuegate order lane-kind exit --lane 21 --data /var/lib/venuegate --staff 12 --key 12.pem",
			args:    "one KIND", scope: "l", must: "l",
			parse: func(_ *tool, o *gate.Order, arg string) error {
				kind, ok := gate.ParseLaneKind(arg)
				o.LaneKind = kind
				if !ok {
					return usagef("KIND is one of entry, exit, both, pre_check")
				}
				return nil
			},
		},
		{
			kind: gate.OrderLaneClosed, use: "close", short: "Close a lane", scope: "l", must: "l",
			long:    `The lane lets nobody through, either way.`,
			example: "venuegate order close --lane 21 --data /var/lib/venuegate --staff 12 --key 12.pem",
		},
		{
			kind: gate.OrderHold, use: "hold", short: "Hold the queue: admit nobody for now", scope: "znl",
			long: `Nobody is admitted by the lanes that fit all that is named, everywhere if nothing
is, until the order is cancelled or its time is up. Exits work.`,
			example: "venuegate order hold --entrance 3 --until 10m --data /var/lib/venuegate --staff 12 --key 12.pem",
		},
		{
			kind: gate.OrderBlockTicket, use: "block-ticket TICKET", short: "Let nobody in on a ticket", args: "one TICKET",
			long:    `The ticket admits nobody at any gate. Whoever is inside may leave.`,
			example: "venuegate order block-ticket 1000000001 --data /var/lib/venuegate --staff 12 --key 12.pem",
			parse: func(_ *tool, o *gate.Order, arg string) (err error) {
				o.Ticket, err = ticketID(arg)
				return err
			},
		},
		{
			kind: gate.OrderBlockDocument, use: "block-document TAG", short: "Let the holder of a document not in",
			long: `The holder of the document is not admitted, whatever ticket it is on. TAG is what
venuegate document tag prints for it with the event's key; - reads it from
standard input. Whoever is inside may leave.`,
			example: "venuegate order block-document - --data /var/lib/venuegate --staff 12 --key 12.pem",
			args:    "one TAG, or -",
			parse: func(t *tool, o *gate.Order, arg string) error {
				text, err := t.textOrInput([]string{arg}, "tag")
				if err != nil {
					return err
				}
				var tag gate.Tag
				if tag.UnmarshalText([]byte(text)) != nil {
					return usagef("TAG is %d hex digits, as venuegate document tag prints them", 2*len(tag))
				}
				o.Person = tag.Person()
				return nil
			},
		},
		{
			kind: gate.OrderEvacuate, use: "evacuate", short: "Open every barrier", scope: "znl",
			long: `Opens the barriers of the lanes that fit all that is named, every one if nothing
is. Nobody is admitted; exits are recorded. It stands until it is cancelled or
venuegate order normal. Without --staff it is unsigned, and believed all the same
from a gate on the roster.`,
			example: "venuegate order evacuate --data /var/lib/venuegate",
		},
		{
			kind: gate.OrderNormal, use: "normal", short: "End evacuations and holds; everybody may come in once more",
			long: `Ends every evacuation and hold that was ordered before. Everybody counts as out,
and may come in once more, whatever the rules of re-entry say.`,
			example: "venuegate order normal --data /var/lib/venuegate --staff 12 --key 12.pem",
			scope:   "e", hasNoWindow: true,
		},
		{
			kind: gate.OrderCancel, use: "cancel ID", short: "End an order",
			long:    `Ends the order with this ID, as venuegate order list prints it.`,
			example: "venuegate order cancel 1234605616436508552 --data /var/lib/venuegate --staff 12 --key 12.pem",
			args:    "one ID", hasNoWindow: true,
			parse: func(_ *tool, o *gate.Order, arg string) (err error) {
				if o.Cancels, err = strconv.ParseUint(arg, 10, 64); err != nil || o.Cancels == 0 {
					return usagef("ID is the number of an order, as venuegate order list prints it")
				}
				return nil
			},
		},
	}
}

func (t *tool) supervisorCommand() *cobra.Command {
	subs := []*cobra.Command{t.orderListCommand()}
	for _, k := range orderKinds() {
		subs = append(subs, t.giveOrderCommand(k))
	}
	return t.group("order", "Give and list a supervisor's orders", `
Gives orders to every gate of the venue by way of one that runs, or lists those on
record. An order is signed with the key of a supervisor in venue.json, travels
like any other record, and is obeyed where it arrives.`, `
venuegate order hold --entrance 3 --data /var/lib/venuegate --staff 12 --key 12.pem
venuegate order list --data /var/lib/venuegate`, subs...)
}

// scopeFlags are the flags of an order that name a thing by its number.
type scopeFlags struct {
	event                         uint32
	session, zone, entrance, lane uint16
}

func (f *scopeFlags) add(flags *pflag.FlagSet, scope string) {
	for _, c := range scope {
		switch c {
		case 'e':
			flags.Uint32Var(&f.event, "event", 0, "the event's `ID`")
		case 's':
			flags.Uint16Var(&f.session, "session", 0, "only this session's `ID`")
		case 'z':
			flags.Uint16Var(&f.zone, "zone", 0, "only lanes into or out of this zone, by its `ID`")
		case 'n':
			flags.Uint16Var(&f.entrance, "entrance", 0, "the entrance's `ID`")
		case 'l':
			flags.Uint16Var(&f.lane, "lane", 0, "the lane's `ID`")
		}
	}
}

func (t *tool) giveOrderCommand(k orderKind) *cobra.Command {
	var data, key, from, until string
	var staff uint32
	var scope scopeFlags
	n := 0
	if k.args != "" {
		n = 1
	}
	cmd := &cobra.Command{
		Use: k.use, Short: k.short, Long: k.long, Example: indent(k.example), Args: between(n, n, max(k.args, "none")),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := gate.Order{
				Kind: k.kind, Staff: staff, Event: gate.EventID(scope.event), Session: gate.SessionID(scope.session),
				Zone: gate.ZoneID(scope.zone), Entrance: gate.EntranceID(scope.entrance), Lane: gate.LaneID(scope.lane),
				Issued: t.now().UTC().Truncate(time.Millisecond),
			}
			var err error
			if o.From, err = t.maybeMoment("--from", from); err != nil {
				return err
			}
			if o.Until, err = t.maybeMoment("--until", until); err != nil {
				return err
			}
			if k.parse != nil {
				if err := k.parse(t, &o, args[0]); err != nil {
					return err
				}
			}
			return t.give(cmd, data, key, o)
		},
	}
	dataFlag(cmd, &data)
	flags := cmd.Flags()
	flags.Uint32Var(&staff, "staff", 0, "who gives the order: their `ID` in venue.json")
	flags.StringVar(&key, "key", "", "their key `FILE`, made by venuegate staff key")
	if !k.hasNoWindow {
		flags.StringVar(&from, "from", "", "in force from this `TIME` on")
		flags.StringVar(&until, "until", "", "in force before this `TIME`")
	}
	scope.add(flags, k.scope)
	return cmd
}

// give signs an order and hands it to the gate that runs on a data directory.
func (t *tool) give(cmd *cobra.Command, data, keyFile string, o gate.Order) error {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	o.ID = binary.BigEndian.Uint64(id[:]) | 1
	unsigned := o.Kind == gate.OrderEvacuate && o.Staff == 0 && keyFile == ""
	switch {
	case data == "":
		return usagef("--data is missing; it is data_dir in the gate's gate.toml")
	case !unsigned && (o.Staff == 0 || keyFile == ""):
		return usagef("--staff and --key say who gives the order, and prove it")
	}
	if err := o.Check(); err != nil {
		return usagef("%v", err)
	}
	signed := gate.SignedOrder{Order: o}
	if !unsigned {
		key, err := keyring.LoadGate(keyFile)
		if err != nil {
			return advise(fmt.Errorf("the staff member's key: %w", err), "venuegate staff key makes one.")
		}
		if signed, err = o.Sign(key.Signer()); err != nil {
			return err
		}
	}
	body, err := signed.AppendBinary(nil)
	if err != nil {
		return err
	}
	if _, err := askGate(cmd.Context(), data, http.MethodPost, "/orders", orderType, body); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "order %d is on record: %s\n", o.ID, o.Kind)
	return err
}

func (t *tool) maybeMoment(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return t.moment(name, text)
}

// moment reads a time: in full, an hour of today in the local time of whoever
// asks, or how long from now.
func (t *tool) moment(name, text string) (time.Time, error) {
	now := t.now()
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(d).UTC().Truncate(time.Millisecond), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC().Truncate(time.Millisecond), nil
	}
	if at, err := time.ParseInLocation("15:04", text, now.Location()); err == nil {
		y, m, d := now.Date()
		return time.Date(y, m, d, at.Hour(), at.Minute(), 0, 0, now.Location()).UTC(), nil
	}
	return time.Time{}, usagef("%s: want a time such as 19:15 (today), 2026-11-22T19:15:00+08:00, or 10m (from now)", name)
}
