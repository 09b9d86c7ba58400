package hil

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// unpack reads an archive back: names with their modes and contents.
func unpack(t *testing.T, b []byte) map[string]string {
	t.Helper()
	found := map[string]string{}
	for {
		field := func(i int) int {
			n, err := strconv.ParseUint(string(b[6+8*i:14+8*i]), 16, 32)
			if err != nil || string(b[:6]) != "070701" {
				t.Fatalf("not a header: %q", b[:110])
			}
			return int(n)
		}
		mode, size, nameLen := field(1), field(6), field(11)
		name := string(b[110 : 110+nameLen-1])
		if name == "TRAILER!!!" {
			return found
		}
		body := (110 + nameLen + 3) / 4 * 4
		found[name] = strconv.FormatInt(int64(mode), 8) + " " + string(b[body:body+size])
		b = b[(body+size+3)/4*4:]
	}
}

func TestInitramfs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err := WriteInitramfs(&b, []Entry{
		{Name: "/init", Mode: 0o755, Data: []byte("first")},
		{Name: "/a/b/c", Mode: 0o644, From: file},
		{Name: "/a/b/empty", Mode: 0o600},
		{Name: "/a/d", Mode: 0o700, Dir: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"init": "100755 first", "a": "40755 ", "a/b": "40755 ", "a/b/c": "100644 from a file", "a/b/empty": "100600 ", "a/d": "40700 ",
	}
	if got := unpack(t, b.Bytes()); !reflect.DeepEqual(got, want) {
		t.Errorf("the archive holds %v, not %v", got, want)
	}
	err = WriteInitramfs(&b, []Entry{{Name: "/gone", From: file + "?"}})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/gone") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestModuleNeeds(t *testing.T) {
	for name, test := range map[string]struct {
		modinfo string
		want    []string
	}{
		"none":   {"license=GPL\x00depends=\x00", nil},
		"some":   {"depends=xhci-hcd,usbcore\x00name=xhci_pci\x00", []string{"xhci_hcd", "usbcore"}},
		"silent": {"license=GPL\x00", nil},
	} {
		if got := needsIn(test.modinfo); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, not %v", name, got, test.want)
		}
	}
}

func TestModulesThatAreNot(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "usb-text.ko"), []byte("no ELF"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := FindModules(dir)
	if err != nil || found["usb_text"] == "" {
		t.Fatalf("found %v, %v", found, err)
	}
	for _, name := range []string{"usb-text", "missing"} {
		if _, err := found.With(name); err == nil || !strings.Contains(err.Error(), moduleName(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// qemu plays the other end of a QMP session: an answer for each command, with
// what goes before it.
func qemu(t *testing.T, answers map[string]string) *QMP {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { _ = here.Close() })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = there.Write([]byte(`{"QMP": {"version": {}, "capabilities": []}}` + "\n"))
		for decoder := json.NewDecoder(there); ; {
			var command struct{ Execute string }
			if decoder.Decode(&command) != nil {
				return
			}
			answer, ok := answers[command.Execute]
			if !ok {
				answer = `{"return": {}}`
			}
			_, _ = there.Write([]byte(answer + "\n"))
		}
	}()
	t.Cleanup(func() { _ = there.Close(); <-ended })
	q, err := NewQMP(here)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestQMP(t *testing.T) {
	q := qemu(t, map[string]string{
		"query-name": `{"event": "NIC_RX_FILTER_CHANGED"}` + "\n" + `{"return": {"name": "gate"}}`,
		"device_add": `{"error": {"class": "GenericError", "desc": "the port is taken"}}`,
		"device_del": `{"return": {}}` + "\n" + `{"event": "DEVICE_DELETED", "data": {"path": "/other"}}` + "\n" +
			`{"event": "DEVICE_DELETED", "data": {"device": "reader1"}}`,
	})
	if answer, err := q.Do("query-name", nil); err != nil || string(answer) != `{"name": "gate"}` {
		t.Errorf("an answer behind an event: %s, %v", answer, err)
	}
	if _, err := q.Do("device_add", map[string]string{"id": "x"}); err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("a refusal: %v", err)
	}
	if err := q.Unplug("reader1"); err != nil {
		t.Errorf("unplug: %v", err)
	}
	if err := q.Type([]string{"shift", "a"}, []string{"ret"}); err != nil {
		t.Errorf("type: %v", err)
	}
}
