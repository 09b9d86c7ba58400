package camera

import (
	"errors"
	"fmt"
	"image"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// ErrNoCode is a picture in which no QR code could be read.
var ErrNoCode = errors.New("no QR code could be read")

// Decode returns the text of the QR code in img. It tries the quick way first
// and then the thorough ones, dark on light before light on dark; a QR code may
// be turned any way. Errors are ErrNoCode and ErrTooLarge.
func Decode(img image.Image) (string, error) {
	if b := img.Bounds(); b.Empty() {
		return "", ErrNoCode
	} else if err := checkSize(b.Dx(), b.Dy()); err != nil {
		return "", err
	}
	plain := newLuma(img)
	for _, attempt := range attempts() {
		for _, invert := range [...]bool{false, true} {
			var src gozxing.LuminanceSource = plain
			if invert {
				src = plain.Invert()
			}
			if text, err := attempt.decode(src); err == nil {
				return text, nil
			}
		}
	}
	return "", ErrNoCode
}

// attempt is one way to look for a code.
type attempt struct {
	binarizer func(gozxing.LuminanceSource) gozxing.Binarizer
	hard      bool // look at every row instead of some
}

// attempts come in the order that read most of a set of phone screens in the
// least time: the local threshold, the same with every row, the global one.
func attempts() []attempt {
	return []attempt{
		{gozxing.NewHybridBinarizer, false},
		{gozxing.NewHybridBinarizer, true},
		{gozxing.NewGlobalHistgramBinarizer, true},
	}
}

func (a attempt) decode(src gozxing.LuminanceSource) (text string, err error) {
	// The decoder is third-party code on arbitrary pictures: a panic of its is a
	// picture that cannot be read.
	defer func() {
		if p := recover(); p != nil {
			text, err = "", fmt.Errorf("%w: the decoder failed", ErrNoCode)
		}
	}()
	bitmap, err := gozxing.NewBinaryBitmap(a.binarizer(src))
	if err != nil {
		return "", err
	}
	hints := map[gozxing.DecodeHintType]any{}
	if a.hard {
		hints[gozxing.DecodeHintType_TRY_HARDER] = true
	}
	// Texts without an ECI mark are taken for UTF-8, as phones and issuers write
	// them, instead of being guessed from their bytes.
	hints[gozxing.DecodeHintType_CHARACTER_SET] = "UTF-8"
	res, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		return "", err
	}
	return res.GetText(), nil
}
