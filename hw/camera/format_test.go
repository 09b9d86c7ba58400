package camera

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"testing"

	"github.com/venuegate/venuegate/hw/camera/frametest"
	"github.com/venuegate/venuegate/hw/camera/qr"
	"github.com/venuegate/venuegate/hw/port"
)

func TestChooseMode(t *testing.T) {
	single := func(format string, w, h int) sizes {
		return sizes{format: code4(format), minW: w, maxW: w, minH: h, maxH: h}
	}
	steps := sizes{format: code4("YUYV"), minW: 48, maxW: 1920, stepW: 16, minH: 32, maxH: 1200, stepH: 8}
	tests := []struct {
		name   string
		offers []sizes
		w, h   int
		want   string
	}{
		{"the size that was asked for", []sizes{single("YUYV", 1280, 720), single("YUYV", 640, 480)}, 640, 480, "YUYV 640 × 480"},
		{"the nearest size", []sizes{single("YUYV", 320, 240), single("YUYV", 800, 600)}, 640, 480, "YUYV 800 × 600"},
		{"the cheapest format", []sizes{single("MJPG", 640, 480), single("YUYV", 640, 480), single("GREY", 640, 480)}, 640, 480, "GREY 640 × 480"},
		{"size before format", []sizes{single("GREY", 160, 120), single("MJPG", 1280, 720)}, 1280, 720, "MJPG 1280 × 720"},
		{"steps", []sizes{steps}, 650, 485, "YUYV 640 × 480"},
		{"the largest", []sizes{steps}, 4000, 3000, "YUYV 1920 × 1200"},
		{"a driver that does not say", []sizes{{format: code4("UYVY")}}, 640, 480, "UYVY 640 × 480"},
		{"formats without brightness", []sizes{single("H264", 640, 480), single("RGB3", 640, 480)}, 640, 480, ""},
		{"absurd sizes", []sizes{single("GREY", 1, 1), single("GREY", 1<<20, 1<<20)}, 640, 480, ""},
		{"nothing", nil, 640, 480, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := chooseMode(tt.offers, tt.w, tt.h)
			if tt.want == "" {
				if !errors.Is(err, errNoFormat) {
					t.Fatalf("got %v, error %v", m, err)
				}
			} else if err != nil || m.String() != tt.want {
				t.Errorf("got %v, error %v, want %s", m, err, tt.want)
			}
		})
	}
}

// picture is 96 × 64 pixels that all differ from their neighbours.
func picture() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, 96, 64))
	for i := range img.Pix {
		img.Pix[i] = byte(i*7 + i/96*31)
	}
	return img
}

func TestExtract(t *testing.T) {
	const w, h = 96, 64
	img := picture()
	packed := func(first, stride int) []byte {
		b := bytes.Repeat([]byte{0xEE}, stride*h)
		for i, v := range img.Pix {
			b[i/w*stride+i%w*2+first] = v
		}
		return b
	}
	padded := bytes.Repeat([]byte{0xEE}, 112*h)
	for y := range h {
		copy(padded[y*112:], img.Pix[y*w:(y+1)*w])
	}
	colour := bytes.Repeat([]byte{0x80}, w*h/2)
	frames := map[string]struct {
		format string
		data   []byte
	}{
		"grey":                        {"GREY", img.Pix},
		"grey in padded rows":         {"GREY", padded},
		"grey and the rest of a page": {"GREY", append(bytes.Clone(img.Pix), make([]byte, 1000)...)},
		"colour behind":               {"NV12", append(bytes.Clone(img.Pix), colour...)},
		"colour between":              {"YUYV", packed(0, 2*w)},
		"colour between, padded":      {"YUYV", packed(0, 2*w+32)},
		"colour first":                {"UYVY", packed(1, 2*w)},
	}
	for name, f := range frames {
		for _, crop := range []image.Rectangle{{}, image.Rect(0, 0, w, h), image.Rect(5, 0, 69, 64), image.Rect(32, 0, w, h)} {
			p, err := extract(mode{code4(f.format), w, h}, f.data, crop, nil)
			if err != nil {
				t.Errorf("%s, %v: %v", name, crop, err)
				continue
			}
			want := img
			if !crop.Empty() {
				want = img.SubImage(crop).(*image.Gray)
			}
			for y := range want.Rect.Dy() {
				if !bytes.Equal(p.Pix[y*p.Stride:][:p.Width], want.Pix[y*want.Stride:][:want.Rect.Dx()]) {
					t.Errorf("%s, %v: row %d differs", name, crop, y)
					break
				}
			}
		}
		if _, err := extract(mode{code4(f.format), w, h}, f.data[:len(f.data)*3/5], image.Rectangle{}, nil); !errors.Is(err, errFrame) {
			t.Errorf("%s, half a frame: %v", name, err)
		}
		if _, err := extract(mode{code4(f.format), w, h}, f.data, image.Rect(40, 0, 104, 64), nil); !errors.Is(err, errCrop) {
			t.Errorf("%s, a crop outside: %v", name, err)
		}
	}
}

