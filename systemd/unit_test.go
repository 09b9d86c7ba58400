// Package systemd_test reads the unit as systemd would, and keeps what an
// operator relies on: that a gate comes back, and what it cannot touch.
package systemd_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const unitFile = "venuegated.service"

// maxExposure bounds how exposed systemd itself finds the unit, from 0 to 10.
// What is left is the network, devices and reading the clock.
const maxExposure = 2.5

// unit holds the values of each key, in order, by "Section.Key".
type unit map[string][]string

func parseUnit(r io.Reader) (unit, error) {
	u, section, line := unit{}, "", 0
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line++
		text := strings.TrimSpace(lines.Text())
		key, value, assigned := strings.Cut(text, "=")
		switch {
		case text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";"):
		case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
			section = strings.Trim(text, "[]")
		case !assigned:
			return nil, fmt.Errorf("line %d: neither a section nor an assignment", line)
		case section == "":
			return nil, fmt.Errorf("line %d: assignment before the first section", line)
		default:
			u[section+"."+key] = append(u[section+"."+key], value)
		}
	}
	return u, lines.Err()
}

func readUnit(t *testing.T) unit {
	t.Helper()
	f, err := os.Open(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	u, err := parseUnit(f)
	if err != nil {
		t.Fatalf("%s: %v", unitFile, err)
	}
	return u
}

func TestUnit(t *testing.T) {
	u := readUnit(t)
	for _, c := range []struct {
		key, want, why string
	}{
		{"Service.Type", "notify", "the daemon says when it is ready"},
		{"Service.ExecStart", "/usr/bin/venuegated --config /etc/venuegate/gate.toml", "one configuration file"},
		{"Service.ExecStopPost", "-/usr/bin/venuegate lane safe --config /etc/venuegate/gate.toml", "a gate that was killed leaves no relay closed"},
		{"Service.ExecReload", "/bin/kill -HUP $MAINPID", "the daemon reloads on SIGHUP"},
		{"Service.WatchdogSec", "10", "a gate that hangs is started again"},
		{"Service.Restart", "always", "a gate comes back"},
		{"Service.RestartPreventExitStatus", "78", "but not with a configuration that cannot work"},
		{"Unit.StartLimitIntervalSec", "0", "however often it fell"},
		{"Service.TimeoutStopSec", "10", "a clean stop takes 5 s at most"},
		{"Install.WantedBy", "multi-user.target", "it starts with the box"},

		{"Service.User", "venuegate", "never root"},
		{"Service.StateDirectory", "venuegate", "the one place it writes to"},
		{"Service.StateDirectoryMode", "0700", "which nobody else reads"},
		{"Service.UMask", "0077", "nor any file in it"},
		{"Service.LimitCORE", "0", "a core dump would hold keys"},
		{"Service.MemoryMax", "75%", "an operator can still log in"},

		{"Service.ProtectSystem", "strict", "the system is read-only"},
		{"Service.ProtectHome", "yes", "homes are none of its business"},
		{"Service.PrivateTmp", "yes", "nor are others' temporary files"},
		{"Service.DevicePolicy", "closed", "devices by class, named"},
		{"Service.CapabilityBoundingSet", "", "no capability at all"},
		{"Service.AmbientCapabilities", "", "none lent either"},
		{"Service.NoNewPrivileges", "yes", "and none to gain"},
		{"Service.MemoryDenyWriteExecute", "yes", "no new code at run time"},
		{"Service.RestrictNamespaces", "yes", ""},
		{"Service.RestrictSUIDSGID", "yes", ""},
		{"Service.LockPersonality", "yes", ""},
		{"Service.ProtectKernelModules", "yes", ""},
		{"Service.ProtectKernelTunables", "yes", ""},
		{"Service.ProtectKernelLogs", "yes", ""},
		{"Service.ProtectControlGroups", "yes", ""},
		{"Service.SystemCallArchitectures", "native", ""},
		{"Service.RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK", "netlink brings hot-plug events"},
	} {
		t.Run(c.key, func(t *testing.T) {
			if got := u[c.key]; !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s = %q, want %q once: %s", c.key, got, c.want, c.why)
			}
		})
	}
}

