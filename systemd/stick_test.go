package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	stickUnit  = "venuegate-stick@.service"
	stickRules = "70-venuegate-stick.rules"
)

// Anybody can plug in a stick: what handles it may touch the gate's folder and
// the stick, and nothing else.
func TestStickUnit(t *testing.T) {
	f, err := os.Open(stickUnit)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	u, err := parseUnit(f)
	if err != nil {
		t.Fatalf("%s: %v", stickUnit, err)
	}
	const mounted = "%t/venuegate-stick/%i"
	for key, want := range map[string][]string{
		"Service.Type":             {"oneshot"},
		"Service.RuntimeDirectory": {"venuegate-stick/%i"},
		"Service.ExecStartPre":     {"+/usr/bin/mount -o nosuid,nodev,noexec,noatime,uid=venuegate,gid=venuegate,umask=0077 /dev/%I " + mounted},
		"Service.ExecStart": {
			"-/usr/bin/venuegate pack import " + mounted + " --data /var/lib/venuegate",
			"/usr/bin/venuegate log export " + mounted + " --data /var/lib/venuegate",
		},
		"Service.ExecStopPost":           {"+-/usr/bin/umount " + mounted},
		"Unit.BindsTo":                   {"dev-%i.device"},
		"Service.User":                   {"venuegate"},
		"Service.UMask":                  {"0077"},
		"Service.ProtectSystem":          {"strict"},
		"Service.ReadWritePaths":         {"/var/lib/venuegate"},
		"Service.PrivateNetwork":         {"yes"},
		"Service.PrivateDevices":         {"yes"},
		"Service.CapabilityBoundingSet":  {""},
		"Service.NoNewPrivileges":        {"yes"},
		"Service.RestrictNamespaces":     {"yes"},
		"Service.LimitCORE":              {"0"},
		"Service.MemoryDenyWriteExecute": {"yes"},
	} {
		if got := u[key]; !slices.Equal(got, want) {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	// Only mounting and unmounting are done as root.
	for _, key := range []string{"Service.ExecStartPre", "Service.ExecStart", "Service.ExecStopPost", "Service.ExecStartPost", "Service.ExecStop"} {
		for _, line := range u[key] {
			if program := strings.Fields(line)[0]; strings.ContainsAny(program, "+!") && !strings.HasSuffix(program, "mount") {
				t.Errorf("%s = %q runs as root", key, line)
			}
		}
	}
}

// TestSystemdReadsStickUnit asks systemd whether it knows every key and value.
func TestSystemdReadsStickUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the unit is checked by our own reading only")
	}
	text, err := os.ReadFile(stickUnit)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// systemd looks whether the programs are there, and takes no template.
	programs := regexp.MustCompile(`/usr/bin/\w+`)
	path := filepath.Join(t.TempDir(), strings.Replace(stickUnit, "@", "@sda1", 1))
	if err := os.WriteFile(path, programs.ReplaceAll(text, []byte(self)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", path).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, filepath.Base(path)) {
			t.Errorf("systemd-analyze verify: %s", line)
		}
	}
	if err != nil {
		t.Logf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// Nothing but a labelled USB stick with a file system without owners starts
// the unit.
func TestStickRules(t *testing.T) {
	text, err := os.ReadFile(stickRules)
	if err != nil {
		t.Fatal(err)
	}
	const end = `GOTO="venuegate_stick_end"`
	var rules []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			rules = append(rules, line)
		}
	}
	want := []string{
		`ACTION!="add", ` + end,
		`SUBSYSTEM!="block", ` + end,
		`ENV{ID_BUS}!="usb", ` + end,
		`ENV{ID_FS_USAGE}!="filesystem", ` + end,
		`ENV{ID_FS_TYPE}!="vfat|exfat", ` + end,
		`ENV{ID_FS_LABEL}!="VENUEGATE", ` + end,
		`TAG+="systemd", ENV{UDISKS_IGNORE}="1", ENV{SYSTEMD_WANTS}+="` + strings.Replace(stickUnit, "@", "@%k", 1) + `"`,
		`LABEL="venuegate_stick_end"`,
	}
	if !slices.Equal(rules, want) {
		t.Errorf("rules\n%s\nwant\n%s", strings.Join(rules, "\n"), strings.Join(want, "\n"))
	}
	udevadm, err := exec.LookPath("udevadm")
	if err != nil {
		return
	}
	if exec.CommandContext(t.Context(), udevadm, "verify", "--help").Run() != nil {
		return // older than systemd 254, it cannot
	}
	if out, err := exec.CommandContext(t.Context(), udevadm, "verify", stickRules).CombinedOutput(); err != nil {
		t.Errorf("udevadm verify: %v\n%s", err, out)
	}
}
