package systemd_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const rulesFile = "70-venuegate.rules"

// term is one part of a rule: KEY{attribute}operator"value".
type term struct{ key, attribute, operator, value string }

var termForm = regexp.MustCompile(`^\s*([A-Z_]+)(?:\{([^}]+)\})?(==|!=|\+=|-=|:=|=)"([^"]*)"\s*(,|$)`)

// matching and assigning are the keys of udev(7) that the rules may use.
var (
	matching  = []string{"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "KERNEL", "DRIVERS", "ATTR", "ATTRS", "ENV"}
	assigning = []string{"GROUP", "MODE", "SYMLINK", "IMPORT", "ENV", "GOTO", "LABEL"}
)

// parseRules reads rules as udev(7) describes them, strictly.
func parseRules(text string) ([][]term, error) {
	var all [][]term
	n := 0
	for line := range strings.Lines(text) {
		n++
		rest := strings.TrimSpace(line)
		if rest == "" || strings.HasPrefix(rest, "#") {
			continue
		}
		var rule []term
		for rest != "" {
			m := termForm.FindStringSubmatch(rest)
			if m == nil {
				return nil, fmt.Errorf("line %d: cannot be read from %q on", n, rest)
			}
			one := term{m[1], m[2], m[3], m[4]}
			keys := assigning
			if one.operator == "==" || one.operator == "!=" {
				keys = matching
			}
			if !slices.Contains(keys, one.key) {
				return nil, fmt.Errorf("line %d: %s with %s", n, one.key, one.operator)
			}
			rule, rest = append(rule, one), strings.TrimPrefix(rest, m[0])
		}
		all = append(all, rule)
	}
	return all, nil
}

func readRules(t *testing.T) [][]term {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := parseRules(string(text))
	if err != nil {
		t.Fatalf("%s: %v", rulesFile, err)
	}
	return rules
}

// value returns what a rule matches or assigns.
func value(rule []term, key, operator string) string {
	for _, one := range rule {
		if one.key == key && one.operator == operator {
			return one.value
		}
	}
	return ""
}

// A device that only root may open is given to a group, and the daemon is in it.
func TestRulesGiveDevicesToTheDaemon(t *testing.T) {
	groups := strings.Fields(strings.Join(readUnit(t)["Service.SupplementaryGroups"], " "))
	made, err := os.ReadFile("venuegate.sysusers.conf")
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{}
	for _, rule := range readRules(t) {
		group := value(rule, "GROUP", "=")
		if group == "" {
			continue
		}
		given[value(rule, "SUBSYSTEM", "==")] = group
		if mode := value(rule, "MODE", "="); mode != "0660" {
			t.Errorf("%v: mode %q, want 0660: nobody else reads what visitors show", rule, mode)
		}
	}
	if given["hidraw"] == "" || given["gpio"] == "" {
		t.Errorf("groups are given for %v, want hidraw and gpio", given)
	}
	for _, group := range given {
		if !slices.Contains(groups, group) {
			t.Errorf("the unit's SupplementaryGroups lack %s", group)
		}
	}
	for _, group := range groups {
		if !strings.Contains(string(made), "\ng "+group+" ") {
			t.Errorf("group %s is not made: the unit would not start on a box without it", group)
		}
	}
}

func TestRulesJumpToWhereThereIsALabel(t *testing.T) {
	labels, seen := map[string]bool{}, false
	rules := readRules(t)
	for _, rule := range rules {
		labels[value(rule, "LABEL", "=")] = true
	}
	for _, rule := range rules {
		if to := value(rule, "GOTO", "="); to != "" {
			if seen = true; !labels[to] {
				t.Errorf("there is no label %s", to)
			}
		}
	}
	if !seen {
		t.Error("a device that goes is not passed over")
	}
}

// A link is made only after the builtin that finds its name.
func TestRulesNameHIDPOSReaders(t *testing.T) {
	found := false
	for _, rule := range readRules(t) {
		if value(rule, "IMPORT", "=") == "path_id" {
			found = true
		}
		if link := value(rule, "SYMLINK", "+="); strings.Contains(link, "ID_PATH") && !found {
			t.Errorf("%s comes before path_id", link)
		}
	}
	if !found {
		t.Error("no link says where a HID-POS reader is plugged in")
	}
}

func TestParseRules(t *testing.T) {
	got, err := parseRules("# c\n\nKERNEL==\"a|b\", ENV{X}=\"1\"\n")
	if want := (term{"ENV", "X", "=", "1"}); err != nil || len(got) != 1 || got[0][1] != want {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{`KERNEL=="a" ENV{X}="1"`, `KERNEL="a"`, `GROUP=="a"`, `MODE=0660`, `RUN+="/bin/sh"`, `KERNEL=="a", x`} {
		if got, err := parseRules(bad); err == nil {
			t.Errorf("%q read as %v", bad, got)
		}
	}
}

// TestUdevReadsRules asks udev itself, where it can be asked (version 254).
func TestUdevReadsRules(t *testing.T) {
	udevadm, err := exec.LookPath("udevadm")
	if err != nil {
		t.Skip("udevadm is not installed: the rules are checked by our own reading only")
	}
	if exec.CommandContext(t.Context(), udevadm, "verify", "--help").Run() != nil {
		t.Skip("this udevadm cannot verify rules, version 254 can: they are checked by our own reading only")
	}
	// Groups need not be there on the machine of a test.
	if out, err := exec.CommandContext(t.Context(), udevadm, "verify", "--resolve-names=never", rulesFile).CombinedOutput(); err != nil {
		t.Errorf("udevadm verify: %v\n%s", err, out)
	}
}

// What a handheld is told is what systemd understands: one section, known keys.
func TestHandheldStaysAwake(t *testing.T) {
	for file, keys := range map[string][]string{
		"venuegate-handheld.sleep.conf":  {"Sleep.AllowSuspend=no", "Sleep.AllowHibernation=no", "Sleep.AllowSuspendThenHibernate=no", "Sleep.AllowHybridSleep=no"},
		"venuegate-handheld.logind.conf": {"Login.HandlePowerKey=ignore", "Login.HandleSuspendKey=ignore", "Login.HandleHibernateKey=ignore", "Login.HandleLidSwitch=ignore", "Login.IdleAction=ignore"},
	} {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		u, err := parseUnit(f)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for key, values := range u {
			for _, v := range values {
				got = append(got, key+"="+v)
			}
		}
		slices.Sort(got)
		slices.Sort(keys)
		if !slices.Equal(got, keys) {
			t.Errorf("%s says %v, want %v", file, got, keys)
		}
	}
}
