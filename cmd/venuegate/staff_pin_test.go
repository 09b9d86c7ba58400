package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/web/pins"
)

func TestStaffPIN(t *testing.T) {
	dir := t.TempDir()
	run := func(in string, args ...string) ran {
		var out, errOut bytes.Buffer
		tool := &tool{in: strings.NewReader(in), out: &out, err: &errOut, now: time.Now}
		code := tool.run(t.Context(), append([]string{"staff", "pin"}, args...))
		return ran{code, out.String(), errOut.String()}
	}
	for _, test := range []struct {
		name, in string
		args     []string
		code     int
		says     string // on either output
	}{
		{"set", "271828\n", []string{"--data", dir, "12"}, exitOK, "staff 12 can sign in at this gate"},
		{"weak", "123456\n", []string{"--data", dir, "13"}, exitNo, "6 to 64 characters"},
		{"nothing", "", []string{"--data", dir, "13"}, exitNo, "6 to 64 characters"},
		{"generated", "", []string{"--data", dir, "--generate", "14"}, exitOK, "staff 14 signs in with "},
		{"removed", "", []string{"--data", dir, "--remove", "14"}, exitOK, "staff 14 cannot sign in"},
		{"removed twice", "", []string{"--data", dir, "--remove", "14"}, exitNo, "staff 14 has no PIN"},
		{"no directory", "271828\n", []string{"--data", dir + "/none", "12"}, exitNo, "data_dir"},
		{"no data", "", []string{"12"}, exitUsage, "--data is missing"},
		{"no number", "", []string{"--data", dir, "chief"}, exitUsage, "STAFF is somebody's number"},
		{"zero", "", []string{"--data", dir, "0"}, exitUsage, "STAFF is somebody's number"},
		{"both", "", []string{"--data", dir, "--generate", "--remove", "12"}, exitUsage, "do not go together"},
	} {
		got := run(test.in, test.args...)
		if got.code != test.code || !strings.Contains(got.out+got.err, test.says) {
			t.Errorf("%s: exit %d, %q, %q; want %d and %q", test.name, got.code, got.out, got.err, test.code, test.says)
		}
		if strings.Contains(got.out+got.err, "271828") {
			t.Errorf("%s: the PIN is printed", test.name)
		}
	}
	book, err := pins.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Check(12, "271828"); err != nil {
		t.Errorf("the PIN that was set: %v", err)
	}
	made := run("", "--data", dir, "--generate", "12").out
	pin := strings.TrimSpace(made[strings.LastIndex(strings.TrimSpace(made), " "):])
	if err := book.Check(12, gate.Private(pin)); err != nil || len(pin) != 6 {
		t.Errorf("the PIN that was made, of %d digits: %v", len(pin), err)
	}
}
