package qr

import "encoding/binary"

// A binarizer tells dark from light. It compares each 8 × 8 block of pixels with
// the mean level of the 5 × 5 blocks around it, the rule that ZXing's hybrid
// binarizer made common, because light across a phone's screen is never even.
// It works on eight pixels at a time: a load brings one row of a block into a
// 64-bit word, and sums and comparisons are of four 16-bit lanes.
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

// run fills out. A picture smaller than five blocks either way is left light.
func (z *binarizer) run(p *Plane, out *bitmap) {
	out.resize(p.Width, p.Height)
	z.cols, z.rows = (p.Width+block-1)/block, (p.Height+block-1)/block
	if p.Width < block || p.Height < block || z.cols < 5 || z.rows < 5 {
		return
	}
	z.levels = grow(z.levels, z.cols*z.rows)
	z.column = grow(z.column, z.cols)
	z.thresholds = grow(z.thresholds, z.cols)
	z.measure(p)
	for row := range z.rows {
		z.threshold(row)
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
	least, most := byte(255), byte(0)
	for y := range block {
		row := binary.LittleEndian.Uint64(pix[y*stride:])
		sum += row&evenBytes + row>>8&evenBytes
		if y&1 == 0 {
			row >>= (y & 2) * 4 // even columns, then odd ones
			a, b, c, d := byte(row), byte(row>>16), byte(row>>32), byte(row>>48)
			least = min(least, a, b, c, d)
			most = max(most, a, b, c, d)
		}
	}
	sum += sum >> 32
	sum += sum >> 16
	return int32(sum & 0xffff >> 6), int32(least), int32(most)
}

// threshold prepares the thresholds of a row of blocks, four times in a word
// each. At the borders the nearest full square of 5 × 5 blocks counts.
func (z *binarizer) threshold(row int) {
	top := min(max(row-2, 0), z.rows-5)
	for col := range z.column {
		var sum int32
		for i := range 5 {
			sum += z.levels[(top+i)*z.cols+col]
		}
		z.column[col] = sum
	}
	for col := range z.thresholds {
		left := min(max(col-2, 0), z.cols-5)
		s := z.column[left : left+5]
		mean := (s[0] + s[1] + s[2] + s[3] + s[4]) / 25
		z.thresholds[col] = uint64(mean)*eachLane | laneTop
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

// darker compares eight pixels with a threshold; bit i is for pixel i. The bit
// above a lane's byte survives the subtraction when nothing was borrowed.
func darker(pix, threshold uint64) uint64 {
	even := (threshold - pix&evenBytes) & laneTop >> 8
	odd := (threshold - pix>>8&evenBytes) & laneTop >> 7
	b := even | odd // bits 0 and 1 of each lane
	return (b | b>>14 | b>>28 | b>>42) & 0xff
}
