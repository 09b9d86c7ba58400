package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/venuegate/venuegate/hw/camera/frametest"
)

// tally is what one reader did with some frames.
type tally struct {
	frames, found, wrong int
	took                 []time.Duration
	allocs               uint64 // most in a frame
}

func (t *tally) add(f frametest.Frame, r result) {
	t.frames++
	switch r.text {
	case "":
	case f.Text:
		t.found++
	default:
		t.wrong++
	}
	t.took = append(t.took, r.took)
	t.allocs = max(t.allocs, r.allocs)
}

func (t *tally) join(o *tally) {
	t.frames += o.frames
	t.found += o.found
	t.wrong += o.wrong
	t.took = append(t.took, o.took...)
	t.allocs = max(t.allocs, o.allocs)
}

// share of the frames that was found, in per cent.
func (t *tally) share() float64 { return 100 * float64(t.found) / float64(t.frames) }

// quantile q of the times, in milliseconds.
func (t *tally) quantile(q float64) float64 {
	s := slices.Sorted(slices.Values(t.took))
	return ms(s[min(int(q*float64(len(s))), len(s)-1)])
}

func (t *tally) mean() float64 {
	var sum time.Duration
	for _, d := range t.took {
		sum += d
	}
	return ms(sum) / float64(len(t.took))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// table collects tallies by reader and kind.
type table struct {
	readers []reader
	kinds   []frametest.Kind
	cells   []map[frametest.Kind]*tally // by reader
}

func newTable(readers []reader) *table {
	t := &table{readers: readers}
	for range readers {
		t.cells = append(t.cells, map[frametest.Kind]*tally{})
	}
	return t
}

func (t *table) add(reader int, f frametest.Frame, r result) {
	if !slices.Contains(t.kinds, f.Kind) {
		t.kinds = append(t.kinds, f.Kind)
	}
	c := t.cells[reader][f.Kind]
	if c == nil {
		c = &tally{}
		t.cells[reader][f.Kind] = c
	}
	c.add(f, r)
}

// over joins a reader's tallies of some kinds.
func (t *table) over(reader int, kinds []frametest.Kind) *tally {
	sum := &tally{}
	for _, k := range kinds {
		sum.join(t.cells[reader][k])
	}
	return sum
}

func (t *table) print(w io.Writer) {
	p := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	p("| found %%, median ms |")
	for _, r := range t.readers {
		p(" %s |", r.name())
	}
	p("\n|---|%s\n", strings.Repeat("---|", len(t.readers)))
	row := func(title string, kinds []frametest.Kind) {
		p("| %s |", title)
		for i := range t.readers {
			c := t.over(i, kinds)
			p(" %.1f, %.2f |", c.share(), c.quantile(0.5))
		}
		p("\n")
	}
	for _, k := range t.kinds {
		if k != frametest.Negative {
			row(string(k), []frametest.Kind{k})
		}
	}
	row("**phone-screen frames** (first ten)", frametest.Core())
	row("**all frames with a code**", frametest.Kinds())
	line := func(title, unit string, kinds []frametest.Kind, f func(*tally) float64) {
		p("| %s |", title)
		for i := range t.readers {
			p(" "+unit+" |", f(t.over(i, kinds)))
		}
		p("\n")
	}
	negative := []frametest.Kind{frametest.Negative}
	line("phone-screen frames, p95 ms", "%.2f", frametest.Core(), func(c *tally) float64 { return c.quantile(0.95) })
	line("phone-screen frames, p99 ms", "%.2f", frametest.Core(), func(c *tally) float64 { return c.quantile(0.99) })
	line("frames without a code, median ms", "%.2f", negative, func(c *tally) float64 { return c.quantile(0.5) })
	line("frames without a code, p95 ms", "%.2f", negative, func(c *tally) float64 { return c.quantile(0.95) })
	line("frames without a code, false reads", "%.0f", negative, func(c *tally) float64 { return float64(c.wrong) })
	line("wrong texts in all frames", "%.0f", t.kinds, func(c *tally) float64 { return float64(c.wrong) })
	p("| most allocations in a frame |")
	for i := range t.readers {
		if _, ok := t.readers[i].(*inProcess); ok {
			p(" %d |", t.over(i, t.kinds).allocs)
		} else {
			p(" – |")
		}
	}
	p("\n\n")
	t.goals(p)
}
