package qr

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	dir := os.Getenv("FR")
	if dir == "" {
		t.Skip()
	}
	f, _ := os.Open(dir + "/frames.bin")
	r := bufio.NewReaderSize(f, 1<<20)
	texts, _ := os.ReadFile(dir + "/texts")
	d := NewDecoder()
	type st struct {
		hit, n int
		us     []float64
		miss   []string
	}
	kinds := map[string]*st{}
	var order []string
	var core []float64
	ch, cn := 0, 0
	for _, line := range strings.Split(strings.TrimRight(string(texts), "\n"), "\n") {
		fs := strings.Split(line, "\t")
		var hd [2]uint32
		_ = binary.Read(r, binary.LittleEndian, &hd)
		pix := make([]byte, hd[0]*hd[1])
		_, _ = io.ReadFull(r, pix)
		p := Plane{pix, int(hd[0]), int(hd[1]), int(hd[0])}
		best := 1e9
		var text string
		for range 3 {
			b := time.Now()
			text, _ = d.Decode(p)
			best = min(best, float64(time.Since(b).Nanoseconds())/1000)
		}
		s := kinds[fs[0]]
		if s == nil {
			s = &st{}
			kinds[fs[0]] = s
			order = append(order, fs[0])
		}
		s.n++
		s.us = append(s.us, best)
		ok := hex.EncodeToString([]byte(text)) == fs[2]
		if fs[2] == "" {
			ok = text != ""
		}
		if ok {
			s.hit++
		} else {
			why := fmt.Sprintf("%s(p%d c%d m%d", fs[1], len(d.finder.found), len(d.corners), len(d.models))
			if text != "" {
				why += " WRONG"
			}
			s.miss = append(s.miss, why+")")
		}
		if len(order) <= 10 {
			core = append(core, best)
			cn++
			if ok {
				ch++
			}
		}
	}
	for _, k := range order {
		s := kinds[k]
		slices.Sort(s.us)
		if k == "no code" {
			s.miss = nil
		}
		fmt.Printf("%-22s %d/%d med %.0f p95 %.0f %v\n", k, s.hit, s.n, s.us[len(s.us)/2], s.us[len(s.us)*95/100], s.miss)
	}
	slices.Sort(core)
	fmt.Printf("core %.3f med %.0f p95 %.0f\n", float64(ch)/float64(cn), core[len(core)/2], core[len(core)*95/100])
}
