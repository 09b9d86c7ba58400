package qr

// corrector repairs blocks that a Reed–Solomon code protects.
type corrector struct {
	*field
	// Polynomials with their lowest coefficient first. A block has at most 68
	// check bytes in a code of this kind, and never more than 255.
	syndromes, locator, previous, next, evaluator [256]byte
}

// repair corrects a block in place. The last checks of its bytes are check bytes
// and at most limit may be wrong. It fails without touching the block when more
// are.
func (c *corrector) repair(blk []byte, checks, limit int) bool {
	s := c.syndromes[:checks]
	if c.check(blk, s) {
		return true
	}
	errors := c.locate(s)
	if errors > limit {
		return false
	}
	locator := c.locator[:errors+1]
	// evaluator = syndromes · locator mod x^checks; beyond x^errors it is 0.
	evaluator := c.evaluator[:errors]
	for i := range evaluator {
		var v byte
		for j := 0; j <= i; j++ {
			v ^= c.mul(locator[j], s[i-j])
		}
		evaluator[i] = v
	}
	// The locator's roots are the inverses of the places of errors.
	var places [256]int
	n := 0
	for i := range blk {
		inverse := c.power(order - i)
		if c.evaluate(locator, inverse) == 0 {
			places[n] = i
			n++
		}
	}
	if n != errors {
		return false
	}
	for _, i := range places[:n] {
		inverse := c.power(order - i)
		// Forney: x · evaluator / the locator's derivative, in which only odd
		// powers survive.
		var slope byte
		for j := 1; j < len(locator); j += 2 {
			slope ^= c.mul(locator[j], c.power((order-i)*(j-1)))
		}
		if slope == 0 {
			return false
		}
		blk[len(blk)-1-i] ^= c.mul(c.power(i), c.div(c.evaluate(evaluator, inverse), slope))
	}
	return true
}

// check computes the syndromes: the block as a polynomial, its first byte the
// highest coefficient, at powers 0, 1, … of the generator. All are 0 in a block
// without errors.
func (c *corrector) check(blk, s []byte) bool {
	clear(s)
	for _, b := range blk {
		for i, v := range s {
			if v != 0 {
				v = c.exp[int(c.log[v])+i]
			}
			s[i] = v ^ b
		}
	}
	for _, v := range s {
		if v != 0 {
			return false
		}
	}
	return true
}

// locate finds the shortest polynomial whose recurrence gives the syndromes, by
// Berlekamp and Massey, leaves it in c.locator, and returns its degree.
func (c *corrector) locate(s []byte) int {
	clear(c.locator[:len(s)+1])
	clear(c.previous[:len(s)+1])
	c.locator[0], c.previous[0] = 1, 1
	degree, since, scale := 0, 1, byte(1)
	for i := range s {
		d := s[i]
		for j := 1; j <= degree; j++ {
			d ^= c.mul(c.locator[j], s[i-j])
		}
		if d == 0 {
			since++
			continue
		}
		f := c.div(d, scale)
		next := c.next[:len(s)+1]
		copy(next, c.locator[:len(s)+1])
		for j := since; j < len(next); j++ {
			next[j] ^= c.mul(f, c.previous[j-since])
		}
		if 2*degree <= i {
			copy(c.previous[:], c.locator[:len(s)+1])
			degree, since, scale = i+1-degree, 1, d
		} else {
			since++
		}
		copy(c.locator[:], next)
	}
	return degree
}
