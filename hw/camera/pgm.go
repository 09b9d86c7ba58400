package camera

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
)

// ErrPGM is a damaged PGM image.
var ErrPGM = errors.New("damaged PGM image")

// decodePGM reads a grey picture in Netpbm's PGM format, binary (P5) or plain
// (P2), with 8 or 16 bits a pixel, as described in pgm(5).
func decodePGM(r *bufio.Reader) (image.Image, error) {
	magic := make([]byte, 2)
	if _, err := io.ReadFull(r, magic); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrPGM, err)
	}
	var size [3]int
	for i, name := range [...]string{"width", "height", "maximum"} {
		n, err := pgmNumber(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrPGM, name, err)
		}
		size[i] = n
	}
	w, h, top := size[0], size[1], size[2]
	if top < 1 || top > 0xFFFF {
		return nil, fmt.Errorf("%w: maximum %d", ErrPGM, top)
	}
	if err := checkSize(w, h); err != nil {
		return nil, err
	}
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		v, err := pgmPixel(r, magic[1] == '2', top)
		if err != nil {
			return nil, fmt.Errorf("%w: pixel %d: %w", ErrPGM, i, err)
		}
		img.Pix[i] = byte(min(v, top) * 255 / top)
	}
	return img, nil
}

func pgmPixel(r *bufio.Reader, plain bool, top int) (int, error) {
	if plain {
		return pgmNumber(r)
	}
	hi, err := r.ReadByte()
	if err != nil || top < 256 {
		return int(hi), err
	}
	lo, err := r.ReadByte()
	return int(hi)<<8 | int(lo), err
}

// pgmNumber reads a decimal number and the one white space after it, skipping
// white space and comments before it.
func pgmNumber(r *bufio.Reader) (int, error) {
	c, err := r.ReadByte()
	for ; err == nil && (isSpace(c) || c == '#'); c, err = r.ReadByte() {
		for c == '#' && err == nil {
			if c, err = r.ReadByte(); c != '\n' && err == nil {
				c = '#'
			}
		}
	}
	n, digits := 0, 0
	for ; err == nil && c >= '0' && c <= '9'; c, err = r.ReadByte() {
		if n = n*10 + int(c-'0'); n > MaxPixels {
			return 0, errors.New("number too large")
		}
		digits++
	}
	switch {
	case digits == 0 && err != nil:
		return 0, err
	case digits == 0 || err == nil && !isSpace(c):
		return 0, errors.New("not a number")
	}
	return n, nil
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
