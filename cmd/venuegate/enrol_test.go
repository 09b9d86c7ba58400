package main

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/sync/enrol"
	"github.com/venuegate/venuegate/sync/enrol/enroltest"
)

// enrolServer is a central with a place to give.
func enrolServer(t *testing.T) (url string) {
	t.Helper()
	c, err := enroltest.New()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	return s.URL
}

func TestEnrolCommand(t *testing.T) {
	url := enrolServer(t)
	data := filepath.Join(t.TempDir(), "data")
	out := must(t, "enrol", "--data", data, "--plain", "VGE1 "+url+" "+enroltest.Code)
	for _, want := range []string{"This box is now gate 7, \"North 3\", of " + url, "of the network and of 1 event(s), in plain", data + "/identity.key", "venuegate devices"} {
		if !contains(out, want) {
			t.Errorf("does not say %q:\n%s", want, out)
		}
	}
	file := filepath.Join(data, "gate.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if c.Gate.ID != 7 || c.Gate.Name != "North 3" || c.Gate.DataDir != data || c.Central.URL != url || c.Cluster.Listen != "0.0.0.0:7946" {
		t.Errorf("the configuration is of another gate:\n%s", text)
	}

	// Again: nothing changes, and it says who it is.
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, "", "enrol", "--data", data, "--plain", "--url", url, enroltest.Code)
	if r.code != exitNo || r.out != "" || !contains(r.err, "enrolled already: it is gate 7, North 3") || !contains(r.err, "Nothing was changed") {
		t.Errorf("again: %d %s%s", r.code, r.out, r.err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the configuration was written over: %v", err)
	}
	// But for a configuration that was lost on the way.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	r = run(t, "", "enrol", "--data", data, "--plain", "--url", url, enroltest.Code)
	if _, err := os.Stat(file); err != nil || !contains(r.err, "wrote the configuration that was missing: "+file) {
		t.Errorf("no configuration: %v, %s", err, r.err)
	}
}

func TestEnrolCommandKeepsAConfiguration(t *testing.T) {
	url := enrolServer(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "etc.toml")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	// From standard input, in lower case digits or not, as it is typed.
	r := run(t, enroltest.Code+"\n", "enrol", "--data", filepath.Join(dir, "data"), "--plain", "--config", file, "--url", url, "-")
	if r.code != exitOK || !contains(r.out, `(it was there and was left as it is: see that it says id = 7 and url = "`+url+`")`) {
		t.Errorf("%d %s%s", r.code, r.out, r.err)
	}
	if !contains(r.err, "the venue's keys stand in plain") || !contains(r.err, "without HTTPS") {
		t.Errorf("no warnings: %s", r.err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the configuration was written over: %v", err)
	}
}

func TestEnrolCommandRefuses(t *testing.T) {
	url := enrolServer(t)
	const other = "MZXW6YTBOJRGCZTPN5RGC4TCMX"
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no code":           {[]string{"--url", url}, exitUsage, "one CODE"},
		"two":               {[]string{"VGE1", url, enroltest.Code}, exitUsage, "in quotes"},
		"no URL":            {[]string{enroltest.Code}, exitUsage, "--url is missing"},
		"two URLs":          {[]string{"--url", "https://other.example", "VGE1 " + url + " " + enroltest.Code}, exitUsage, "different centrals"},
		"a bad URL":         {[]string{"--url", "tickets", enroltest.Code}, exitUsage, "URL is not one such as"},
		"a mistyped QR":     {[]string{"VGE1 " + url}, exitUsage, "want the text of an enrolment's QR code"},
		"an unknown code":   {[]string{"--url", url, other}, exitNo, "does not know this code"},
		"nobody there":      {[]string{"--url", "http://127.0.0.1:1", enroltest.Code}, exitNo, "run the same command again"},
		"no such authority": {[]string{"--url", url, "--ca", "/nowhere", enroltest.Code}, exitNo, "--ca"},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			r := run(t, "", append([]string{"enrol", "--plain", "--data", data}, c.args...)...)
			if r.code != c.code || r.out != "" || !contains(r.err, c.says) {
				t.Errorf("%d %s%s", r.code, r.out, r.err)
			}
			for _, secret := range []string{enroltest.Code, other} {
				if strings.Contains(r.err, secret) {
					t.Errorf("the code is quoted: %s", r.err)
				}
			}
			if _, err := enrol.Load(data); !errors.Is(err, enrol.ErrNotEnrolled) {
				t.Errorf("enrolled: %v", err)
			}
			if _, err := os.Stat(filepath.Join(data, "gate.toml")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a configuration was written: %v", err)
			}
		})
	}
	if r := run(t, "", "enrol", enroltest.Code); r.code != exitUsage || !contains(r.err, "--data is missing") {
		t.Errorf("no directory: %s", r.err)
	}
}

// A technician who forgot sudo -u would leave files that the gate cannot read.
func TestEnrolCommandAsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	url := enrolServer(t)
	data := t.TempDir()
	if err := os.Chown(data, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	r := run(t, "", "enrol", "--plain", "--data", data, "--url", url, enroltest.Code)
	if r.code != exitNo || !contains(r.err, "belongs to another user") || !contains(r.err, "sudo -u venuegate") {
		t.Errorf("%d %s", r.code, r.err)
	}
}
