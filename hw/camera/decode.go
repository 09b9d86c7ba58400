package camera

import (
	"image"

	"github.com/venuegate/venuegate/hw/camera/qr"
)

// ErrNoCode is a picture in which no QR code could be read.
var ErrNoCode = qr.ErrNoCode

const (
	// smallPicture is a side, in pixels, below which a picture may hold a code
	// of one pixel a module, as a drawing program saves it.
	smallPicture = 400
	// largePicture is a side above which modules may be too large to be told
	// from surfaces; such a picture is looked at in smaller sizes too.
	largePicture = 1000
)

// Decode returns the text of the QR code in a still image. Frames from a camera
// go through a Reader, which reuses what this makes anew. A code may be turned
// any way, and light on dark. Errors are ErrNoCode and ErrTooLarge.
func Decode(img image.Image) (string, error) {
	if b := img.Bounds(); b.Empty() {
		return "", ErrNoCode
	} else if err := checkSize(b.Dx(), b.Dy()); err != nil {
		return "", err
	}
	l := newLuma(img)
	plain := qr.Plane{Pix: l.pix, Width: l.Width, Height: l.Height, Stride: l.Width}
	d := qr.NewDecoder()
	for p := plain; ; p = halve(p) {
		if text, err := d.Decode(p); err == nil {
			return text, nil
		}
		if max(p.Width, p.Height) < largePicture {
			break
		}
	}
	if max(plain.Width, plain.Height) < smallPicture {
		if text, err := d.Decode(enlarge(plain)); err == nil {
			return text, nil
		}
	}
	return secondOpinion(l)
}

// halve returns a picture at half its size, each pixel the mean of four.
func halve(p qr.Plane) qr.Plane {
	w, h := max(p.Width/2, 1), max(p.Height/2, 1)
	out := qr.Plane{Pix: make([]byte, w*h), Width: w, Height: h, Stride: w}
	for i := range out.Pix {
		x, y := 2*(i%w), 2*(i/w)
		at := p.Pix[y*p.Stride:]
		below := p.Pix[min(y+1, p.Height-1)*p.Stride:]
		next := min(x+1, p.Width-1)
		out.Pix[i] = byte((int(at[x]) + int(at[next]) + int(below[x]) + int(below[next])) / 4)
	}
	return out
}

// enlarge returns a picture at four times its size with a quiet zone around it,
// which small pictures of codes often lack.
func enlarge(p qr.Plane) qr.Plane {
	const times, border = 4, 32
	w, h := p.Width*times+2*border, p.Height*times+2*border
	out := qr.Plane{Pix: make([]byte, w*h), Width: w, Height: h, Stride: w}
	light := quietZone(p)
	for i := range out.Pix {
		x, y := i%w-border, i/w-border
		if x < 0 || y < 0 || x >= p.Width*times || y >= p.Height*times {
			out.Pix[i] = light
			continue
		}
		out.Pix[i] = p.Pix[y/times*p.Stride+x/times]
	}
	return out
}

// quietZone is black around an inverted code without one, which shows as light in
// the corners with dark a module further in (the ring of a finder pattern), and
// white around everything else.
func quietZone(p qr.Plane) byte {
	light := 0
	for _, at := range [...]int{0, p.Width - 1, (p.Height - 1) * p.Stride} {
		if p.Pix[at] >= 128 {
			light++
		}
	}
	inner := p.Pix[min(1, p.Height-1)*p.Stride+min(1, p.Width-1)]
	if light == 3 && inner < 128 {
		return 0
	}
	return 255
}
