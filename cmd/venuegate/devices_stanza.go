package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/hw/find"
)

func (t *tool) devicesStanzaCommand() *cobra.Command {
	var root, as, name, side string
	cmd := &cobra.Command{
		Use: "stanza [DEVICE] [--as TYPE]", Short: "Write the configuration of a device, ready to paste",
		Long: `Writes the lines of gate.toml for a device: what to match it by, and the settings
its kind usually has. Paste them below the [[lane]] they belong to.

DEVICE is a path, or what venuegate devices says to write. Without one, a stanza
is written for everything that is plugged in but keyboards. An adapter does not
say what is behind it; --as does: ` + strings.Join(stanzaTypes(), ", ") + `.`,
		Example: indent(`
venuegate devices stanza /dev/ttyUSB0 --as sdt --name "north 1 card"
venuegate devices stanza port:1-1.3 --as lcus
venuegate devices stanza`),
		Args: between(0, 1, "one DEVICE, or none for all"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && as+name+side != "" {
				return usagef("--as, --name and --side need a DEVICE")
			}
			if as != "" && !slices.Contains(stanzaTypes(), as) {
				return usagef("--as: want %s", strings.Join(stanzaTypes(), ", "))
			}
			if side != "" && side != "entry" && side != "exit" {
				return usagef("--side: want entry or exit")
			}
			if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
				return usagef("--name: has characters that cannot be printed")
			}
			devices, chosen, err := choose(find.Under(root), as, args)
			if err != nil {
				return err
			}
			for i, d := range chosen {
				s := stanza{devices: devices, device: d, as: as, name: name, side: side}
				text := s.text()
				if i > 0 {
					text = "\n" + text
				}
				if _, err := fmt.Fprint(t.out, text); err != nil {
					return err
				}
			}
			return nil
		},
	}
	rootFlag(cmd, &root)
	cmd.Flags().StringVar(&as, "as", "", "the `TYPE` in the configuration; guessed when not given")
	cmd.Flags().StringVar(&name, "name", "", "what staff call the device: `NAME`")
	cmd.Flags().StringVar(&side, "side", "", "entry or exit (`SIDE`), where the lane serves both")
	complete(cmd, "as", stanzaTypes()...)
	complete(cmd, "side", "entry", "exit")
	return cmd
}

func stanzaTypes() []string {
	return []string{"serial", "sdt", "wedge", "hidpos", "camera", "face", "lcus", "feedback"}
}

// classOf is the class of device that a type of the configuration needs.
func classOf(as string) find.Class {
	switch as {
	case "wedge":
		return find.ClassInput
	case "hidpos":
		return find.ClassHIDRaw
	case "camera":
		return find.ClassVideo
	default:
		return find.ClassSerial
	}
}

// choose returns the devices that stanzas are wanted for, and all that there
// are.
func choose(f find.Finder, as string, args []string) (all, chosen []find.Device, err error) {
	if all, err = f.List(); err != nil {
		return nil, nil, err
	}
	if len(args) == 0 {
		for _, d := range all {
			if role, _ := find.Guess(d); d.Usable && role != find.RoleKeyboard {
				chosen = append(chosen, d)
			}
		}
		if len(chosen) == 0 {
			err = errors.New("nothing is plugged in that a gate could use")
		}
		return all, chosen, err
	}
	m, err := find.Parse(args[0])
	if err != nil {
		return nil, nil, usagef("DEVICE: %v", err)
	}
	if m.IsPath() {
		d, err := f.Find(classOf(as), m)
		if err == nil && !d.Usable {
			err = fmt.Errorf("%s is of no use to a gate", d.Path)
		}
		return all, []find.Device{d}, err
	}
	classes := find.Classes()
	if as != "" {
		classes = []find.Class{classOf(as)}
	}
	for _, c := range classes {
		d, findErr := find.Pick(all, c, m)
		switch {
		case findErr == nil:
			chosen = append(chosen, d)
		case !errors.Is(findErr, find.ErrNone):
			return nil, nil, findErr // ambiguous
		case as != "":
			return nil, nil, findErr
		}
	}
	if len(chosen) == 0 {
		err = advise(fmt.Errorf("nothing that a gate could use matches %s", m), "This lists what there is:  venuegate devices --all")
	}
	return all, chosen, err
}

// stanza is the configuration of one device.
type stanza struct {
	devices        []find.Device // all of them, to tell it apart from
	device         find.Device
	as, name, side string
}

func (s stanza) text() string {
	as, note := s.as, ""
	if as == "" {
		as, note = guessType(s.device)
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	if note != "" {
		line("# %s", note)
	}
	header := map[string]string{"lcus": "[lane.barrier]", "feedback": "[lane.barrier.feedback]"}[as]
	if header == "" {
		header = "[[lane.reader]]"
	}
	line("%s", header)
	if as != "feedback" {
		line("name = %s", strconv.Quote(s.title(as)))
		line("type = %s", strconv.Quote(as))
	}
	key, m := "match", find.Best(s.devices, s.device)
	if m.IsPath() {
		key = "path"
	}
	line("%s = %s  # %s, %s", key, strconv.Quote(m.String()), s.device.Path, describe(s.device))
	switch as {
	case "serial", "feedback":
		line("baud = 9600")
	case "sdt":
		line("baud = 115200")
	case "lcus":
		line("baud = 9600")
		line("channel = 1")
	}
	if s.side != "" && header == "[[lane.reader]]" {
		line("side = %s", strconv.Quote(s.side))
	}
	return b.String()
}

// title is the device's name: the one given, or what it is and where.
func (s stanza) title(as string) string {
	if s.name != "" {
		return s.name
	}
	what := map[string]string{"sdt": "card", "lcus": "arm", "camera": "camera"}[as]
	if what == "" {
		what = "code"
	}
	if s.device.USB() {
		return what + " " + s.device.Port
	}
	return what
}

// guessType is the type of the configuration that a device probably has, and
// what to say where it may well be another.
func guessType(d find.Device) (as, note string) {
	switch d.Class {
	case find.ClassInput:
		return "wedge", ""
	case find.ClassHIDRaw:
		return "hidpos", ""
	case find.ClassVideo:
		return "camera", ""
	}
	if role, _ := find.Guess(d); role == find.RoleAdapter {
		return "serial", "An adapter: for a card reader say --as sdt, for a relay board --as lcus."
	}
	return "serial", ""
}
