package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// moduleList says what each module needs; a line is a name and its needs.
type moduleList struct {
	mu     sync.Mutex
	needs  map[string][]string
	loaded map[string]bool
}

func readModuleList(file string) (*moduleList, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	l := &moduleList{needs: map[string][]string{}, loaded: map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 0 {
			l.needs[words[0]] = words[1:]
		}
	}
	return l, nil
}

// load loads a module with parameters, and what it needs without, once.
func (l *moduleList) load(name, parameters string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loadLocked(name, parameters)
}

func (l *moduleList) loadLocked(name, parameters string) error {
	if l.loaded[name] {
		return nil
	}
	needs, ok := l.needs[name]
	if !ok {
		return fmt.Errorf("module %s is not on board", name)
	}
	for _, n := range needs {
		if err := l.loadLocked(n, ""); err != nil {
			return err
		}
	}
	f, err := os.Open("/modules/" + name + ".ko")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := unix.FinitModule(int(f.Fd()), parameters, 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("module %s: %w", name, err)
	}
	l.loaded[name] = true
	return nil
}
