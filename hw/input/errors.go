package input

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/venuegate/venuegate/hw/port"
)

// reason groups errors, so that an unplugged device is reported once and not
// again when its path is found missing.
func reason(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, port.ErrUnplugged), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.EIO),
		errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV):
		return "gone"
	}
	var e *port.Error
	if errors.As(err, &e) {
		return e.Op + " " + e.Err.Error()
	}
	return err.Error()
}

// bare drops the operation and path that the os package adds; port.Error has
// them.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
