package qr

// prepared keeps the pictures that are made of a frame.
type prepared struct {
	sharp, half []byte
}

// sharpen returns the frame with each pixel moved away from the mean of its
// neighbours by twice the difference, which brings back edges that blur took.
func (b *prepared) sharpen(p *Plane) Plane {
	b.sharp = grow(b.sharp, p.Width*p.Height)
	out := Plane{Pix: b.sharp, Width: p.Width, Height: p.Height, Stride: p.Width}
	for y := range p.Height {
		row := p.Pix[y*p.Stride:][:p.Width]
		to := out.Pix[y*out.Stride:][:p.Width]
		copy(to, row)
		if y == 0 || y == p.Height-1 {
			continue
		}
		above := p.Pix[(y-1)*p.Stride:][:p.Width]
		below := p.Pix[(y+1)*p.Stride:][:p.Width]
		for x := 1; x < len(row)-1; x++ {
			around := int(row[x-1]) + int(row[x+1]) + int(above[x]) + int(below[x])
			to[x] = byte(min(max(3*int(row[x])-around/2, 0), 255))
		}
	}
	return out
}

// halve returns the frame at half its size, each pixel the mean of four: less
// noise, and modules no larger than the binarizer's blocks can do with.
func (b *prepared) halve(p *Plane) Plane {
	w, h := p.Width/2, p.Height/2
	b.half = grow(b.half, w*h)
	for y := range h {
		top := p.Pix[2*y*p.Stride:][:2*w]
		bottom := p.Pix[(2*y+1)*p.Stride:][:2*w]
		to := b.half[y*w:][:w]
		for x := range to {
			to[x] = byte((int(top[2*x]) + int(top[2*x+1]) + int(bottom[2*x]) + int(bottom[2*x+1]) + 2) / 4)
		}
	}
	return Plane{Pix: b.half, Width: w, Height: h, Stride: w}
}