func TestUnitDevices(t *testing.T) {
	u := readUnit(t)
	allowed := u["Service.DeviceAllow"]
	for _, class := range []string{"ttyUSB", "ttyACM", "ttyS", "ttyAMA", "input", "hidraw", "video4linux", "gpiochip"} {
		if want := "char-" + class + " rw"; !slices.Contains(allowed, want) {
			t.Errorf("DeviceAllow=%s is missing", want)
		}
	}
	for _, device := range allowed {
		if strings.HasPrefix(device, "block-") || !strings.HasSuffix(device, " rw") {
			t.Errorf("DeviceAllow=%s: no disks, no making of device nodes", device)
		}
	}
	// A class is allowed only when its driver is there as the service starts.
	for _, driver := range []string{"usbserial", "cdc_acm", "hid", "videodev"} {
		service := "modprobe@" + driver + ".service"
		for _, key := range []string{"Unit.Wants", "Unit.After"} {
			if !slices.Contains(strings.Fields(strings.Join(u[key], " ")), service) {
				t.Errorf("%s lacks %s: an adapter plugged in later would be refused", key, service)
			}
		}
	}
}

func TestUnitSystemCalls(t *testing.T) {
	u := readUnit(t)
	want := []string{"@system-service", "~@privileged @resources", "adjtimex prlimit64"}
	if got := u["Service.SystemCallFilter"]; !slices.Equal(got, want) {
		t.Errorf("SystemCallFilter = %q, want %q in this order, since the last word on a call counts", got, want)
	}
	if got := u["Service.ProtectClock"]; len(got) > 0 {
		t.Errorf("ProtectClock = %q forbids asking whether the clock is synchronised", got)
	}
}

func TestParseUnit(t *testing.T) {
	u, err := parseUnit(strings.NewReader("# c\n[Unit]\nAfter=a b\n\n[Service]\nDeviceAllow=x rw\n; c\nDeviceAllow=y rw\nEnv=A=B\n"))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][]string{
		"Unit.After": {"a b"}, "Service.DeviceAllow": {"x rw", "y rw"}, "Service.Env": {"A=B"}, "Service.After": nil,
	} {
		if !slices.Equal(u[key], want) {
			t.Errorf("%s = %q, want %q", key, u[key], want)
		}
	}
	for _, bad := range []string{"User=x\n", "[Service]\nUser\n"} {
		if u, err := parseUnit(strings.NewReader(bad)); err == nil {
			t.Errorf("%q read as %v", bad, u)
		}
	}
}

// TestSystemdReadsUnit asks systemd itself: every key known, every value
// understood, and how exposed the daemon is.
func TestSystemdReadsUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the unit is checked by our own reading only")
	}
	out, err := exec.CommandContext(t.Context(), analyze, "--version").Output()
	if err != nil {
		t.Fatalf("systemd-analyze --version: %v", err)
	}
	version := 0
	if m := regexp.MustCompile(`^systemd (\d+)`).FindSubmatch(out); m != nil {
		version, _ = strconv.Atoi(string(m[1]))
	}
	if version < 250 {
		t.Skipf("systemd %d cannot judge a unit file offline, 250 can: the unit is checked by our own reading only", version)
	}
	path := withoutBinary(t)

	t.Run("verify", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", path).CombinedOutput()
		if err != nil {
			t.Fatalf("systemd-analyze verify: %v\n%s", err, out)
		}
		// A key or value that is not understood is a remark, not an error.
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, unitFile) {
				t.Errorf("systemd-analyze verify: %s", line)
			}
		}
	})
	t.Run("security", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--no-pager", path).CombinedOutput()
		if err != nil {
			t.Fatalf("systemd-analyze security: %v\n%s", err, out)
		}
		m := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
		if m == nil {
			t.Fatalf("systemd-analyze security gave no level:\n%s", out)
		}
		exposure, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		if exposure > maxExposure {
			t.Errorf("exposure %.1f, at most %.1f\n%s", exposure, maxExposure, out)
		}
		t.Logf("systemd %d: exposure %.1f", version, exposure)
	})
}

// withoutBinary copies the unit with this test in the programs' place, since
// systemd looks whether they are there.
func withoutBinary(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), unitFile)
	here := strings.NewReplacer("/usr/bin/venuegated", self, "/usr/bin/venuegate", self)
	if err := os.WriteFile(path, []byte(here.Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
