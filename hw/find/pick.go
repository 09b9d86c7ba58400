package find

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
)

// Pick returns the one device of the class that m means. The error is a
// *NoneError or an *AmbiguousError. A path is nothing to Pick; Finder.Find
// follows it.
func Pick(devices []Device, c Class, m Match) (Device, error) {
	fit, near := matching(devices, c, m)
	switch len(fit) {
	case 0:
		// A keyboard is more of a hint than the HID device that it is as well.
		slices.SortStableFunc(near, func(a, b Device) int { return int(a.Class) - int(b.Class) })
		return Device{}, &NoneError{Class: c, Match: m, Near: near}
	case 1:
		return fit[0], nil
	}
	e := &AmbiguousError{Match: m}
	for _, d := range fit {
		e.Candidates = append(e.Candidates, Candidate{Device: d, Write: Best(devices, d)})
	}
	return Device{}, e
}

// matching returns the devices that m means, and those that are like it but
// that a driver for the class cannot use.
func matching(devices []Device, c Class, m Match) (fit, near []Device) {
	for _, d := range devices {
		switch {
		case !m.fits(d):
		case d.Class == c && d.Usable:
			fit = append(fit, d)
		default:
			near = append(near, d)
		}
	}
	return fit, near
}

// Best returns the match that means d and none of the others: the serial number
// where that is the device's own, so that it may be moved to another socket,
// else as much of the port as is needed, and the path for what is not on USB.
func Best(devices []Device, d Device) Match {
	if !d.USB() {
		return Match{kind: kindPath, text: d.Path}
	}
	tries := []Match{
		{kind: kindPort, text: d.Port, line: -1},
		{kind: kindPort, text: d.Port, iface: d.Interface, line: -1},
		{kind: kindPort, text: d.Port, iface: d.Interface, line: d.Line},
	}
	// Not every text that a device calls its serial number can be written down.
	bySerial := Match{kind: kindUSB, vendor: d.Vendor, product: d.Product, text: d.Serial}
	if again, err := Parse(bySerial.String()); d.Serial != "" && err == nil && again == bySerial {
		tries = append([]Match{bySerial}, tries...)
	}
	for _, m := range tries {
		if fit, _ := matching(devices, d.Class, m); len(fit) == 1 && fit[0] == d {
			return m
		}
	}
	return Match{kind: kindPath, text: d.Path}
}

// Find returns the device of the class that m means. For a path it is what the
// path leads to, with no more than the path known when that is not among the
// listed devices.
func (f Finder) Find(c Class, m Match) (Device, error) {
	devices, err := f.List()
	if err != nil {
		return Device{}, err
	}
	return f.find(devices, c, m)
}

func (f Finder) find(devices []Device, c Class, m Match) (Device, error) {
	if !m.IsPath() {
		return Pick(devices, c, m)
	}
	target, err := filepath.EvalSymlinks(filepath.Join(f.root, m.text))
	if errors.Is(err, fs.ErrNotExist) {
		return Device{}, &NoneError{Class: c, Match: m}
	}
	if err != nil {
		return Device{}, err
	}
	for _, d := range devices {
		if file, err := filepath.EvalSymlinks(d.Path); err == nil && file == target {
			return d, nil
		}
	}
	return Device{Class: c, Path: target, Usable: true}, nil
}

// Want is one entry of the configuration: a device that something needs.
type Want struct {
	Name  string // of the entry, once in a configuration
	Class Class
	Match Match
}

// Found is what became of a Want: a device, or the reason why there is none.
type Found struct {
	Want
	Device Device
	Err    error // *NoneError, *AmbiguousError, *SharedError, or what the system said
}

// Resolve finds all devices of a configuration at once, and sees two entries
// that mean one device. The error is that of List.
func (f Finder) Resolve(wants []Want) ([]Found, error) {
	devices, err := f.List()
	if err != nil {
		return nil, err
	}
	found := make([]Found, len(wants))
	names := map[string][]string{} // by device file
	for i, w := range wants {
		found[i].Want = w
		found[i].Device, found[i].Err = f.find(devices, w.Class, w.Match)
		if found[i].Err == nil {
			names[found[i].Device.Path] = append(names[found[i].Device.Path], w.Name)
		}
	}
	for i := range found {
		if users := names[found[i].Device.Path]; found[i].Err == nil && len(users) > 1 {
			found[i].Err = &SharedError{Device: found[i].Device, Names: users}
		}
	}
	return found, nil
}

// Locator finds the devices of a configuration anew whenever a driver opens
// one. It is safe for concurrent use.
type Locator struct {
	finder Finder

	mu    sync.Mutex
	wants []Want
}

// NewLocator returns a Locator that knows no entries yet.
func NewLocator(f Finder) *Locator { return &Locator{finder: f} }

// Set replaces the entries of the configuration, all of them: one that is left
// out could be taken by another.
func (l *Locator) Set(wants []Want) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wants = slices.Clone(wants)
}

// Locate returns the function that a driver calls before every open: the device
// file of the entry, now.
func (l *Locator) Locate(name string) func() (string, error) {
	return func() (string, error) {
		l.mu.Lock()
		wants := l.wants
		l.mu.Unlock()
		found, err := l.finder.Resolve(wants)
		if err != nil {
			return "", err
		}
		for _, one := range found {
			if one.Name == name {
				return one.Device.Path, one.Err
			}
		}
		return "", errors.New("the configuration no longer has " + name)
	}
}
