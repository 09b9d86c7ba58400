package camera

import (
	"fmt"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"golang.org/x/text/encoding"
)

// secondOpinion reads a picture with the library's own finder and decoder, dark
// on light before light on dark. It is slow, and made for photos: a frame that
// was missed is followed by another.
func secondOpinion(plain *luma) (string, error) {
	for _, src := range [...]func() gozxing.LuminanceSource{
		func() gozxing.LuminanceSource { return plain }, plain.Invert,
	} {
		picture := src()
		for _, a := range attempts() {
			if text, err := a.decode(picture); err == nil {
				return text, nil
			}
		}
	}
	return "", ErrNoCode
}

// attempt is one way to look for a code.
type attempt struct {
	binarizer func(gozxing.LuminanceSource) gozxing.Binarizer
	hint      gozxing.DecodeHintType // how hard to look
}

// attempts come in the order that read most of a set of phone screens in the
// least time: the local threshold, the same with every row looked at, the global
// one; and last a picture that is nothing but the code.
func attempts() []attempt {
	const none = gozxing.DecodeHintType(-1)
	return []attempt{
		{gozxing.NewHybridBinarizer, none},
		{gozxing.NewHybridBinarizer, gozxing.DecodeHintType_TRY_HARDER},
		{gozxing.NewGlobalHistgramBinarizer, gozxing.DecodeHintType_TRY_HARDER},
		{gozxing.NewGlobalHistgramBinarizer, gozxing.DecodeHintType_PURE_BARCODE},
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
	res, err := qrcode.NewQRCodeReader().Decode(bitmap, a.hints())
	if err != nil {
		return "", err
	}
	return res.GetText(), nil
}

func (a attempt) hints() map[gozxing.DecodeHintType]any {
	return map[gozxing.DecodeHintType]any{
		// Bytes without an ECI mark stay as they are, as a scanner on a serial
		// line delivers them; left alone the decoder guesses a character set.
		gozxing.DecodeHintType_CHARACTER_SET: encoding.Nop,
		a.hint:                               true,
	}
}
