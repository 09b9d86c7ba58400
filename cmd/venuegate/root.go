package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// tool is what commands share: where they read and write, and the clock.
type tool struct {
	in  io.Reader
	out io.Writer // what was asked for
	err io.Writer // what went wrong, and remarks
	now func() time.Time

	begun bool // the command line was understood
}

// Exit codes. A script can tell "no" from "you asked it wrong".
const (
	exitOK    = 0
	exitNo    = 1 // a negative answer, or something went wrong
	exitUsage = 2
)

// run executes a command line and returns the exit code.
func (t *tool) run(ctx context.Context, args []string) int {
	root := t.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var wrong *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errNo):
		return exitNo
	case errors.As(err, &wrong), !t.begun:
		_, _ = fmt.Fprintf(t.err, "%s: %v\nSee: %s --help\n", cmd.CommandPath(), err, cmd.CommandPath())
		return exitUsage
	}
	_, _ = fmt.Fprintf(t.err, "%s: %v\n", cmd.CommandPath(), err)
	var a *advised
	if errors.As(err, &a) {
		_, _ = fmt.Fprintln(t.err, a.next)
	}
	return exitNo
}

func (t *tool) root() *cobra.Command {
	root := t.group("venuegate", "Run the tickets, packs and gates of a venue", `
Runs a venue's gates from a terminal: make a venue, issue and show tickets, put
the signed pack on a gate, and look at what a gate has recorded. It works on
directories and files, needs no network, and does not disturb a running gate.

Exit codes: 0 done or yes, 1 no or failed, 2 wrong usage.`, `
venuegate init /srv/stadium
venuegate ticket issue --venue /srv/stadium
venuegate log --data /srv/stadium/gates/1/data --follow`)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagProblem(err) })
	root.Version = versionText()
	root.SetVersionTemplate("venuegate {{.Version}}\n")
	root.AddCommand(t.commands()...)
	t.mark(root)
	return root
}

// mark notes when a command line was understood: until then every error is one
// of usage.
func (t *tool) mark(cmd *cobra.Command) {
	if do := cmd.RunE; do != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			t.begun = true
			return do(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		t.mark(sub)
	}
}

// group is a command that only holds others.
func (t *tool) group(use, short, long, example string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: strings.TrimSpace(long), Example: indent(example),
		Args: cobra.ArbitraryArgs, SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				_ = cmd.Help()
				return usagef("which command?")
			}
			// The word is not repeated: it may be an ID number that went astray.
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				return usagef("no such command; did you mean %s?", strings.Join(near, " or "))
			}
			return usagef("no such command; there are %s", strings.Join(subNames(cmd), ", "))
		},
	}
	cmd.AddCommand(subs...)
	return cmd
}

func subNames(cmd *cobra.Command) []string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// indent is how examples stand in help texts.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

// errNo is a negative answer that has been printed.
var errNo = errors.New("no")

// usageError is a command line that makes no sense.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// advised is an error with what to do next.
type advised struct {
	error
	next string
}

func (e *advised) Unwrap() error { return e.error }

func advise(err error, format string, args ...any) error {
	return &advised{err, fmt.Sprintf(format, args...)}
}

// flagProblem is a flag's error without the value that was given, which may be
// a key or a document number.
func flagProblem(err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		if name := unknown.GetSpecifiedName(); len(name) > 1 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") == "" {
			return usagef("there is no flag --%s", name)
		}
		return usagef("there is no such flag; put -- before an argument that begins with a dash")
	case errors.As(err, &bare):
		return usagef("--%s needs a value", bare.GetFlag().Name)
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return usagef("--%s: not a valid %s", f.Name, f.Value.Type())
	}
	return usagef("a flag that cannot be read")
}

// between accepts so many arguments; what names them.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if n := len(args); n < least || most >= 0 && n > most {
			return usagef("%d arguments given, want %s", n, what)
		}
		return nil
	}
}
