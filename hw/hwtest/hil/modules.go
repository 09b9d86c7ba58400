package hil

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Modules are a kernel's modules by name, with "_" for "-", as the kernel has it.
type Modules map[string]string // name → file

// FindModules lists the modules below a folder.
func FindModules(dir string) (Modules, error) {
	found := Modules{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if name, ext, _ := strings.Cut(d.Name(), "."); strings.HasPrefix(ext, "ko") {
			found[moduleName(name)] = file
		}
		return nil
	})
	return found, err
}

func moduleName(s string) string { return strings.ReplaceAll(s, "-", "_") }

// Module is a module's code and the modules that have to be there before it.
type Module struct {
	Name  string
	Needs []string
	Code  []byte
}

// With returns the named modules and all that they need, each after those that
// it needs. A name that is no module is an error: this kernel has it built in,
// or not at all.
func (m Modules) With(names ...string) ([]Module, error) {
	var list []Module
	done := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		if done[name] {
			return nil
		}
		done[name] = true
		file, ok := m[name]
		if !ok {
			return fmt.Errorf("module %s: this kernel has none", name)
		}
		code, err := readModule(file)
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		needs, err := needsOf(bytes.NewReader(code))
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		for _, n := range needs {
			if err := add(n); err != nil {
				return err
			}
		}
		list = append(list, Module{name, needs, code})
		return nil
	}
	for _, name := range names {
		if err := add(moduleName(name)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// readModule reads a module, which later Debian kernels have compressed.
func readModule(file string) ([]byte, error) {
	if strings.HasSuffix(file, ".xz") {
		return exec.Command("xz", "-dc", file).Output()
	}
	return os.ReadFile(file)
}

// needsOf reads which modules one depends on, from the text that the build
// leaves in it for depmod(8).
func needsOf(module io.ReaderAt) ([]string, error) {
	f, err := elf.NewFile(module)
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no .modinfo: not a module")
	}
	text, err := section.Data()
	if err != nil {
		return nil, err
	}
	return needsIn(string(text)), nil
}

func needsIn(modinfo string) []string {
	var needs []string
	for line := range strings.SplitSeq(modinfo, "\x00") {
		list, ok := strings.CutPrefix(line, "depends=")
		if !ok {
			continue
		}
		for name := range strings.SplitSeq(list, ",") {
			if name != "" {
				needs = append(needs, moduleName(name))
			}
		}
	}
	return slices.Compact(needs)
}
