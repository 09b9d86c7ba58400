package barrier

import (
	"time"

	"github.com/warthog618/go-gpiocdev"
)

// gpioConsumer is the name under which lines show as taken.
const gpioConsumer = "venuegate"

// kernelChip is a chip of the kernel's GPIO character device. Debouncing takes
// Linux 5.10 or later.
type kernelChip struct{ *gpiocdev.Chip }

func openGPIO(name string) (GPIOChip, error) {
	c, err := gpiocdev.NewChip(name, gpiocdev.WithConsumer(gpioConsumer))
	if err != nil {
		return nil, err
	}
	return kernelChip{c}, nil
}

func (c kernelChip) Output(offset int, activeLow, on bool) (set func(bool) error, release func() error, err error) {
	options := []gpiocdev.LineReqOption{gpiocdev.AsOutput(valueOf(on))}
	if activeLow {
		options = append(options, gpiocdev.AsActiveLow)
	}
	l, err := c.RequestLine(offset, options...)
	if err != nil {
		return nil, nil, err
	}
	return func(on bool) error {
		return l.SetValue(valueOf(on))
	}, l.Close, nil
}

func valueOf(on bool) int {
	if on {
		return 1
	}
	return 0
}

func (c kernelChip) Input(offset int, activeLow bool, pull string, debounce time.Duration, changed func(on bool)) (get func() (bool, error), release func() error, err error) {
	options := []gpiocdev.LineReqOption{
		gpiocdev.AsInput, gpiocdev.WithBothEdges,
		gpiocdev.WithEventHandler(func(e gpiocdev.LineEvent) {
			changed(e.Type == gpiocdev.LineEventRisingEdge) // to active, whatever the level
		}),
	}
	switch pull {
	case PullUp:
		options = append(options, gpiocdev.WithPullUp)
	case PullDown:
		options = append(options, gpiocdev.WithPullDown)
	}
	if activeLow {
		options = append(options, gpiocdev.AsActiveLow)
	}
	if debounce > 0 {
		options = append(options, gpiocdev.WithDebounce(debounce))
	}
	l, err := c.RequestLine(offset, options...)
	if err != nil {
		return nil, nil, err
	}
	return func() (bool, error) {
		v, err := l.Value()
		return v == 1, err
	}, l.Close, nil
}
