package main

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// picture is what is on the screen, until it is taken away.
type picture struct {
	screen     *os.File
	stop, done chan struct{}
}

// showPicture fills the screen's buffers with one frame and lets them go round,
// since the driver shows each once. (Its write(2) would be simpler, but fails
// with EINVAL in Linux 6.1.)
func showPicture(frame []byte) (*picture, error) {
	screen, err := openVideo(screenNode)
	if err != nil {
		return nil, err
	}
	if err := queueFrames(screen, frame); err != nil {
		return nil, errors.Join(fmt.Errorf("show a picture: %w", err), screen.Close())
	}
	p := &picture{screen: screen, stop: make(chan struct{}), done: make(chan struct{})}
	go p.goRound()
	return p, nil
}

// queueFrames hands the driver its buffers, all with the same frame, and starts it.
func queueFrames(screen *os.File, frame []byte) error {
	request := [5]uint32{3, bufOutput, memoryMmap} // struct v4l2_requestbuffers: count, type, memory
	if err := videoCall(screen, vidiocReqBufs, unsafe.Pointer(&request)); err != nil {
		return fmt.Errorf("buffers: %w", err)
	}
	for i := range request[0] {
		b := videoBuffer{index: i, kind: bufOutput, memory: memoryMmap}
		if err := videoCall(screen, vidiocQueryBuf, unsafe.Pointer(&b)); err != nil {
			return fmt.Errorf("buffer %d: %w", i, err)
		}
		if int(b.length) < len(frame) {
			return fmt.Errorf("buffer %d holds %d bytes, not %d", i, b.length, len(frame))
		}
		if err := fill(screen, &b, frame); err != nil {
			return fmt.Errorf("buffer %d: %w", i, err)
		}
		b.used, b.field = uint32(len(frame)), fieldNone
		if err := videoCall(screen, vidiocQBuf, unsafe.Pointer(&b)); err != nil {
			return fmt.Errorf("queue buffer %d: %w", i, err)
		}
	}
	kind := uint32(bufOutput)
	return videoCall(screen, vidiocStreamOn, unsafe.Pointer(&kind))
}

func fill(screen *os.File, b *videoBuffer, frame []byte) error {
	memory, err := unix.Mmap(int(screen.Fd()), int64(b.offset), int(b.length), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	copy(memory, frame)
	return unix.Munmap(memory)
}

// goRound queues each buffer again once it was shown.
func (p *picture) goRound() {
	defer close(p.done)
	for {
		select {
		case <-p.stop:
			return
		default:
		}
		b := videoBuffer{kind: bufOutput, memory: memoryMmap}
		err := videoCall(p.screen, vidiocDQBuf, unsafe.Pointer(&b))
		if err == nil {
			err = videoCall(p.screen, vidiocQBuf, unsafe.Pointer(&b))
		}
		if err != nil {
			fmt.Println("guest: picture:", err)
			return
		}
	}
}

// remove takes the picture away. Closing the screen stops the driver.
func (p *picture) remove() {
	close(p.stop)
	<-p.done
	_ = p.screen.Close()
}
