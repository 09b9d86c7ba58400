package qr

import (
	"errors"
	"image"
	"runtime"
	"sync"
	"testing"

	"github.com/venuegate/venuegate/hw/camera/frametest"
)

func planeOf(img *image.Gray) Plane {
	return Plane{Pix: img.Pix, Width: img.Rect.Dx(), Height: img.Rect.Dy(), Stride: img.Stride}
}

// What is found of a few frames of every kind. Frames and decoder do the same
// every time, so a change for the worse shows here; docs/benchmarks-qr.md has
// the figures over more of them, and those of other decoders.
func TestFrames(t *testing.T) {
	const each = 7
	least := map[frametest.Kind]int{ // all of them where it is not said otherwise
		frametest.Glare: 5, frametest.Moire: 5, frametest.MixedHD: 6,
		frametest.ShortArm: 6, frametest.ShortFar: 6,
	}
	type job struct {
		kind frametest.Kind
		n    int
	}
	jobs := make(chan job)
	var mu sync.Mutex
	found := map[frametest.Kind]int{}
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			d := NewDecoder()
			for j := range jobs {
				f := frametest.Draw(j.kind, j.n)
				text, err := d.Decode(planeOf(f.Image))
				switch {
				case err != nil && !errors.Is(err, ErrNoCode):
					t.Errorf("%s %d: %v", j.kind, j.n, err)
				case err == nil && text != f.Text:
					t.Errorf("%s %d: a false read", j.kind, j.n)
				case err == nil:
					mu.Lock()
					found[j.kind]++
					mu.Unlock()
				}
			}
		})
	}
	for _, kind := range append(frametest.Kinds(), frametest.Negative) {
		for n := range each {
			jobs <- job{kind, n}
		}
	}
	close(jobs)
	wg.Wait()
	for _, kind := range frametest.Kinds() {
		want, ok := least[kind]
		if !ok {
			want = each
		}
		if found[kind] < want {
			t.Errorf("%s: %d of %d found, want %d", kind, found[kind], each, want)
		}
	}
}

// Every frame after the first of its size costs the text and little else.
func TestAllocations(t *testing.T) {
	const most = 10
	d := NewDecoder()
	for _, kind := range []frametest.Kind{frametest.Clean, frametest.Mixed, frametest.ShortArm, frametest.Negative} {
		f := frametest.Draw(kind, 3)
		if n := testing.AllocsPerRun(5, func() { _, _ = d.Decode(planeOf(f.Image)) }); n > most {
			t.Errorf("%s: %v allocations a frame, want at most %d", kind, n, most)
		} else {
			t.Logf("%s: %v allocations a frame", kind, n)
		}
	}
}
