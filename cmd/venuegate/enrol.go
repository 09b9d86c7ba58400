package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/sync/enrol"
)

// enrolling is a command line of enrol.
type enrolling struct {
	text             string // a code, or the whole text of its QR code
	data, config, ca string
	url, name        string
	plain            bool
}

func (t *tool) enrolCommand() *cobra.Command {
	var e enrolling
	cmd := &cobra.Command{
		Use: "enrol CODE --data DIR [--url URL]", Short: "Make this box one of a venue's gates",
		Long: `Makes this box a gate, with a code from the ticket office that is good once. CODE
is the code, with --url, or the whole text of its QR code, which begins with VGE1;
with - it is read from standard input, and stays out of the shell's history.

The gate's key is made here and never leaves the box. A configuration is written
where there is none. If something breaks off, run the same command again.
Run it as the gate's own user.`,
		Example: indent(`venuegate enrol --data /var/lib/venuegate 'VGE1 https://tickets.example.org MZXW6YTBOJRGCZTPN5RGC4TCMF'
venuegate enrol --data /var/lib/venuegate --url https://tickets.example.org MZXW6YTBOJRGCZTPN5RGC4TCMF`),
		Args: between(1, 1, "one CODE, in quotes if it is the text of a QR code"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if e.data == "" {
				return usagef("--data is missing; it is where the gate will keep its journal, packs and keys, such as /var/lib/venuegate")
			}
			if e.text, err = t.textOrInput(args, "code"); err != nil {
				return err
			}
			return t.enrol(cmd.Context(), &e)
		},
	}
	dataFlag(cmd, &e.data)
	cmd.Flags().StringVar(&e.url, "url", "", "central's `URL`, where CODE does not hold it")
	cmd.Flags().StringVar(&e.config, "config", "", "the `FILE` to write where there is none (default gate.toml in the data directory)")
	cmd.Flags().StringVar(&e.ca, "ca", "", "PEM `FILE` that vouches for central, where the system's own list does not")
	cmd.Flags().StringVar(&e.name, "name", "", "what the office sees this box as (default its host name)")
	cmd.Flags().BoolVar(&e.plain, "plain", false, "keep the venue's keys in plain, though this machine could seal them")
	return cmd
}

func (t *tool) enrol(ctx context.Context, e *enrolling) error {
	o, err := e.options()
	if err != nil {
		return err
	}
	o.Now = t.now()
	if err := ownData(o.DataDir); err != nil {
		return err
	}
	if o.Client, err = clientFor(e.ca); err != nil {
		return err
	}
	var noGuard error
	if !e.plain {
		guard, err := seal.FindSystemd(ctx, "")
		if noGuard = err; err == nil {
			o.Guard = guard
		}
	}
	got, err := enrol.Enrol(ctx, o)
	var already *enrol.EnrolledError
	switch {
	case errors.As(err, &already):
		// It may have been cut off before the configuration was written.
		file, made, configErr := e.writeConfig(&already.Enrolment)
		if configErr != nil {
			return configErr
		}
		if made {
			_, _ = fmt.Fprintf(t.err, "wrote the configuration that was missing: %s\n", file)
		}
		return advise(err, "Nothing was changed. To make it another gate, give it an empty data directory, once everything it has recorded is at central: venuegate uplink status")
	case err != nil:
		return enrolProblem(err)
	}
	file, made, err := e.writeConfig(&got.Enrolment)
	if err != nil {
		return advise(err, "The box is enrolled; only its configuration is missing. Run the same command again with another --config.")
	}
	if got.LooseWhy == nil {
		got.LooseWhy = noGuard
	}
	return t.printEnrolled(&got, o.DataDir, file, made)
}

// options reads the command line.
func (e *enrolling) options() (enrol.Options, error) {
	i := enrol.Invitation{URL: e.url, Code: strings.TrimSpace(e.text)}
	if enrol.IsEnrolment(e.text) {
		var err error
		if i, err = enrol.Parse(e.text); err != nil {
			return enrol.Options{}, usagef("CODE: %v", err)
		}
		if e.url != "" && e.url != i.URL {
			return enrol.Options{}, usagef("--url and CODE name different centrals; leave --url out")
		}
	} else if e.url == "" {
		return enrol.Options{}, usagef("--url is missing; it stands beside the code, and in its QR code, which begins with VGE1")
	}
	if _, err := i.Text(); err != nil {
		return enrol.Options{}, usagef("%v", err)
	}
	data, err := filepath.Abs(e.data)
	if err != nil {
		return enrol.Options{}, err
	}
	e.data = data
	if e.name == "" {
		e.name, _ = os.Hostname() // central's list shows none, then
	}
	return enrol.Options{URL: i.URL, Code: i.Code, DataDir: data, Name: e.name}, nil
}

