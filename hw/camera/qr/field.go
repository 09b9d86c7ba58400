package qr

// field is GF(2^8) with the polynomial x^8+x^4+x^3+x^2+1, in which the code's
// bytes are protected.
type field struct {
	exp [510]byte // twice around, so that sums of logarithms need no modulo
	log [256]byte
}

const (
	polynomial = 0x11d
	order      = 255 // of the field's multiplicative group
)

func newField() *field {
	f := &field{}
	x := 1
	for i := range order {
		f.exp[i], f.exp[i+order] = byte(x), byte(x)
		f.log[x] = byte(i)
		if x <<= 1; x > 0xff {
			x ^= polynomial
		}
	}
	return f
}

func (f *field) mul(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return f.exp[int(f.log[a])+int(f.log[b])]
}

// div divides by b, which is not 0.
func (f *field) div(a, b byte) byte {
	if a == 0 {
		return 0
	}
	return f.exp[int(f.log[a])+order-int(f.log[b])]
}

// power is the generator to the n, n ≥ 0.
func (f *field) power(n int) byte { return f.exp[n%order] }

// evaluate is the value at x of a polynomial with its lowest coefficient first.
func (f *field) evaluate(p []byte, x byte) byte {
	var v byte
	for i := len(p) - 1; i >= 0; i-- {
		v = f.mul(v, x) ^ p[i]
	}
	return v
}
