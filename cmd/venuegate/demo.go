package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/web/pins"
	"github.com/venuegate/venuegate/sync/central"
)

// demoOptions say how the demo is played.
type demoOptions struct {
	dir      string
	listen   string
	language gate.Language
	pace     time.Duration
	once     bool
	verbose  bool
}

func (t *tool) demoCommand() *cobra.Command {
	o := demoOptions{language: languageOf(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))}
	language := string(o.language)
	var day fleetDay
	c := &cobra.Command{
		Use: "demo", Short: "Run a gate, or a day with central and six of them, on pretended devices",
		Long: `Runs a real gate on this machine. Only the devices are pretended: scanners, a
card reader and turnstiles on pseudo-terminals, which the gate's own drivers
open like any serial port. Visitors walk up with good, copied, stale, forged,
refunded and foreign codes and with ID cards, and every verdict is printed and
shown on the staff page.

The venue is made on the first run and kept, so what you see was recorded: stop
with Ctrl-C, start again, and who was inside still is.

With --fleet it plays a whole day at a stadium instead: central sells through four
channels, six boxes are enrolled by codes held up to their readers, tickets are
refunded and handed over while doors are open, the doors lose the internet, a box
dies and a spare takes its place. In the evening the books are compared: it exits
with 1 when they do not balance.`,
		Example: indent("venuegate demo\nvenuegate demo --once --pace 0s\nvenuegate demo --fleet\nvenuegate demo --fleet --tickets 500 --minutes 0.5 --json"),
		Args:    between(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := day.check(cmd); err != nil {
				return err
			}
			if day.play {
				if cmd.Flags().Changed("venue") {
					day.dir = o.dir
				}
				return t.demoFleet(cmd.Context(), &day)
			}
			o.language = gate.Language(language)
			if o.language != gate.Chinese && o.language != gate.English {
				return &usageError{fmt.Sprintf("--lang is %q, not zh-CN or en", language)}
			}
			return runDemo(cmd.Context(), o, t.out, t.err)
		},
	}
	f := c.Flags()
	f.StringVar(&o.dir, "venue", "demo", "directory of the demo's venue, made if missing")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address of the staff page")
	f.StringVar(&language, "lang", language, "language of the verdicts: zh-CN or en")
	f.DurationVar(&o.pace, "pace", 1500*time.Millisecond, "pause between visitors")
	f.BoolVar(&o.once, "once", false, "stop when each kind of visitor has been")
	f.BoolVar(&o.verbose, "verbose", false, "print the gate's log too")
	day.flags(f)
	return c
}

// languageOf picks the language of the first locale that is set.
func languageOf(locales ...string) gate.Language {
	for _, l := range locales {
		if len(l) >= 2 {
			if l[:2] == "zh" {
				return gate.Chinese
			}
			return gate.English
		}
	}
	return gate.English
}

// runDemo plays until ctx ends, or once through.
func runDemo(ctx context.Context, o demoOptions, out, errOut io.Writer) (err error) {
	office, err := openDemoVenue(ctx, o.dir, out)
	if err != nil {
		return err
	}
	devices, err := plugInDemo()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, devices.close()) }()
	cfg, err := demoConfig(office.Dir(), devices)
	if err != nil {
		return err
	}
	pin, err := demoPIN(cfg.Gate.DataDir, office)
	if err != nil {
		return err
	}
	listener, err := listenFor(o.listen, errOut)
	if err != nil {
		return err
	}
	log := zerolog.Nop()
	if o.verbose {
		log = zerolog.New(zerolog.ConsoleWriter{Out: errOut, TimeFormat: "15:04:05.000"}).With().Timestamp().Logger()
	}
	events := make(chan lane.Event, 256)
	the, err := appliance.New(ctx, appliance.Options{
		Config: cfg, Log: log, Version: versionText(), Listener: listener,
		OnEvent: func(e lane.Event) {
			select {
			case events <- e:
			default: // nobody reads any more
			}
		},
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	gateCtx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- the.Run(gateCtx) }()

	d := &demo{office: office, devices: devices, gate: the, events: events, pace: o.pace, print: &demoPrinter{out, o.language, office.Venue()}}
	d.print.welcome(office, listener.Addr(), pin)
	err = d.play(ctx, o.once)
	if ctx.Err() != nil {
		err = nil // Ctrl-C is how a demo ends
	}
	d.print.goodbye(the.State())
	stop()
	return errors.Join(err, <-done, the.Close())
}

// openDemoVenue opens the venue of an earlier run, or makes one.
func openDemoVenue(ctx context.Context, dir string, out io.Writer) (*central.Office, error) {
	_, err := os.Stat(filepath.Join(dir, "venue.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		made, err := makeVenue(ctx, dir, time.Now(), rand.Reader)
		if err != nil {
			return nil, err
		}
		_, _ = fmt.Fprintf(out, "Made a demo venue in %s\n", made.dir)
		return made.office, nil
	case err != nil:
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	office, err := central.Open(dir)
	if err != nil {
		return nil, err
	}
	sessions := office.Events()[0].Sessions
	if last := sessions[len(sessions)-1]; time.Now().After(last.End) {
		return nil, advise(fmt.Errorf("the last session of the demo in %s ended on %s", dir, last.End.Format(time.DateOnly)),
			"Remove that directory and start again, or choose another with --venue.")
	}
	return office, nil
}

// demoPIN gives the demo's staff a new PIN in every run: what is printed is all
// there is of it. A venue of an earlier version has no staff, and gets none.
func demoPIN(dataDir string, office *central.Office) (gate.Private, error) {
	if len(office.Venue().Staff) == 0 {
		return "", nil
	}
	book, err := pins.Open(dataDir)
	if err != nil {
		return "", err
	}
	pin := newPIN()
	return pin, book.Set(central.DemoStaff, pin)
}

// listenFor opens the page's address. Where the usual one is taken, any other
// will do for a demo.
func listenFor(address string, errOut io.Writer) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		return listener, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(errOut, "%s is taken; the page is at another port\n", address)
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}

// demoConfig is the configuration of the venue's gate, with its devices where
// the demo has plugged them in.
func demoConfig(venue string, d *demoDevices) (*config.Config, error) {
	c, err := config.Load(filepath.Join(venue, "gates", fmt.Sprint(central.DemoGate), "gate.toml"))
	if err != nil {
		return nil, err
	}
	c.Clock.Trust = "always"
	c.Pack.Poll = config.Duration(250 * time.Millisecond)
	c.Lanes = d.lanes()
	return c, c.Validate()
}
