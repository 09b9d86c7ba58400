package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/hw/find"
)

func (t *tool) devicesListCommand() *cobra.Command {
	var root, file string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use: "devices [--config FILE]", Short: "List what is plugged in, and what the configuration means by it",
		Long: `Lists the serial lines, keyboards, HID-POS readers and cameras of this box, with
what to write in the configuration to mean each of them and no other. It opens
none of them, and the gate may be running.

With --config, also says for every device of the configuration whether it is
there: found, missing, ambiguous (several are like that) or shared (two entries
mean the same one). Exits 1 unless all are found.

A port, such as 1-1.2, is the socket: bus 1, socket 1, and socket 2 of the hub in
it. Adapters of one kind often have no serial number; then only the socket tells
the way in from the way out, so label the plugs.`,
		Example: indent(`
venuegate devices
venuegate devices --config /etc/venuegate/gate.toml`),
		Args: between(0, 0, "none"),
		RunE: func(_ *cobra.Command, _ []string) error {
			r, err := lookAtDevices(find.Under(root), file, all)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(t.out).Encode(r)
			} else {
				err = r.print(t.out)
			}
			if err == nil && !r.complete() {
				err = errNo
			}
			return err
		},
	}
	rootFlag(cmd, &root)
	configFlag(cmd, &file)
	cmd.Flags().BoolVar(&all, "all", false, "list what a gate cannot use, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// deviceReport is what venuegate devices prints.
type deviceReport struct {
	Devices    []deviceRow     `json:"devices"`
	Configured []configuredRow `json:"configured,omitempty"`
}

type deviceRow struct {
	find.Device
	ID     string    `json:"id,omitempty"`
	Match  string    `json:"match"`
	Role   find.Role `json:"role"`
	What   string    `json:"what"`
	Access string    `json:"access,omitempty"` // why this process may not open it
	UsedBy []string  `json:"used_by,omitempty"`
}

type configuredRow struct {
	Lane   gate.LaneID `json:"lane"`
	Name   string      `json:"name"`
	Match  string      `json:"match"`
	Status string      `json:"status"`
	Path   string      `json:"path,omitempty"`
	Error  string      `json:"error,omitempty"`
}

func lookAtDevices(f find.Finder, file string, all bool) (*deviceReport, error) {
	devices, err := f.List()
	if err != nil {
		return nil, err
	}
	r := &deviceReport{Devices: []deviceRow{}}
	users := map[string][]string{}
	if file != "" {
		if r.Configured, err = configured(f, file); err != nil {
			return nil, err
		}
		for _, c := range r.Configured {
			if c.Path != "" {
				users[c.Path] = append(users[c.Path], c.Name)
			}
		}
	}
	for _, d := range devices {
		if !d.Usable && !all {
			continue
		}
		role, _ := find.Guess(d)
		r.Devices = append(r.Devices, deviceRow{
			Device: d, ID: d.ID(), Match: find.Best(devices, d).String(), Role: role, What: describe(d),
			Access: access(d.Path), UsedBy: users[d.Path],
		})
	}
	return r, nil
}

// configured says what became of every device of a configuration.
func configured(f find.Finder, file string) ([]configuredRow, error) {
	c, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	entries := appliance.Wanted(c)
	wants := make([]find.Want, len(entries))
	for i, e := range entries {
		wants[i] = e.Want
	}
	found, err := f.Resolve(wants)
	if err != nil {
		return nil, err
	}
	rows := make([]configuredRow, len(found))
	for i, one := range found {
		rows[i] = configuredRow{
			Lane: entries[i].Lane, Name: one.Name, Match: one.Match.String(), Status: status(one.Err), Path: one.Device.Path,
		}
		if one.Err != nil {
			rows[i].Error = one.Err.Error()
		}
	}
	return rows, nil
}

func status(err error) string {
	var several *find.AmbiguousError
	var shared *find.SharedError
	switch {
	case err == nil:
		return "found"
	case errors.Is(err, find.ErrNone):
		return "missing"
	case errors.As(err, &several):
		return "ambiguous"
	case errors.As(err, &shared):
		return "shared"
	default:
		return "failed"
	}
}

// complete reports whether all that is configured was found.
func (r *deviceReport) complete() bool {
	for _, c := range r.Configured {
		if c.Status != "found" {
			return false
		}
	}
	return true
}

func (r *deviceReport) print(out io.Writer) error {
	if len(r.Devices) == 0 {
		if _, err := fmt.Fprintln(out, "Nothing is plugged in that a gate could use."); err != nil {
			return err
		}
	} else if err := r.printDevices(out); err != nil {
		return err
	}
	if len(r.Configured) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "\nLANE\tDEVICE\tCONFIGURED AS\tSTATUS\t")
	for _, c := range r.Configured {
		text := c.Path
		if c.Error != "" {
			text = c.Error
		}
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", c.Lane, c.Name, c.Match, c.Status, text)
	}
	return w.Flush()
}

func (r *deviceReport) printDevices(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "DEVICE\tID\tPORT\tSERIAL\tWRITE\tWHAT IT IS") // the error is Flush's
	for _, d := range r.Devices {
		what := d.What
		if len(d.UsedBy) > 0 {
			what += ", used as " + strings.Join(d.UsedBy, " and as ")
		}
		if d.Access != "" {
			what += "; " + d.Access
		}
		write := d.Match
		if !d.Usable {
			write = "-"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.Path, orDash(d.ID), orDash(d.Where()), orDash(d.Serial), write, what)
	}
	return w.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// access says why this process may not open a device, "" when it may.
func access(path string) string {
	err := unix.Access(path, unix.R_OK|unix.W_OK)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, unix.ENOENT):
		return "its device file is missing"
	case !errors.Is(err, unix.EACCES):
		return err.Error()
	}
	info, err := os.Stat(path)
	if err != nil {
		return "you may not open it"
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "you may not open it"
	}
	group := strconv.FormatUint(uint64(owner.Gid), 10)
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return "you may not open it; members of the group " + group + " may"
}
