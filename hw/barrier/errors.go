package barrier

import (
	"errors"
	"fmt"

	"github.com/venuegate/venuegate/hw/port"
)

// Errors of Open and reasons in device states.
var (
	ErrBusy    = errors.New("the barrier is already opening")
	ErrStopped = errors.New("the barrier is not running")
	ErrQuiet   = errors.New("the turnstile does not say that it is ready")
)

// Errors of ResetFire.
var (
	ErrFire        = errors.New("the fire signal still stands")
	ErrFireUnheard = errors.New("the device that senses the fire signal is not heard")
)

// Errors of boards that answer. A *BoardError wraps them.
var (
	ErrSilent   = errors.New("the board does not answer")
	ErrHalf     = errors.New("the board's answer breaks off")
	ErrChecksum = errors.New("the board's answer has a wrong checksum")
	ErrRefused  = errors.New("the board refused the command")
)

// BoardError is a question that a board did not answer as it should.
type BoardError struct {
	Board string // name in the configuration
	Op    string // "open", "status", "inputs", "output"
	Err   error
}

// Error implements error.
func (e *BoardError) Error() string { return e.Board + ": " + e.Op + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *BoardError) Unwrap() error { return e.Err }

func channelError(field string, got, lowest, highest int) error {
	return &port.OptionError{Field: field, Problem: fmt.Sprintf("%d is not between %d and %d", got, lowest, highest)}
}
