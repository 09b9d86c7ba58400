// Command venuegated is the daemon on a gate: it runs the lanes, the staff page
// and everything behind them until it is told to stop.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a box may have no zone database, and events name their zone

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
)

// version is set by the build.
var version = "devel"

// Exit codes, those of sysexits.h where it has one. The unit does not restart
// after a configuration error: it would fail again.
const (
	exitFailed = 1
	exitUsage  = 64
	exitConfig = 78
)

func main() { os.Exit(start()) }

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr, reload)
}

// run is the daemon without the process around it.
func run(ctx context.Context, args []string, out, errOut io.Writer, reload <-chan os.Signal) int {
	flags := flag.NewFlagSet("venuegated", flag.ContinueOnError)
	flags.SetOutput(errOut)
	path := flags.String("config", "/etc/venuegate/gate.toml", "the gate's configuration `file`")
	check := flags.Bool("check", false, "check the configuration and stop")
	showVersion := flags.Bool("version", false, "print the version and stop")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	if *showVersion {
		_, _ = fmt.Fprintln(out, "venuegated", version)
		return 0
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(errOut, "venuegated: unexpected %q; the configuration goes after --config\n", flags.Arg(0))
		return exitUsage
	}
	cfg, err := load(*path)
	if err != nil {
		_, _ = fmt.Fprintln(errOut, "venuegated:", err)
		return exitConfig
	}
	if *check {
		_, _ = fmt.Fprintf(out, "%s: good, %d lane(s)\n", *path, len(cfg.Lanes))
		if cfg.Gate.ID == 0 {
			_, _ = fmt.Fprintln(out, "this box is not enrolled: it will wait for an enrolment code at its readers")
		}
		return 0
	}
	if err := serve(ctx, cfg, *path, errOut, reload); err != nil {
		_, _ = fmt.Fprintln(errOut, "venuegated:", err)
		var wrong config.Errors
		if errors.As(err, &wrong) {
			return exitConfig
		}
		return exitFailed
	}
	return 0
}

// load reads a configuration, completes it by what the box was enrolled as, and
// builds its devices once, so that everything wrong with them is known before
// anything runs. gate.id is zero where the box is to be enrolled first.
func load(path string) (*config.Config, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	return cfg, errors.Join(appliance.Place(cfg), appliance.Check(cfg))
}

func serve(ctx context.Context, cfg *config.Config, path string, errOut io.Writer, reload <-chan os.Signal) error {
	log := newLogger(errOut, cfg.Log)
	options := appliance.Options{
		Config: cfg, Log: log, Version: version,
		Notify: func(state string) { _, _ = daemon.SdNotify(false, state) },
	}
	if cfg.Gate.ID == 0 {
		if err := appliance.Enrol(ctx, options); err != nil || ctx.Err() != nil {
			return err
		}
		var err error
		if options.Config, err = load(path); err != nil {
			return err
		}
	}
	for {
		if err := runGate(ctx, options, path, reload); !errors.Is(err, appliance.ErrNewIncarnation) {
			return err
		}
		if cfg, err := load(path); err == nil {
			options.Config = cfg // it may have been reloaded meanwhile
		}
	}
}

// runGate opens a gate, runs it and closes it again.
func runGate(ctx context.Context, options appliance.Options, path string, reload <-chan os.Signal) error {
	gate, err := appliance.New(ctx, options)
	if err != nil {
		return err
	}
	reloads := make(chan struct{})
	reloading, stopReloading := context.WithCancel(ctx)
	go func() {
		defer close(reloads)
		for {
			select {
			case <-reload:
				again(gate, path, options.Log)
			case <-reloading.Done():
				return
			}
		}
	}()
	err = gate.Run(ctx)
	stopReloading()
	<-reloads
	return errors.Join(err, gate.Close())
}

// again reloads the configuration, or keeps the last good one and says why.
func again(gate *appliance.Appliance, path string, log zerolog.Logger) {
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReloading)
	cfg, err := load(path)
	if err != nil {
		gate.ReloadFailed(err)
	} else {
		err = gate.Reload(cfg)
	}
	if err != nil {
		log.Error().Err(err).Msg("the new configuration is not used; the last good one stays")
	}
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
}

func newLogger(w io.Writer, c config.Log) zerolog.Logger {
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil {
		level = zerolog.InfoLevel // the configuration has been checked
	}
	if c.Format == "console" {
		f, isFile := w.(*os.File)
		w = zerolog.ConsoleWriter{
			Out: w, TimeFormat: "15:04:05.000", NoColor: !isFile || !isatty.IsTerminal(f.Fd()),
		}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}
