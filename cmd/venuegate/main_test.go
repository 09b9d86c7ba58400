package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"venuegate": func() { os.Exit(start()) }})
}

// TestScripts runs every command as people do; see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":    codeCommand,
			"usage":   usageCommand,
			"journal": journalCommand,
			"records": recordsCommand,
			"damage":  damageCommand,
		},
	})
}

// codeCommand runs the tool and checks its exit code: code 2 venuegate.
func codeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = exitCode(err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// usageCommand checks that a command line is refused as wrong usage, with
// nothing on standard output and a pointer to the help.
func usageCommand(ts *testscript.TestScript, neg bool, args []string) {
	codeCommand(ts, neg, append([]string{"2"}, args...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("wrong usage, and yet something on standard output")
	}
	ts.Check(matches(ts.ReadFile("stderr"), `(?m)^See: venuegate.* --help$`))
}
