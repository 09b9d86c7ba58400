package camera

import "errors"

// source is an open camera. Tests put their own frames here.
type source interface {
	// Frame waits for a frame, not longer than frameWait, and calls use with the
	// newest one, whose bytes are valid until use returns. Without a frame it
	// returns errNoFrame; after any other error the camera is gone.
	Frame(use func(data []byte)) error
	// Mode says what frames are like.
	Mode() mode
	Close() error
}

// errNoFrame is the ordinary end of waiting for a camera that delivers none.
var errNoFrame = errors.New("no frame within a second")
