package camera

import (
	"errors"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/blackjack/webcam"
	"golang.org/x/sys/unix"
)

const (
	// frameWait is how long the library waits for a frame, in seconds; it takes
	// no less than one. Run ends within it.
	frameWait = 1
	// buffers is how many frames the driver may fill ahead of us. More would
	// only grow old.
	buffers = 4
)

// device is a camera through V4L2.
type device struct {
	cam  *webcam.Webcam
	mode mode
}

// openDevice opens the camera that o means, sets the best mode for o, starts
// streaming and says where a link led.
func openDevice(o Options) (source, string, error) {
	path := o.Path
	var err error
	if o.Locate != nil {
		if path, err = o.Locate(); err != nil {
			return nil, "", err
		}
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	if info.Mode()&os.ModeCharDevice == 0 {
		return nil, "", &os.PathError{Op: "open", Path: path, Err: errNotCamera}
	}
	cam, err := webcam.Open(path)
	if err != nil {
		return nil, "", err
	}
	d := &device{cam: cam}
	if err := d.start(o.Width, o.Height); err != nil {
		_ = cam.Close() // what failed before is the better reason
		return nil, "", err
	}
	return d, path, nil
}

var errNotCamera = errors.New("not a camera")

func (d *device) start(w, h int) error {
	m, err := chooseMode(d.offers(), w, h)
	if err != nil {
		return err
	}
	// The library returns the size that was asked for, not the one the driver
	// settled on; that is why only offered sizes are asked for, and why frames
	// are checked by their length.
	format, _, _, err := d.cam.SetImageFormat(webcam.PixelFormat(m.format), uint32(m.width), uint32(m.height))
	if err != nil {
		return err
	}
	m.format = fourCC(format)
	if _, ok := layoutOf(m.format); !ok {
		return errNoFormat
	}
	d.mode = m
	if err := d.cam.SetBufferCount(buffers); err != nil {
		return err
	}
	return d.cam.StartStreaming()
}

// offers lists all sizes in all formats, in a fixed order.
func (d *device) offers() []sizes {
	var out []sizes
	for f := range d.cam.GetSupportedFormats() {
		list := d.cam.GetSupportedFrameSizes(f)
		if len(list) == 0 {
			list = []webcam.FrameSize{{}} // the driver does not say: any
		}
		for _, s := range list {
			out = append(out, sizes{
				format: fourCC(f),
				minW:   int(s.MinWidth), maxW: int(s.MaxWidth), stepW: int(s.StepWidth),
				minH: int(s.MinHeight), maxH: int(s.MaxHeight), stepH: int(s.StepHeight),
			})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].format < out[j].format })
	return out
}

// Mode implements source.
func (d *device) Mode() mode { return d.mode }

// Frame implements source. Frames that piled up while the last one was decoded
// go back to the driver unseen.
func (d *device) Frame(use func(data []byte)) error {
	if err := d.wait(frameWait); err != nil {
		return err
	}
	data, index, err := d.cam.GetFrame()
	if err != nil {
		return d.missed(err)
	}
	for range buffers {
		if d.wait(0) != nil {
			break
		}
		newer, next, err := d.cam.GetFrame()
		if err != nil {
			break
		}
		if err := d.cam.ReleaseFrame(index); err != nil {
			return err
		}
		data, index = newer, next
	}
	use(data)
	return d.cam.ReleaseFrame(index)
}

func (d *device) wait(seconds uint32) error {
	err := d.cam.WaitForFrame(seconds)
	var timeout *webcam.Timeout
	if errors.As(err, &timeout) {
		return errNoFrame
	}
	return err
}

// missed tells a frame that was announced but is not there, which happens, from
// a camera that is gone. It takes its time, so that nothing spins.
func (d *device) missed(err error) error {
	if !errors.Is(err, unix.EAGAIN) {
		return err
	}
	time.Sleep(10 * time.Millisecond)
	return errNoFrame
}

// Close implements source.
func (d *device) Close() error { return d.cam.Close() }