// withoutTables drops the Huffman tables from an image, as cameras do.
func withoutTables(t testing.TB, data []byte) []byte {
	t.Helper()
	from := bytes.Index(data, []byte{0xff, 0xc4})
	to := bytes.Index(data, []byte{0xff, 0xda})
	if from < 0 || to < from {
		t.Fatal("the image has no tables")
	}
	return append(bytes.Clone(data[:from]), data[to:]...)
}

func TestExtractJPEG(t *testing.T) {
	f := frametest.Draw(frametest.Clean, 2)
	colour := image.NewYCbCr(f.Image.Rect, image.YCbCrSubsampleRatio422)
	copy(colour.Y, f.Image.Pix)
	for i := range colour.Cb {
		colour.Cb[i], colour.Cr[i] = 0x70, 0x90
	}
	for name, img := range map[string]image.Image{"grey": f.Image, "colour": colour} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, nil); err != nil {
			t.Fatal(err)
		}
		for _, data := range [][]byte{b.Bytes(), withoutTables(t, b.Bytes())} {
			p, err := extract(mode{code4("MJPG"), 640, 480}, data, image.Rect(0, 0, 640, 480), nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if text, err := qr.NewDecoder().Decode(p); err != nil || text != f.Text {
				t.Errorf("%s: got %q, error %v", name, text, err)
			}
			if _, err := extract(mode{code4("MJPG"), 640, 480}, data[:len(data)/2], image.Rectangle{}, nil); !errors.Is(err, errFrame) {
				t.Errorf("%s, half a frame: %v", name, err)
			}
		}
	}
}

// FuzzExtract feeds arbitrary bytes as frames of every format.
func FuzzExtract(f *testing.F) {
	img := picture()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(0), img.Pix)
	f.Add(uint8(1), append(bytes.Clone(img.Pix), img.Pix[:3072]...))
	f.Add(uint8(2), append(bytes.Clone(img.Pix), img.Pix...))
	f.Add(uint8(4), b.Bytes())
	f.Add(uint8(4), withoutTables(f, b.Bytes()))
	f.Add(uint8(4), []byte{0xff, 0xd8, 0xff, 0xda})
	formats := []string{"GREY", "NV12", "YUYV", "UYVY", "MJPG", "H264"}
	f.Fuzz(func(t *testing.T, format uint8, data []byte) {
		m := mode{code4(formats[int(format)%len(formats)]), 96, 64}
		p, err := extract(m, data, image.Rectangle{}, nil)
		if err == nil && (p.Width < 1 || p.Height < 1 || len(p.Pix) != p.Width*p.Height) {
			t.Errorf("a plane of %d × %d with %d pixels", p.Width, p.Height, len(p.Pix))
		}
		if err != nil && !errors.Is(err, errFrame) {
			t.Errorf("%v is not errFrame", err)
		}
	})
}

func TestOptionsNameTheField(t *testing.T) {
	ok := Options{Name: "entrance", Path: "/dev/video0"}
	tests := []struct {
		want   string
		change func(*Options)
	}{
		{"", func(*Options) {}},
		{"", func(o *Options) { o.Crop = image.Rect(100, 0, 540, 480) }},
		{"Name: is empty", func(o *Options) { o.Name = "" }},
		{"Path: is empty", func(o *Options) { o.Path = "" }},
		{"Width: 0 is not from 64 to 4096", func(o *Options) { o.Height = 480 }},
		{"Height: 5000 is not from 64 to 4096", func(o *Options) { o.Width, o.Height = 640, 5000 }},
		{"Crop: begins outside the frame", func(o *Options) { o.Crop = image.Rect(-1, 0, 100, 100) }},
		{"Crop: 10 × 100 pixels is not from 64 to 4096 a side", func(o *Options) { o.Crop = image.Rect(0, 0, 10, 100) }},
		{"Rate: -1 is not above 0 and at most 60", func(o *Options) { o.Rate, o.IdleRate = -1, 1 }},
		{"IdleRate: 20 is not above 0 and at most Rate", func(o *Options) { o.IdleRate = 20 }},
		{"BackoffMin: is negative", func(o *Options) { o.BackoffMin = -1 }},
		{"BackoffMax: is less than BackoffMin", func(o *Options) { o.BackoffMin, o.BackoffMax = 2, 1 }},
	}
	for _, tt := range tests {
		o := ok
		tt.change(&o)
		_, err := NewReader(o)
		var e *port.OptionError
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%+v: %v", o, err)
		case tt.want != "" && (!errors.As(err, &e) || err.Error() != tt.want):
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}
