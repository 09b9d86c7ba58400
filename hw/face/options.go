package face

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/port"
)

// Options describe a terminal on the network, which comes to the gate.
type Options struct {
	Name string
	// Listen is where: "host:port" for a connection on which one JSON object
	// follows the other, or "http://host:port/path" for one in the body of each
	// POST.
	Listen string
	// From are the addresses of the terminals. It may be empty only where Listen
	// is a loopback address: whoever may send results opens the gate.
	From     []string
	Decoding Decoding
	Repeat   time.Duration // the same result again within this is one look; 2 s when zero, negative for none
	// Heartbeat is how often the terminal sends something, whoever looks or not.
	// When it has not for that long, it is down. Zero: no word is expected.
	Heartbeat time.Duration
	Answer    string // body of the answer to a POST that was understood; "{}" when empty
	// OnState is told of every change between up and down and of a new reason
	// to be down, once each. It must not block.
	OnState func(gate.DeviceState)
}

const (
	maxAnswer    = 1024
	minHeartbeat = time.Second
)

// where splits Listen.
func (o Options) where() (address, path string, post bool, err error) {
	if !strings.HasPrefix(o.Listen, "http://") {
		_, p, err := net.SplitHostPort(o.Listen)
		if err != nil || p == "" {
			return "", "", false, &port.OptionError{Field: "Listen", Problem: fmt.Sprintf("%q is neither host:port nor http://host:port/path", o.Listen)}
		}
		return o.Listen, "", false, nil
	}
	u, err := url.Parse(o.Listen)
	if err != nil || u.Port() == "" || u.Path == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", "", false, &port.OptionError{Field: "Listen", Problem: "is not like http://192.168.50.1:7100/face"}
	}
	return u.Host, u.Path, true, nil
}

// allowed returns the addresses that may connect; none means the gate itself.
func (o Options) allowed(address string) ([]netip.Addr, error) {
	var all []netip.Addr
	for i, text := range o.From {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, &port.OptionError{Field: fmt.Sprintf("From[%d]", i), Problem: fmt.Sprintf("%q is not an IP address", text)}
		}
		all = append(all, a.Unmap())
	}
	if len(all) > 0 {
		return all, nil
	}
	host, _, _ := net.SplitHostPort(address) // checked by where
	if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() || host == "localhost" {
		return nil, nil
	}
	return nil, &port.OptionError{Field: "From", Problem: "is missing; say which addresses the terminals have, or anybody on the network could send results"}
}

// Validate returns a *port.OptionError for the first field that is wrong.
func (o Options) Validate() error {
	if o.Name == "" {
		return &port.OptionError{Field: "Name", Problem: "is empty"}
	}
	address, _, post, err := o.where()
	if err != nil {
		return err
	}
	if _, err := o.allowed(address); err != nil {
		return err
	}
	switch {
	case o.Heartbeat != 0 && o.Heartbeat < minHeartbeat:
		return &port.OptionError{Field: "Heartbeat", Problem: fmt.Sprintf("%v is less than %v", o.Heartbeat, minHeartbeat)}
	case o.Answer != "" && !post:
		return &port.OptionError{Field: "Answer", Problem: "means nothing without http://"}
	case len(o.Answer) > maxAnswer:
		return &port.OptionError{Field: "Answer", Problem: fmt.Sprintf("is longer than %d bytes", maxAnswer)}
	}
	return o.Decoding.Validate()
}
