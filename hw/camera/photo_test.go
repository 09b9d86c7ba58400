package camera

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/hw/camera/frametest"
)

var redraw = flag.Bool("redraw", false, "draw testdata/photos anew")

const (
	photoFolder = "testdata/photos"
	photoTexts  = photoFolder + "/texts.txt"
)

// TestPhotos reads pictures that are kept as files, so that a change of the
// drawing or of the decoder cannot hide one of the other.
func TestPhotos(t *testing.T) {
	if *redraw {
		redrawPhotos(t)
	}
	texts, err := os.ReadFile(photoTexts)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(texts)) {
		name, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			t.Fatalf("%s: no text in %q", photoTexts, line)
		}
		t.Run(name, func(t *testing.T) {
			img, err := LoadFile(filepath.Join(photoFolder, name))
			if err != nil {
				t.Fatal(err)
			}
			switch got, err := Decode(img); {
			case want == "-" && err == nil:
				t.Errorf("a false read: %q", got)
			case want != "-" && (err != nil || got != want):
				t.Errorf("got %q, error %v", got, err)
			}
		})
	}
}

func redrawPhotos(t *testing.T) {
	var texts strings.Builder
	for _, p := range []struct {
		kind  frametest.Kind
		short bool
	}{
		{frametest.Clean, true},
		{frametest.Rotated, true},
		{frametest.Tilted, false},
		{frametest.Blurred, false},
		{frametest.Moving, true},
		{frametest.Glare, true},
		{frametest.Moire, true},
		{frametest.LowLight, true},
		{frametest.Inverted, true},
		{frametest.ShortFar, true},
		{frametest.Negative, false},
	} {
		draw := frametest.Draw
		if p.short {
			draw = frametest.DrawShort
		}
		f := draw(p.kind, 900)
		var b bytes.Buffer
		var img image.Image = f.Image
		if p.short {
			around := image.Rect(-140, -140, 140, 140).Add(f.Code)
			img = f.Image.SubImage(around.Intersect(f.Image.Rect))
		}
		if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 40}); err != nil {
			t.Fatal(err)
		}
		name := strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(string(p.kind)) + ".jpg"
		if err := os.WriteFile(filepath.Join(photoFolder, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		text := f.Text
		if text == "" {
			text = "-"
		}
		fmt.Fprintf(&texts, "%s %s\n", name, text)
	}
	if err := os.WriteFile(photoTexts, []byte(texts.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
