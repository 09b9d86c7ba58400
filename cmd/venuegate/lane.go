package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate/appliance"
)

func (t *tool) laneCommand() *cobra.Command {
	return t.group("lane", "Command the lanes of a gate", `
Commands the gate that runs on a data directory, through a socket that only the
gate's own user can open; or puts the barriers of one that does not run to rest.`, `
venuegate lane end-fire --data /var/lib/venuegate 1
venuegate lane safe --config /etc/venuegate/gate.toml`, t.endFireCommand(), t.laneSafeCommand())
}

func (t *tool) endFireCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "end-fire --data DIR LANE", Short: "Put a lane's barrier back after a fire signal",
		Long: `Ends the release of a lane's barrier after a fire signal. It stays released until
a person says so, and is refused while the signal stands. It is on record.`,
		Example: indent("venuegate lane end-fire --data /var/lib/venuegate 1"),
		Args:    between(1, 1, "one LANE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 16)
			if err != nil {
				return usagef("LANE is the number of a lane, as in gate.toml")
			}
			if err := command(cmd.Context(), data, fmt.Sprintf("/lanes/%d/end-fire", id)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.out, "lane %d works again\n", id)
			return err
		},
	}
	dataFlag(cmd, &data)
	return cmd
}

// command posts to the control socket of the gate that runs on a data directory.
func command(ctx context.Context, data, path string) error {
	if data == "" {
		return usagef("--data is missing; it is data_dir in gate.toml")
	}
	client := http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", appliance.ControlSocket(data))
		}},
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gate"+path, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return advise(fmt.Errorf("no gate answers on %s: %w", data, errors.Unwrap(err)),
			"Is venuegated running on that directory, and are you its user? With the package's user: sudo -u venuegate, before the command.")
	}
	defer func() { _ = answer.Body.Close() }()
	const most = 4096
	said, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusNoContent {
		return errors.New(strings.TrimSpace(string(said)))
	}
	return nil
}
