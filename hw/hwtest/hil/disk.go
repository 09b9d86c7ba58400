package hil

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
)

// SectorSize is what a disk writes whole or not at all.
const SectorSize = 512

// ErrNoPower is what a disk answers once its power was cut.
var ErrNoPower = errors.New("the disk has no power")

// Disk is a disk with a volatile write cache: a write is safe when a flush that
// began after it has ended, and not before. Cutting the power keeps any part of
// what was written since, in any order, as disks do.
type Disk struct {
	random *rand.Rand

	mu       sync.Mutex
	platter  []byte
	cache    map[int64][]byte // by sector, newest
	order    []int64          // sectors of the cache, in the order of their first write
	off      bool
	lies     bool
	trap     Trap
	gone     chan struct{} // closed by a cut
	writes   int
	flushes  int
	lastLoss Loss
}

// Trap says when the power goes: in the n-th write, or in the n-th flush, which
// then has not happened. Zero fields are no trap.
type Trap struct{ Writes, Flushes int }

// Loss is what a power cut did to the sectors that were not flushed.
type Loss struct{ Kept, Lost int }

// NewDisk returns a disk that holds an image, whose length is a multiple of
// SectorSize. The disk owns the image.
func NewDisk(image []byte, random *rand.Rand) *Disk {
	return &Disk{platter: image, random: random, cache: map[int64][]byte{}, gone: make(chan struct{})}
}

// Size is the disk's size in bytes.
func (d *Disk) Size() int64 { return int64(len(d.platter)) }

// Lie makes the disk answer flushes without doing anything, as some do.
func (d *Disk) Lie(lies bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lies = lies
}

// Arm sets the trap; writes and flushes are counted from now on.
func (d *Disk) Arm(t Trap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.trap, d.writes, d.flushes = t, 0, 0
}

// Gone is closed when the power is cut.
func (d *Disk) Gone() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.gone
}

// Counts are the writes and flushes since the trap was armed.
func (d *Disk) Counts() (writes, flushes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes, d.flushes
}

// Cut cuts the power, unless that has happened, and says what was lost.
func (d *Disk) Cut() Loss {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut()
	return d.lastLoss
}

// PowerOn gives the disk its power back.
func (d *Disk) PowerOn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		d.off, d.gone = false, make(chan struct{})
	}
}

// ReadAt reads whole sectors.
func (d *Disk) ReadAt(b []byte, at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check("read", len(b), at); err != nil {
		return err
	}
	copy(b, d.platter[at:])
	for i := 0; i < len(b); i += SectorSize {
		if sector, ok := d.cache[at/SectorSize+int64(i/SectorSize)]; ok {
			copy(b[i:], sector)
		}
	}
	return nil
}

// WriteAt writes whole sectors into the cache.
func (d *Disk) WriteAt(b []byte, at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check("write", len(b), at); err != nil {
		return err
	}
	for i := 0; i < len(b); i += SectorSize {
		number := at/SectorSize + int64(i/SectorSize)
		if d.cache[number] == nil {
			d.order = append(d.order, number)
		}
		d.cache[number] = append([]byte(nil), b[i:i+SectorSize]...)
	}
	if d.writes++; d.writes == d.trap.Writes {
		d.cut()
		return ErrNoPower
	}
	return nil
}

// Flush makes everything that was written safe.
func (d *Disk) Flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return ErrNoPower
	}
	if d.flushes++; d.flushes == d.trap.Flushes {
		d.cut()
		return ErrNoPower
	}
	if d.lies {
		return nil
	}
	for _, number := range d.order {
		d.keep(number)
	}
	d.forget()
	return nil
}

func (d *Disk) check(what string, n int, at int64) error {
	switch {
	case d.off:
		return ErrNoPower
	case n%SectorSize != 0 || at%SectorSize != 0:
		return fmt.Errorf("%s of %d bytes at %d: not whole sectors", what, n, at)
	case at < 0 || at > d.Size()-int64(n):
		return fmt.Errorf("%s of %d bytes at %d: the disk has %d", what, n, at, d.Size())
	}
	return nil
}

// cut keeps none of the unflushed sectors, a random half, or those written last,
// which is what a disk that sorts its queue leaves.
func (d *Disk) cut() {
	if d.off {
		return
	}
	d.off, d.lastLoss = true, Loss{}
	way := d.random.IntN(4)
	for i, number := range d.order {
		kept := false
		switch {
		case d.lies || way == 0:
		case way == 1:
			kept = i >= len(d.order)/2
		default:
			kept = d.random.IntN(2) == 0
		}
		if !kept {
			d.lastLoss.Lost++
			continue
		}
		d.keep(number)
		d.lastLoss.Kept++
	}
	d.forget()
	close(d.gone)
}

func (d *Disk) keep(number int64) { copy(d.platter[number*SectorSize:], d.cache[number]) }

func (d *Disk) forget() {
	clear(d.cache)
	d.order = d.order[:0]
}
