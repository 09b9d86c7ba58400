package seal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/venuegate/venuegate/crypto/seal"
)

// creds is a program that stands in for systemd-creds: it takes the same words,
// and hex for encryption. scope is what it wants before the verb.
func creds(scope string) string {
	return `#!/bin/sh
want="` + scope + `"
if [ -n "$want" ]; then
	[ "$1" = "$want" ] || { echo "Permission denied" >&2; exit 1; }
	shift
elif [ "$1" = --user ]; then
	echo "unrecognized option '--user'" >&2; exit 1
fi
case "$1 $2 $4 $5" in
"encrypt --with-key=auto - -") echo "$3"; od -An -v -tx1 | tr -d ' \n' ;;
"decrypt --newline=no - -")
	read -r name
	[ "$name" = "$3" ] || { echo "Embedded credential name does not match, refusing." >&2; exit 1; }
	hex=$(cat); while [ -n "$hex" ]; do
		rest=${hex#??}; printf "\\$(printf %o "0x${hex%"$rest"}")"; hex=$rest
	done ;;
*) echo "unknown: $*" >&2; exit 1 ;;
esac
`
}

func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "systemd-creds")
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSystemd(t *testing.T) {
	for name, scope := range map[string]string{"for the system": "", "for a user": "--user"} {
		t.Run(name, func(t *testing.T) {
			g, err := seal.FindSystemd(t.Context(), program(t, creds(scope)))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			s := storeIn(t, dir, g)
			if put(t, s, "1", secret) {
				t.Error("loose")
			}
			if got := get(t, s, "1"); got != secret {
				t.Errorf("came back as %q", got)
			}
			if err := os.Rename(filepath.Join(dir, "1.cred"), filepath.Join(dir, "2.cred")); err != nil {
				t.Fatal(err)
			}
			var e *seal.GuardError
			if _, err := s.Get(t.Context(), "2"); !errors.As(err, &e) || e.Doing != "decrypt" || !strings.Contains(e.Why, "name") {
				t.Errorf("a secret under another name: %v", err)
			}
		})
	}
}

func TestSystemdThatDoesNotWork(t *testing.T) {
	for name, c := range map[string]struct{ script, why string }{
		"no key":              {"#!/bin/sh\ncat >/dev/null\necho 'no TPM2' >&2\necho 'Failed to determine local credential host secret: Permission denied' >&2\nexit 1\n", "Permission denied"},
		"says nothing":        {"#!/bin/sh\nexit 3\n", "exit status 3"},
		"does not encrypt":    {"#!/bin/sh\ncat\n", "does not encrypt"},
		"opens as other":      {"#!/bin/sh\necho hello\n", "something else"},
		"talks without end":   {"#!/bin/sh\nwhile :; do printf '%01024d' 0; done\n", "without end"},
		"is no program":       {"#!/nowhere/interpreter\n", "no such file"},
		"complains and quits": {"#!/bin/sh\nhead -c 100000 /dev/zero >&2; exit 1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := seal.FindSystemd(t.Context(), program(t, c.script))
			var e *seal.GuardError
			if !errors.As(err, &e) || g != nil || !strings.Contains(e.Why, c.why) {
				t.Errorf("got %v, want a GuardError with %q", err, c.why)
			}
		})
	}
	_, err := seal.FindSystemd(t.Context(), filepath.Join(t.TempDir(), "none"))
	var e *seal.GuardError
	if !errors.As(err, &e) || e.Why != "it is not installed" {
		t.Errorf("not installed: %v", err)
	}
}
