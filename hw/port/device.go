package port

import (
	"os"
	"path/filepath"

	"github.com/tarm/serial"
)

// device is what the serial library's port can do. Tests put their own here.
type device interface {
	Read(b []byte) (int, error)
	Write(b []byte) (int, error)
	Flush() error
	Close() error
}

// openSerial opens the configured device and says where it was found.
func openSerial(o Options) (device, string, error) {
	path := o.Path
	if o.Locate != nil {
		var err error
		if path, err = o.Locate(); err != nil {
			return nil, "", err
		}
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, "", err
	}
	// The library would create a missing file's descriptor only on success, but
	// it opens whatever is there: a regular file would be read as a device.
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	if info.Mode()&os.ModeCharDevice == 0 {
		return nil, "", &os.PathError{Op: "open", Path: path, Err: errNotDevice}
	}
	parity := serial.ParityNone
	switch o.Parity {
	case ParityEven:
		parity = serial.ParityEven
	case ParityOdd:
		parity = serial.ParityOdd
	}
	p, err := serial.OpenPort(&serial.Config{
		Name: path, Baud: o.Baud, Parity: parity, ReadTimeout: o.ReadTimeout,
	})
	if err != nil {
		return nil, "", err
	}
	return p, path, nil
}
