// Benchqr compares our reading of QR codes with other decoders' on the frames of
// hw/camera/frametest: what each finds, how long it takes, and what it allocates.
//
// All decoders get the same frame one after the other, three times each, and the
// least time counts, so that a busy machine slows them all alike. It installs
// nothing; peers/install.sh does. `make bench-qr` runs it.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/venuegate/venuegate/hw/camera/frametest"
)

func main() {
	n := flag.Int("n", 60, "frames of each kind")
	first := flag.Int("first", 0, "number of the first frame of each kind")
	wasm := flag.String("zxing-wasm", defaultWASM(), "folder of npm's zxing-wasm")
	flag.Parse()
	if err := run(*n, *first, *wasm); err != nil {
		fmt.Fprintln(os.Stderr, "benchqr:", err)
		os.Exit(1)
	}
}

func run(n, first int, wasm string) (err error) {
	if n < 1 {
		return fmt.Errorf("-n %d: at least one frame is needed", n)
	}
	readers := []reader{newOurs(), newGozxing()}
	scratch, err := os.MkdirTemp("", "benchqr")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	for _, start := range []func() (reader, error){
		func() (reader, error) { return startCpp(scratch) },
		func() (reader, error) { return startWASM(scratch, wasm) },
	} {
		r, err := start()
		if err != nil {
			fmt.Println("left out:", err)
			continue
		}
		readers = append(readers, r)
	}
	defer func() {
		for _, r := range readers {
			if e := r.close(); err == nil {
				err = e
			}
		}
	}()

	fmt.Printf("%s, %s/%s, %d processors; frames %d to %d of each kind\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), first, first+n-1)
	t := newTable(readers)
	for _, kind := range append(frametest.Kinds(), frametest.Negative) {
		for _, frame := range drawn(kind, first, n) {
			for i, r := range readers {
				got, err := r.read(frame.Image)
				if err != nil {
					return fmt.Errorf("%s, %s %d: %w", r.name(), kind, frame.N, err)
				}
				t.add(i, frame, got)
			}
		}
	}
	t.print(os.Stdout)
	return nil
}

// drawn draws n frames on all processors. No decoder is timed meanwhile.
func drawn(kind frametest.Kind, first, n int) []frametest.Frame {
	frames := make([]frametest.Frame, n)
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				frames[i] = frametest.Draw(kind, first+i)
			}
		})
	}
	wg.Wait()
	return frames
}
