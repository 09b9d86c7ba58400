package camera

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the formats that Load takes
	_ "image/png"
	"io"
	"os"
)

// MaxPixels bounds an image, and with it the memory of decoding one: more than
// any screenshot, and enough for a phone's photograph.
const MaxPixels = 16 << 20

// ErrTooLarge is an image of more than MaxPixels.
var ErrTooLarge = errors.New("the image has too many pixels")

// ErrFormat is a file that is no PNG, JPEG or PGM image.
var ErrFormat = errors.New("not a PNG, JPEG or PGM image")

// LoadFile reads the image in a file, as Load does.
func LoadFile(name string) (image.Image, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	img, err := Load(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return img, nil
}

// Load reads a PNG, JPEG or PGM image. Its size is looked at before its pixels
// are decoded. Errors are ErrTooLarge, ErrFormat and those of the decoders.
func Load(r io.Reader) (image.Image, error) {
	// What was read for the header is read again for the picture.
	var head bytes.Buffer
	br := bufio.NewReader(r)
	if magic, err := br.Peek(2); err == nil && (string(magic) == "P5" || string(magic) == "P2") {
		return decodePGM(br)
	}
	cfg, _, err := image.DecodeConfig(io.TeeReader(br, &head))
	switch {
	case errors.Is(err, image.ErrFormat):
		return nil, ErrFormat
	case err != nil:
		return nil, fmt.Errorf("image header: %w", err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(io.MultiReader(&head, br))
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	return img, nil
}

func checkSize(w, h int) error {
	if w < 1 || h < 1 {
		return fmt.Errorf("%w: %d by %d pixels", ErrFormat, w, h)
	}
	if w > MaxPixels/h {
		return fmt.Errorf("%w: %d by %d, at most %d", ErrTooLarge, w, h, MaxPixels)
	}
	return nil
}
