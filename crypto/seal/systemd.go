package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Systemd is a [Guard] that closes secrets to this machine's TPM, its host key
// or both, by systemd's own program (systemd-creds(1), from version 250). As a
// user other than root it works from version 256 on, for that user alone.
type Systemd struct {
	program string
	scope   []string
}

// GuardError says why the machine's credentials cannot be used.
type GuardError struct {
	Doing string // such as encrypt
	Why   string
}

// Error says what failed and why.
func (e *GuardError) Error() string { return "systemd-creds: " + e.Doing + ": " + e.Why }

const (
	// A TPM takes up to a few seconds.
	guardPatience = 20 * time.Second
	// credentialName keeps ours apart from other programs' credentials.
	credentialName = "venuegate-"
)

// FindSystemd returns the guard of this machine, after closing and opening
// something with it. An empty program is systemd-creds on the path. The error is
// a [*GuardError]: there is none, or it does not work for this user.
func FindSystemd(ctx context.Context, program string) (*Systemd, error) {
	if program == "" {
		program = "systemd-creds"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, &GuardError{Doing: "find it", Why: "it is not installed"}
	}
	var first error
	for _, scope := range [][]string{nil, {"--user"}} {
		s := &Systemd{program: path, scope: scope}
		err := s.try(ctx)
		if err == nil {
			return s, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// try closes and opens something of no worth.
func (s *Systemd) try(ctx context.Context) error {
	probe := []byte(rand.Text())
	closed, err := s.Encrypt(ctx, "probe", probe)
	if err != nil {
		return err
	}
	if bytes.Contains(closed, probe) {
		return &GuardError{Doing: "try it", Why: "it does not encrypt"}
	}
	opened, err := s.Decrypt(ctx, "probe", closed)
	if err != nil {
		return err
	}
	if !bytes.Equal(opened, probe) {
		return &GuardError{Doing: "try it", Why: "what was closed opens as something else"}
	}
	return nil
}

// Encrypt closes a secret. Opening takes the same name.
func (s *Systemd) Encrypt(ctx context.Context, name string, plain []byte) ([]byte, error) {
	// auto is the TPM where there is one, and the host key.
	return s.run(ctx, "encrypt", plain, "--with-key=auto", "--name="+credentialName+name, "-", "-")
}

// Decrypt opens a secret.
func (s *Systemd) Decrypt(ctx context.Context, name string, closed []byte) ([]byte, error) {
	return s.run(ctx, "decrypt", closed, "--newline=no", "--name="+credentialName+name, "-", "-")
}

// run hands the secret over a pipe: it is on no command line and in no file.
func (s *Systemd) run(ctx context.Context, verb string, in []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, guardPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.program, append(append([]string{}, s.scope...), append([]string{verb}, args...)...)...)
	cmd.WaitDelay = time.Second
	cmd.Stdin = bytes.NewReader(in)
	out, said := bounded{most: 2 * maxSecret}, bounded{most: 4096}
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, &GuardError{Doing: verb, Why: ctx.Err().Error()}
	case out.over:
		return nil, &GuardError{Doing: verb, Why: "it answers without end"}
	case err != nil:
		return nil, &GuardError{Doing: verb, Why: why(err, said.b.String())}
	}
	return out.b.Bytes(), nil
}

// why is the last thing that the program said, or how it ended.
func why(err error, said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	var exit *exec.ExitError
	switch {
	case last != "":
		return fmt.Sprintf("%.200s", last)
	case errors.As(err, &exit):
		return exit.String()
	}
	return err.Error()
}

// bounded is a buffer that fails beyond its bound.
type bounded struct {
	b    bytes.Buffer
	most int
	over bool
}

func (w *bounded) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > w.most {
		w.over = true
		return 0, errors.New("too long")
	}
	return w.b.Write(p)
}
