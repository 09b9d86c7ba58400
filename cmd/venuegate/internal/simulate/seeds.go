package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Child is how a process of its own is started for one seed: the program and the
// first arguments of a command line that ends in RunChild.
type Child []string

// outcome is what comes back from a child. Options go to it.
type outcome struct {
	Report  *Report
	Details Details
	Error   string
}

// RunChild reads what to simulate, runs it and writes what came of it. It ends
// the process.
func RunChild(in io.Reader, out io.Writer) {
	InBubble(func() int {
		var o Options
		var done outcome
		err := json.NewDecoder(in).Decode(&o)
		if err == nil {
			done.Report, err = Run(o)
		}
		if err != nil {
			done.Error = err.Error()
		} else {
			done.Details = done.Report.Details
		}
		if json.NewEncoder(out).Encode(done) != nil {
			return 1
		}
		return 0
	})
}

// Seeds simulates seeds from o.Seed on, several at a time, each in a process of
// its own, and calls each with what came of it, in the order of the seeds. The
// error is the first seed's that could not be simulated.
func Seeds(ctx context.Context, self Child, o Options, seeds, jobs int, each func(*Report)) error {
	if err := o.Check(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		report *Report
		err    error
	}
	results := make([]chan result, seeds)
	slots := make(chan struct{}, max(1, jobs))
	var children sync.WaitGroup
	defer children.Wait()
	defer cancel() // before the wait
	for i := range results {
		results[i] = make(chan result, 1)
	}
	children.Go(func() {
		for i := range results {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				results[i] <- result{err: ctx.Err()}
				continue
			}
			one := o
			one.Seed += uint64(i)
			children.Go(func() {
				report, err := inChild(ctx, self, one)
				<-slots
				results[i] <- result{report, err}
			})
		}
	})
	for i := range results {
		r := <-results[i]
		if r.err != nil {
			return fmt.Errorf("seed %d: %w", o.Seed+uint64(i), r.err)
		}
		each(r.report)
	}
	return nil
}

func inChild(ctx context.Context, self Child, o Options) (r *Report, err error) {
	dir, err := os.MkdirTemp(o.Dir, "venuegate-simulation-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	o.Dir = dir
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var out, trouble bytes.Buffer
	cmd := exec.CommandContext(ctx, self[0], self[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, &trouble
	ran := cmd.Run()
	var done outcome
	if err := json.NewDecoder(&out).Decode(&done); err != nil || ran != nil {
		return nil, fmt.Errorf("the simulation broke off: %w\n%s%s", errors.Join(ran, err), opening(trouble.Bytes()), opening(out.Bytes()))
	}
	if done.Error != "" {
		return nil, errors.New(done.Error)
	}
	done.Report.Details = done.Details
	return done.Report, nil
}

// opening is the beginning of what a process said when it broke off: the reason
// stands before the goroutines.
func opening(b []byte) []byte { return b[:min(len(b), 4<<10)] }
