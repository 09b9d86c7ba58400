package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/venuegate/venuegate/configs"
	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/hw/hwtest"
)

// asDaemon makes the test's own program the daemon, so that what is tested is a
// real process with real signals.
const asDaemon = "VENUEGATED_TEST_AS_DAEMON"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		main()
	}
	os.Exit(m.Run())
}

func daemonCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asDaemon+"=1")
	return cmd
}

// box is a gate's directory with devices on pseudo-terminals.
type box struct {
	dir, config string
	notify      *net.UnixConn
}

func newBox(t *testing.T) *box {
	b := &box{dir: t.TempDir()}
	b.config = filepath.Join(b.dir, "gate.toml")
	if err := os.Mkdir(filepath.Join(b.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	key, err := keyring.NewGate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Save(filepath.Join(b.dir, "data", "identity.key")); err != nil {
		t.Fatal(err)
	}
	scanner, err := hwtest.NewScanner(filepath.Join(b.dir, "scanner"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = scanner.Close() })
	b.write(t, "North", 9600)
	b.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(b.dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.notify.Close() })
	return b
}

func (b *box) write(t *testing.T, name string, baud int) {
	text := fmt.Sprintf(`
[gate]
id = 1
name = %q
data_dir = %q
[web]
listen = "127.0.0.1:0"
[[lane]]
id = 1
[[lane.reader]]
name = "code"
type = "serial"
path = %q
baud = %d
[lane.barrier]
type = "none"
`, name, filepath.Join(b.dir, "data"), filepath.Join(b.dir, "scanner"), baud)
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hear waits for a message to the service manager.
func (b *box) hear(t *testing.T, want string) {
	t.Helper()
	if err := b.notify.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1024)
	for {
		n, err := b.notify.Read(buf)
		if err != nil {
			t.Fatalf("the service manager never heard %s: %v", want, err)
		}
		if strings.Contains(string(buf[:n]), want) {
			return
		}
	}
}

func TestDaemon(t *testing.T) {
	b := newBox(t)
	cmd := daemonCommand(t.Context(), "--config", b.config)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+filepath.Join(b.dir, "notify"))
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.hear(t, "READY=1")
	b.hear(t, "WATCHDOG=1")

	b.write(t, "North", 12345)
	signalTo(t, cmd, syscall.SIGHUP)
	b.hear(t, "RELOADING=1")
	b.hear(t, "READY=1")
	b.write(t, "South", 19200)
	signalTo(t, cmd, syscall.SIGHUP)
	b.hear(t, "RELOADING=1")
	b.hear(t, "READY=1")

	signalTo(t, cmd, syscall.SIGTERM)
	b.hear(t, "STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Errorf("the daemon ended with %v:\n%s", err, log.String())
	}
	for _, want := range []string{
		"lane[0].reader[0].baud: 12345 is not a speed that can be set",
		"the last good one stays",
		"configuration reloaded",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
}

func signalTo(t *testing.T, cmd *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	example := file("example.toml", string(configs.Gate))
	broken := file("broken.toml", "[gate]\nid = \"one\"\n")
	noLane := file("nolane.toml", "[gate]\nid = 1\n")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string // in what is printed
	}{
		{"version", []string{"--version"}, 0, "venuegated devel"},
		{"help", []string{"--help"}, 0, "gate's configuration"},
		{"unknown flag", []string{"--confg", example}, exitUsage, "flag provided but not defined"},
		{"forgotten flag", []string{example}, exitUsage, "goes after --config"},
		{"check the example", []string{"--check", "--config", example}, 0, "good, 1 lane(s)"},
		{"check a broken one", []string{"--check", "--config", broken}, exitConfig, "gate.id (line 2)"},
		{"run a broken one", []string{"--config", noLane}, exitConfig, "a gate has at least one [[lane]]"},
		{"no such file", []string{"--config", filepath.Join(dir, "none.toml")}, exitConfig, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := daemonCommand(t.Context(), c.args...).CombinedOutput()
			var exit *exec.ExitError
			code := 0
			if errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code || !strings.Contains(string(out), c.want) {
				t.Errorf("exit code %d, want %d; printed, without %q:\n%s", code, c.code, c.want, out)
			}
		})
	}
}
