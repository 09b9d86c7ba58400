package main

import "github.com/venuegate/venuegate/hw/camera/frametest"

// framesPerSecond is how often a camera's frames are decoded (camera.DefaultRate).
const framesPerSecond = 15

// goals prints what was aimed at beside what came out. The first reader is ours,
// the second gozxing.
func (t *table) goals(p func(format string, args ...any)) {
	ours, lib := t.over(0, frametest.Core()), t.over(1, frametest.Core())
	goal := func(ok bool, format string, args ...any) {
		verdict := "met   "
		if !ok {
			verdict = "MISSED"
		}
		p(verdict+" "+format+"\n", args...)
	}
	goal(ours.share() >= 95, "phone-screen frames: found %.1f %%, at least 95", ours.share())
	if cpp := t.peer("zxing-cpp"); cpp >= 0 {
		c := t.over(cpp, frametest.Core())
		goal(ours.share() >= c.share(), "phone-screen frames: found %.1f %%, at least zxing-cpp's %.1f", ours.share(), c.share())
		goal(ours.quantile(0.95) <= 2*c.quantile(0.95), "p95 %.2f × zxing-cpp's, at most 2", ours.quantile(0.95)/c.quantile(0.95))
	}
	if wasm := t.peer("zxing-wasm"); wasm >= 0 {
		near := func(title string, kinds []frametest.Kind) {
			a, b := t.over(0, kinds), t.over(wasm, kinds)
			goal(a.share() >= b.share()-1, "%s frames: found %.1f %%, within a point of zxing-wasm's %.1f", title, a.share(), b.share())
		}
		near("phone-screen", frametest.Core())
		near("all", frametest.Kinds())
	}
	goal(ours.quantile(0.5) <= 0.7*lib.quantile(0.5), "median %.2f × gozxing's, at most 0.7", ours.quantile(0.5)/lib.quantile(0.5))
	all := t.over(0, t.kinds)
	goal(all.wrong == 0, "%d false reads, none", all.wrong)
	goal(all.allocs <= 10, "%d allocations in a frame, at most 10", all.allocs)
	worst, at := 0.0, frametest.Kind("")
	for _, k := range t.kinds {
		if m := t.cells[0][k].mean(); m > worst {
			worst, at = m, k
		}
	}
	core := worst * framesPerSecond / 1000
	goal(core <= 0.25, "%.1f %% of a core at %d frames a second of the slowest kind (%s), at most 25", 100*core, framesPerSecond, at)
}

func (t *table) peer(name string) int {
	for i, r := range t.readers {
		if r.name() == name {
			return i
		}
	}
	return -1
}