// ownData refuses another user's data directory: what is written there the gate
// could not read.
func ownData(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the gate's data: %w", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return advise(fmt.Errorf("%s belongs to another user than you", dir),
			"Run it as the gate's own user: sudo -u venuegate, before the command.")
	}
	return nil
}

// clientFor trusts what vouches for central.
func clientFor(ca string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, usagef("--ca: no certificate in PEM in that file")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport}, nil
}

// enrolProblem says what to do about an error.
func enrolProblem(err error) error {
	var reach *enrol.ReachError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return advise(err, "If the office's central has a certificate of its own: --ca FILE. Ask the office for the file; do not enrol without.")
	case errors.As(err, &reach):
		return advise(err, "Has this box a way out, and is its clock right (date)? The code is good still: run the same command again.")
	}
	return err
}

//go:embed enrol.toml.tmpl
var enrolTemplate string

// writeConfig writes a configuration to start from, unless one is there.
func (e *enrolling) writeConfig(place *enrol.Enrolment) (file string, made bool, err error) {
	file = e.config
	if file == "" {
		file = filepath.Join(e.data, "gate.toml")
	}
	if file, err = filepath.Abs(file); err != nil {
		return "", false, err
	}
	text, err := e.toml(place)
	if err != nil {
		return "", false, err
	}
	err = writeNew(file, text)
	if errors.Is(err, fs.ErrExist) {
		return file, false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("write the gate's configuration: %w", err)
	}
	return file, true, nil
}

func (e *enrolling) toml(place *enrol.Enrolment) ([]byte, error) {
	quote := func(text string) (string, error) { // a JSON string is a TOML string
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err := enc.Encode(text)
		return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
	}
	listen := ""
	for _, a := range place.Addresses {
		if at, err := netip.ParseAddrPort(a); err == nil {
			listen = "0.0.0.0:" + strconv.Itoa(int(at.Port()))
			break
		}
	}
	ca := e.ca
	if ca != "" {
		var err error
		if ca, err = filepath.Abs(ca); err != nil {
			return nil, err
		}
	}
	parsed, err := template.New("gate.toml").Funcs(template.FuncMap{"quote": quote}).Parse(enrolTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = parsed.Execute(&b, map[string]any{
		"Gate": uint32(place.Gate), "Name": place.Name, "Data": e.data, "URL": place.Central, "CA": ca, "Listen": listen,
	})
	if err != nil {
		return nil, fmt.Errorf("gate.toml: %w", err)
	}
	// What a gate would refuse is found here, not at its start.
	if _, err := config.Parse(b.Bytes()); err != nil {
		return nil, fmt.Errorf("gate.toml: %w", err)
	}
	return b.Bytes(), nil
}

func (t *tool) printEnrolled(got *enrol.Result, data, file string, made bool) error {
	settings := file
	if !made {
		settings += fmt.Sprintf(" (it was there and was left as it is: see that it says id = %d and url = %q)", got.Gate, got.Central)
	}
	_, err := fmt.Fprintf(t.out, `This box is now gate %d, %q, of %s

  its key     %s: made here, and stays here
  keys        of the network and of %d event(s), %s
  settings    %s

What next:
  venuegate devices                        what is plugged in, and how to write it down
  venuegated --config %s --check
`, got.Gate, got.Name, got.Central, filepath.Join(data, "identity.key"), got.Events, keptHow(got), settings, file)
	if err != nil {
		return err
	}
	if len(got.Loose) > 0 {
		_, _ = fmt.Fprintf(t.err, "the venue's keys stand in plain on this disk: whoever takes the disk has them%s\n", because(got.LooseWhy))
	}
	if strings.HasPrefix(strings.ToLower(got.Central), "http:") {
		_, _ = fmt.Fprintln(t.err, "central was asked without HTTPS: anybody on the way could have answered in its place, so compare the gate's number with the office's list")
	}
	return nil
}

func keptHow(got *enrol.Result) string {
	if len(got.Loose) > 0 {
		return "in plain"
	}
	return "sealed by this machine"
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}
