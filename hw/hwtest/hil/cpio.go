package hil

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Entry is a file or folder of an initramfs.
type Entry struct {
	Name string // absolute, slash-separated
	Mode uint32 // permissions
	Dir  bool
	Data []byte // of a file
	From string // file to take the data from, where Data is nil
}

// Bits of a mode, as in stat(2).
const (
	modeDir  = 0o040000
	modeFile = 0o100000
)

// WriteInitramfs writes a cpio archive in the "newc" format that the kernel
// unpacks (Documentation/driver-api/early-userspace/buffer-format.rst). Folders
// that are not among the entries are made.
func WriteInitramfs(w io.Writer, entries []Entry) error {
	a := archive{w: bufio.NewWriter(w), made: map[string]bool{"/": true}}
	for _, e := range entries {
		if err := a.add(e); err != nil {
			return fmt.Errorf("initramfs: %s: %w", e.Name, err)
		}
	}
	if err := a.record("TRAILER!!!", 0, nil); err != nil {
		return err
	}
	return a.w.Flush()
}

type archive struct {
	w     *bufio.Writer
	made  map[string]bool
	inode int
}

func (a *archive) add(e Entry) error {
	for dir := path.Dir(e.Name); !a.made[dir]; dir = path.Dir(e.Name) {
		missing := dir
		for !a.made[path.Dir(missing)] {
			missing = path.Dir(missing)
		}
		if err := a.add(Entry{Name: missing, Mode: 0o755, Dir: true}); err != nil {
			return err
		}
	}
	if e.Dir {
		a.made[e.Name] = true
		return a.record(e.Name, modeDir|e.Mode, nil)
	}
	if e.Data == nil && e.From != "" {
		var err error
		if e.Data, err = os.ReadFile(e.From); err != nil {
			return err
		}
	}
	return a.record(e.Name, modeFile|e.Mode, e.Data)
}

// record writes one header, name and content, each padded to four bytes.
func (a *archive) record(name string, mode uint32, data []byte) error {
	a.inode++
	name = strings.TrimPrefix(name, "/")
	const headerLen = 110
	fields := [...]uint32{
		uint32(a.inode), mode, 0, 0, 1, 0, uint32(len(data)), // inode, mode, owner, group, links, time, size
		0, 0, 0, 0, uint32(len(name) + 1), 0, // devices, length of the name, no checksum
	}
	if _, err := a.w.WriteString("070701"); err != nil {
		return err
	}
	for _, f := range fields {
		if _, err := fmt.Fprintf(a.w, "%08X", f); err != nil {
			return err
		}
	}
	pad := func(n int) string { return "\x00\x00\x00"[:(4-n%4)%4] }
	for _, s := range []string{name, "\x00", pad(headerLen + len(name) + 1)} {
		if _, err := a.w.WriteString(s); err != nil {
			return err
		}
	}
	if _, err := a.w.Write(data); err != nil {
		return err
	}
	_, err := a.w.WriteString(pad(len(data)))
	return err
}
