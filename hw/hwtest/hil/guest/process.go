package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/venuegate/venuegate/hw/hwtest/hil/wire"
)

// tick is the unit of times in /proc, which user space always sees as 1/100 s.
const tick = 10 * time.Millisecond

// Process says how the daemon is doing.
func (a *Agent) Process(_ wire.None, p *wire.Process) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.daemon == nil {
		return nil
	}
	select {
	case <-a.ended:
		return nil
	default:
	}
	dir := fmt.Sprintf("/proc/%d/", a.daemon.Process.Pid)
	open, err := os.ReadDir(dir + "fd")
	if err != nil {
		return err
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return err
	}
	// The fields after the name, which may hold anything (proc(5)).
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	number := func(i int) int {
		n, convErr := strconv.Atoi(fields[i])
		if convErr != nil {
			err = fmt.Errorf("%sstat: %w", dir, convErr)
		}
		return n
	}
	const user, system, threads, resident = 11, 12, 17, 21
	if len(fields) <= resident {
		return fmt.Errorf("%sstat has %d fields", dir, len(fields))
	}
	*p = wire.Process{
		Running: true, CPU: time.Duration(number(user)+number(system)) * tick,
		Descriptors: len(open), Threads: number(threads), Resident: number(resident) * os.Getpagesize() / 1024,
	}
	return err
}
