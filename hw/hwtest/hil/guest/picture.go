package main

import (
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// The part of linux/videodev2.h that showing a picture takes.
const (
	vidiocSFmt      = 0xC0D05605
	vidiocSCtrl     = 0xC008561C
	vidiocQueryCtrl = 0xC0445624
	vidiocReqBufs   = 0xC0145608
	vidiocQueryBuf  = 0xC0585609
	vidiocQBuf      = 0xC058560F
	vidiocDQBuf     = 0xC0585611
	vidiocStreamOn  = 0x40045612

	bufOutput   = 2
	memoryMmap  = 1
	fieldNone   = 1
	nextControl = 0x80000000
	grey        = 'G' | 'R'<<8 | 'E'<<16 | 'Y'<<24
)

// videoBuffer is struct v4l2_buffer.
type videoBuffer struct {
	index, kind, used, flags, field uint32
	_                               [40]byte // times
	memory                          uint32
	offset                          uint64
	length                          uint32
	_                               [12]byte
}

// The nodes of vivid with one input and one output.
const (
	cameraNode = "/dev/video0"
	screenNode = "/dev/video1"
)

// videoFormat is struct v4l2_format with its struct v4l2_pix_format.
type videoFormat struct {
	kind               uint32
	_                  uint32
	width, height      uint32
	fourCC, field      uint32
	bytesPerLine, size uint32
	_                  [200 - 24]byte
}

// videoControl is struct v4l2_queryctrl.
type videoControl struct {
	id, kind uint32
	name     [32]byte
	_        [7]uint32
}

// Screen connects the software camera with the screen that it looks at, once
// its module is loaded and before it is used: vivid copies frames from its
// output to its input where both have the same size and format
// (Documentation/admin-guide/media/vivid.rst). It says whether this kernel can:
// from Linux 6.10 on they are connected in another way.
func (*Agent) Screen(size wire.Size, connected *bool) error {
	for _, node := range []string{cameraNode, screenNode} {
		if err := await(node); err != nil {
			return err
		}
	}
	camera, err := openVideo(cameraNode)
	if err != nil {
		return err
	}
	defer func() { _ = camera.Close() }()
	screen, err := openVideo(screenNode)
	if err != nil {
		return err
	}
	defer func() { _ = screen.Close() }()
	f := videoFormat{kind: bufOutput, width: size.Width, height: size.Height, fourCC: grey, field: fieldNone}
	if err := videoCall(screen, vidiocSFmt, unsafe.Pointer(&f)); err != nil {
		return fmt.Errorf("the screen's format: %w", err)
	}
	if f.fourCC != grey || f.size != size.Width*size.Height {
		return fmt.Errorf("the screen takes %d × %d pixels in %d bytes", f.width, f.height, f.size)
	}
	*connected, err = loop(camera)
	return err
}

// Show puts a picture on the screen. An empty picture is none.
func (a *Agent) Show(p wire.Picture, _ *wire.None) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.picture != nil {
		a.picture.remove()
		a.picture = nil
	}
	if len(p.Grey) == 0 {
		return nil
	}
	var err error
	a.picture, err = showPicture(p.Grey)
	return err
}

// loop connects the output with the input, where there is a control for it,
// which has no fixed number.
func loop(camera *os.File) (bool, error) {
	q := videoControl{id: nextControl}
	for videoCall(camera, vidiocQueryCtrl, unsafe.Pointer(&q)) == nil {
		name, _, _ := strings.Cut(string(q.name[:]), "\x00")
		if name == "Loop Video" {
			on := [2]uint32{q.id, 1}
			return true, videoCall(camera, vidiocSCtrl, unsafe.Pointer(&on))
		}
		q = videoControl{id: q.id | nextControl}
	}
	return false, nil
}

// openVideo opens a node that Go's poller does not look at: being asked whether
// it can be written, the driver would take its buffers into use.
func openVideo(node string) (*os.File, error) {
	fd, err := unix.Open(node, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: node, Err: err}
	}
	return os.NewFile(uintptr(fd), node), nil
}

func videoCall(f *os.File, request uintptr, argument unsafe.Pointer) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed unix.Errno
	err = c.Control(func(fd uintptr) {
		_, _, failed = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(argument))
	})
	if err == nil && failed != 0 {
		return failed
	}
	return err
}
