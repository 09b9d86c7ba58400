package input

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/creack/pty"
)

// What came before the deadline is read after it: os.File alone would not look.
func TestReadLooksOnceMore(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = master.Close(), slave.Close() })
	h, _, err := openFile(slave.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	buf := make([]byte, 16)
	late := func() (int, error) {
		if err := h.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		return h.Read(buf)
	}
	if n, err := late(); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("nothing there: %d, %v", n, err)
	}
	if _, err := master.Write([]byte("in time\n")); err != nil {
		t.Fatal(err)
	}
	got := ""
	for got != "in time\n" { // a terminal hands bytes on when it likes
		n, err := late()
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		got += string(buf[:n])
	}
}
