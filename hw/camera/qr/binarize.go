package qr

import "encoding/binary"

// A binarizer tells dark from light. It compares each 8 × 8 block of pixels with
// the mean level of the blocks around it, the rule that ZXing's hybrid binarizer
// made common, because light across a phone's screen is never even. It works on
// eight pixels at a time: a load brings one row of a block into a 64-bit word,
// and sums and comparisons are of four 16-bit lanes.
type binarizer struct {
	cols, rows int
	levels     []int32 // of each block
	column     []int32 // sums over five blocks, one above the other
	thresholds []uint64
}

const (
	block = 8
	// minContrast is by how much the pixels of a block must differ for it to
	// hold dark and light ones. Less is noise.
	minContrast = 24

	evenBytes = 0x00ff00ff00ff00ff
	eachLane  = 0x0001000100010001
	laneTop   = 0x0100010001000100 // one above a byte in each lane
)

// run fills out. Blocks up to radius away count: 2 makes squares of 5 × 5 blocks,
// which large modules need; 1 makes 3 × 3, which see the light ring of a blurred
// finder pattern. A picture with fewer blocks either way is left light.
func (z *binarizer) run(p *Plane, radius int, out *bitmap) {
	side := 2*radius + 1
	out.resize(p.Width, p.Height)
	z.cols, z.rows = (p.Width+block-1)/block, (p.Height+block-1)/block
	if p.Width < block || p.Height < block || z.cols < side || z.rows < side {
		return
	}
	z.thresholds = grow(z.thresholds, z.cols)
	z.levels = grow(z.levels, z.cols*z.rows)
	z.column = grow(z.column, z.cols)
	z.measure(p)
	for row := range z.rows {
		z.threshold(row, radius)
		from, to := row*block, min(row*block+block, p.Height)
		for y := from; y < to; y++ {
			z.compare(p.Pix[y*p.Stride:y*p.Stride+p.Width], out.bits[y*out.words:(y+1)*out.words])
		}
	}
}

// at is where block i of a side of n pixels begins; the last one overlaps its
// neighbour so that it is whole.
func at(i, n int) int { return min(i*block, n-block) }

// measure finds the level of each block: the mean of its pixels. A block
// without contrast is taken for all light, half its darkest pixel being lower
// than any in it, unless blocks before it show that something as bright as this
// is dark.
func (z *binarizer) measure(p *Plane) {
	for row := range z.rows {
		levels := z.levels[row*z.cols : (row+1)*z.cols]
		for col := range levels {
			mean, low, high := stats(p.Pix[at(row, p.Height)*p.Stride+at(col, p.Width):], p.Stride)
			if high-low <= minContrast {
				mean = low / 2
				if row > 0 && col > 0 {
					above := z.levels[(row-1)*z.cols:]
					around := (above[col] + 2*levels[col-1] + above[col-1]) / 4
					if low < around {
						mean = around
					}
				}
			}
			levels[col] = mean
		}
	}
}

// stats returns the mean of a block, and the least and greatest of a quarter of
// its pixels, which is as good for seeing whether there is contrast.
func stats(pix []byte, stride int) (mean, low, high int32) {
	var sum uint64
	least, most := uint64(evenBytes), uint64(0)
	for y := range block {
		row := binary.LittleEndian.Uint64(pix[y*stride:])
		even, odd := row&evenBytes, row>>8&evenBytes
		sum += even + odd
		if y&1 == 1 {
			least, most = lesser(least, odd), greater(most, odd)
		}
	}
	sum += sum >> 32
	sum += sum >> 16
	least = lesser(least, least>>32)
	most = greater(most, most>>32)
	return int32(sum & 0xffff >> 6),
		int32(min(least&0xff, least>>16&0xff)), int32(max(most&0xff, most>>16&0xff))
}

// lesser is the lesser byte of each lane, greater the greater one.
func lesser(a, b uint64) uint64 {
	m := notLess(a, b)
	return b&m | a&^m
}

func greater(a, b uint64) uint64 {
	m := notLess(a, b)
	return a&m | b&^m
}

// notLess is 0xff in each lane in which a is not less than b: the bit above a's
// byte survives the subtraction when nothing was borrowed.
func notLess(a, b uint64) uint64 {
	m := (a | laneTop) - b&evenBytes
	m &= laneTop
	return m - m>>8
}

// threshold prepares the thresholds of a row of blocks, four times in a word
// each. At the borders the nearest whole square of blocks counts.
func (z *binarizer) threshold(row, radius int) {
	side := 2*radius + 1
	top := min(max(row-radius, 0), z.rows-side)
	for col := range z.column {
		var sum int32
		for i := range side {
			sum += z.levels[(top+i)*z.cols+col]
		}
		z.column[col] = sum
	}
	for col := range z.thresholds {
		left := min(max(col-radius, 0), z.cols-side)
		var sum int32
		for _, v := range z.column[left : left+side] {
			sum += v
		}
		z.thresholds[col] = uint64(sum/int32(side*side))*eachLane | laneTop
	}
}

// compare sets the bit of each pixel that is not brighter than its threshold.
func (z *binarizer) compare(pix []byte, out []uint64) {
	whole := len(pix) / block
	for col := range whole {
		out[col>>3] |= darker(binary.LittleEndian.Uint64(pix[col*block:]), z.thresholds[col]) << (col & 7 * 8)
	}
	if rest := len(pix) % block; rest != 0 {
		b := darker(binary.LittleEndian.Uint64(pix[len(pix)-block:]), z.thresholds[whole])
		out[whole>>3] |= b >> (block - rest) << (whole & 7 * 8)
	}
}

// darker compares eight pixels with a threshold; bit i is for pixel i.
func darker(pix, threshold uint64) uint64 {
	even := (threshold - pix&evenBytes) & laneTop >> 8
	odd := (threshold - pix>>8&evenBytes) & laneTop >> 7
	b := even | odd // bits 0 and 1 of each lane
	return (b | b>>14 | b>>28 | b>>42) & 0xff
}
