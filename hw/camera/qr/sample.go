package qr

// grid is a code as a square of modules, without its quiet zone.
type grid struct {
	size  int
	dark  []bool
	level []float32 // brightness of each module, more where lighter
	scrap []float32
}

// spread is how far from a module's middle, in modules, it is looked at besides.
const spread = 0.22

// sample measures the brightness of each module: the mean of its middle and,
// unless single, of four places around that. It fails when more of the code than
// error correction could bring back is outside the picture.
func (g *grid) sample(p *Plane, m *model, sign float64, single bool) bool {
	g.size = m.size
	g.level = grow(g.level, g.size*g.size)
	places := []point{{0, 0}, {spread, 0}, {-spread, 0}, {0, spread}, {0, -spread}}
	if single {
		places = places[:1]
	}
	lost := 0
	for j := range g.size {
		for i := range g.size {
			u, v := float64(i)+0.5, float64(j)+0.5
			sum := 0.0
			for _, o := range places {
				at := m.at(u+o.x, v+o.y)
				s := p.sample(at.x, at.y)
				if s == outside {
					lost++
					s = 128
				}
				sum += s
			}
			g.level[j*g.size+i] = float32(sign * sum / float64(len(places)))
		}
	}
	return lost*5 < g.size*g.size*len(places)
}

// equalise undoes blur: a module has taken a share of each neighbour's light. k
// is that share.
func (g *grid) equalise(k float32) {
	n := g.size
	g.scrap = append(g.scrap[:0], g.level...)
	for j := range n {
		for i := range n {
			at := j*n + i
			sum, count := float32(0), float32(0)
			if i > 0 {
				sum, count = sum+g.scrap[at-1], count+1
			}
			if i < n-1 {
				sum, count = sum+g.scrap[at+1], count+1
			}
			if j > 0 {
				sum, count = sum+g.scrap[at-n], count+1
			}
			if j < n-1 {
				sum, count = sum+g.scrap[at+n], count+1
			}
			g.level[at] = (g.scrap[at] - k*sum) / (1 - k*count)
		}
	}
}

// window is how far from a module, in modules, others count for its threshold.
const window = 4

// threshold calls dark what is darker than the mean of the modules around it,
// of which about half are dark: masking sees to that.
func (g *grid) threshold() {
	n := g.size
	// sums[j][i] is the sum of all levels above and to the left of i, j.
	g.scrap = grow(g.scrap, (n+1)*(n+1))
	clear(g.scrap[:n+1])
	for j := range n {
		row := float32(0)
		g.scrap[(j+1)*(n+1)] = 0
		for i := range n {
			row += g.level[j*n+i]
			g.scrap[(j+1)*(n+1)+i+1] = g.scrap[j*(n+1)+i+1] + row
		}
	}
	g.dark = grow(g.dark, n*n)
	for j := range n {
		top, bottom := max(j-window, 0)*(n+1), min(j+window+1, n)*(n+1)
		for i := range n {
			left, right := max(i-window, 0), min(i+window+1, n)
			sum := g.scrap[bottom+right] - g.scrap[top+right] - g.scrap[bottom+left] + g.scrap[top+left]
			area := float32((right - left) * ((bottom - top) / (n + 1)))
			g.dark[j*n+i] = g.level[j*n+i]*area < sum
		}
	}
}
