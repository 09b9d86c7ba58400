package qr

// reader turns a grid of modules into text.
type reader struct {
	corrector
	message
	layouts [(maxSize-minSize)/4 + 1]*layout
	raw     []byte // codewords as they stand
	blk     []byte // one block
	data    []byte // data bytes of all blocks
}

// layout returns the layout of a size, which it makes when it is first asked.
func (r *reader) layout(size int) (*layout, error) {
	i := (size - minSize) / 4
	if r.layouts[i] == nil {
		l, err := newLayout(size)
		if err != nil {
			return nil, err
		}
		r.layouts[i] = l
	}
	return r.layouts[i], nil
}

// read leaves the text of a grid in r.text.
func (r *reader) read(l *layout, g *grid) bool {
	f, ok := g.readFormat()
	if !ok {
		return false
	}
	r.raw = l.codewords(g, f, r.raw)
	return r.unravel(l, f) && r.parse(l, f.level)
}

// unravel puts the blocks together, whose bytes stand in turns, and repairs
// them. Short blocks come first and lack the last of the data bytes.
func (r *reader) unravel(l *layout, f format) bool {
	ec := l.version.GetECBlocksForLevel(f.level)
	checks := ec.GetECCodewordsPerBlock()
	groups := ec.GetECBlocks()
	blocks, short := ec.GetNumBlocks(), groups[0].GetCount()
	width := groups[0].GetDataCodewords() // of a short block
	r.data = r.data[:0]
	for b := range blocks {
		r.blk = r.blk[:0]
		for i := range width {
			r.blk = append(r.blk, r.raw[i*blocks+b])
		}
		if b >= short {
			r.blk = append(r.blk, r.raw[width*blocks+b-short])
		}
		from := len(r.raw) - checks*blocks
		for i := range checks {
			r.blk = append(r.blk, r.raw[from+i*blocks+b])
		}
		if !r.repair(r.blk, checks, correctable(l.version.GetVersionNumber(), checks)) {
			return false
		}
		r.data = append(r.data, r.blk[:len(r.blk)-checks]...)
	}
	r.bytes = r.data
	return true
}

// correctable is how many wrong bytes of a block may be repaired. The smallest
// codes keep some of their check bytes for noticing that there are more
// (ISO/IEC 18004, table 9).
func correctable(version, checks int) int {
	reserved := 0
	switch {
	case version == 1 && checks == 7: // L
		reserved = 3
	case version == 1 && checks == 10, version == 2 && checks == 10: // M, L
		reserved = 2
	case version == 1, version == 3 && checks == 15: // Q and H, L
		reserved = 1
	}
	return (checks - reserved) / 2
}
