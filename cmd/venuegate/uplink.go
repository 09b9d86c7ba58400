package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/sync/uplink"
)

func (t *tool) uplinkCommand() *cobra.Command {
	return t.group("uplink", "See what a running gate has sent to central", `
Asks the gate that runs on a data directory how far it is with sending its
records, and those of gates that have no way out, to central. It asks through a
socket that only the gate's own user can open.`, `
venuegate uplink status --data /var/lib/venuegate`, t.uplinkStatusCommand())
}

func (t *tool) uplinkStatusCommand() *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status --data DIR", Short: "Say how many records central has, and when it will have the rest",
		Long: `Says how many of the records that this gate holds are at central, how long the
rest will take, and what went wrong last. Records wait on the gate until central
has them, however long that takes: nothing is lost by waiting.`,
		Example: indent("venuegate uplink status --data /var/lib/venuegate\nvenuegate uplink status --data /var/lib/venuegate --json"),
		Args:    between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if data == "" {
				return usagef("--data is missing; it is data_dir in gate.toml")
			}
			status, err := uplinkStatus(cmd.Context(), data)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(status)
			}
			return t.printUplink(status)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func (t *tool) printUplink(s *uplink.Status) error {
	var b strings.Builder
	_, _ = fmt.Fprintln(&b, s.Text)
	if s.LastError != "" {
		_, _ = fmt.Fprintf(&b, "since %s: %s\n", s.Since.In(t.now().Location()).Format("2006-01-02 15:04:05"), s.LastError)
	}
	for _, o := range s.PassedOver {
		_, _ = fmt.Fprintf(&b, "gate %s, epoch %s: %s records stay here: %s\n", o.Gate, o.Epoch, uplink.Count(o.Records), o.Why)
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}

// uplinkStatus asks the gate that runs on a data directory.
func uplinkStatus(ctx context.Context, data string) (*uplink.Status, error) {
	client := http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", appliance.ControlSocket(data))
		}},
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://gate/uplink", nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, advise(fmt.Errorf("no gate answers on %s: %w", data, errors.Unwrap(err)),
			"Is venuegated running on that directory, and are you its user? With the package's user: sudo -u venuegate, before the command.")
	}
	defer func() { _ = answer.Body.Close() }()
	const most = 1 << 20
	said, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return nil, err
	}
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, advise(errors.New("this gate sends to no central"),
			"Set url under [central] in its gate.toml, and reload it. Its records stay on it; venuegate log export carries them.")
	default:
		return nil, fmt.Errorf("the gate answers with %d", answer.StatusCode)
	}
	var status uplink.Status
	if err := json.Unmarshal(said, &status); err != nil {
		return nil, errors.New("the gate answers something else: is it of another version than this command?")
	}
	return &status, nil
}
