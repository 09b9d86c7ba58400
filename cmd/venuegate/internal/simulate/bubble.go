package simulate

import (
	"flag"
	"os"
	"testing"
	"testing/synctest"
)

// InBubble runs do in a synctest bubble, whose clock stands still while anything
// runs and jumps when all wait, and exits the process with the code that do
// returns. It is for a process that does nothing else: a bubble is the testing
// package's, and that ends the process.
func InBubble(do func() int) {
	testing.Init()
	if err := flag.CommandLine.Parse(nil); err != nil { // not the tool's own arguments
		panic(err) // there are none to be wrong
	}
	all := func(string, string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: "simulation", F: func(t *testing.T) {
		synctest.Test(t, func(*testing.T) { os.Exit(do()) })
	}}}, nil, nil)
}
