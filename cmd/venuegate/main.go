// Venuegate is the operator's tool: it makes a venue, issues and shows tickets,
// builds and installs packs, reads codes and journals. Everything works offline
// on directories and files; nothing here talks to a running gate.
//
// It never prints, stores or quotes in an error a document number or a name,
// nor a code that it was not asked for. People call it at a desk or at a gate,
// and scripts with --json.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // events name their time zone; small systems have no zone database
)

// version is set by the build: -ldflags '-X main.version=…'.
var version string

func main() { os.Exit(start()) }

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := &tool{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: time.Now}
	return t.run(ctx, os.Args[1:])
}
