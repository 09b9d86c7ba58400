package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/server"
	"github.com/venuegate/venuegate/sync/pack"
)

// callCentral makes a call of central's API: over the socket of the one that
// runs on the directory, or on the venue itself where none does.
func (t *tool) callCentral(ctx context.Context, dir, url, method, path string, in, out any) error {
	dirs, err := someVenues(dir)
	if err != nil {
		return err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://central"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	status, answer, err := overSocket(dir, r)
	if err != nil {
		status, answer, err = t.atRest(ctx, dirs, url, method, path, body)
	}
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return problemOf(answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

func overSocket(dir string, r *http.Request) (status int, answer []byte, err error) {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", localSocket(dir))
		},
	}}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, errors.Join(err, resp.Body.Close())
}

// atRest opens the venues for one call.
func (t *tool) atRest(ctx context.Context, dirs []string, url, method, path string, body []byte) (status int, answer []byte, err error) {
	s, err := server.Open(server.Options{Dirs: dirs, Now: t.now, Random: rand.Reader, Log: zerolog.New(t.err), URL: url})
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r, err := http.NewRequestWithContext(server.Local(ctx), method, path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.RequestURI = path
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes(), nil
}

// problemOf makes an error of a problem document.
func problemOf(answer []byte) error {
	var p struct {
		Title, Detail string
		Errors        []struct{ Path, Why string }
	}
	if json.Unmarshal(answer, &p) != nil {
		return errors.New("central answers nonsense")
	}
	text := p.Detail
	for _, e := range p.Errors {
		text += "; " + strings.TrimPrefix(e.Path+": "+e.Why, ": ")
	}
	return errors.New(text)
}

func (t *tool) centralCodeCommand() *cobra.Command {
	var dir, venue, gate, name, role, url string
	var lanes, addresses []string
	var hours int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "enrol-code --data DIR --gate N [flags]", Short: "Make the code with which a box becomes a gate",
		Long: `Makes an enrolment code: 128 random bits, good once and for a day. It prints the
code, the text of the QR code that a gate's own scanner reads, and in a terminal
the QR code itself.

Where gate N is on the roster, the box that uses the code takes its place, with
its name and lanes: that is how a spare stands in for a dead gate. A new gate
needs --name, and --lane for each of its lanes.`,
		Example: indent(`
venuegate central enrol-code --data /srv/stadium --gate 1
venuegate central enrol-code --data /srv/stadium --gate 7 --name East --lane 70,entry,0,1,1,"East 1"`),
		Args: between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]any{"gate": gate, "name": name, "role": role, "addresses": addresses, "hours": hours}
			var list []pack.Lane
			for _, text := range lanes {
				l, err := parseLane(text)
				if err != nil {
					return err
				}
				list = append(list, l)
			}
			in["lanes"] = list
			if gate == "" {
				return usagef("--gate is missing; it is the gate's number")
			}
			path := "/v1/enrolment-codes"
			if venue != "" {
				path += "?venue=" + venue
			}
			var out struct{ Code, QR, Expires string }
			if err := t.callCentral(cmd.Context(), dir, url, http.MethodPost, path, in, &out); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]string{"code": out.Code, "qr": out.QR, "expires": out.Expires})
			}
			_, err := fmt.Fprintf(t.out, "code: %s\nqr: %s\n", out.Code, out.QR)
			_, _ = fmt.Fprintf(t.err, "good once, until %s\n", out.Expires)
			if err != nil || !isTerminal(t.out) {
				return err
			}
			q, err := draw(out.QR)
			if err != nil {
				return err
			}
			return q.terminal(t.out, true, false)
		},
	}
	dataDirFlag(cmd, &dir)
	cmd.Flags().StringVar(&venue, "venue", "", "the venue's `NUMBER`, where there are several")
	cmd.Flags().StringVar(&gate, "gate", "", "the gate's `NUMBER`")
	cmd.Flags().StringVar(&name, "name", "", "a new gate's `NAME`")
	cmd.Flags().StringVar(&role, "role", "", "a new gate's `ROLE`: gate, handheld or witness")
	cmd.Flags().StringArrayVar(&lanes, "lane", nil, "a new gate's lane as `ID,KIND,FROM,TO[,ENTRANCE[,NAME]]`; kind is entry, exit, both or pre_check")
	cmd.Flags().StringArrayVar(&addresses, "address", nil, "the gate's `IP:PORT` on the venue's network")
	cmd.Flags().IntVar(&hours, "hours", 0, "how many `HOURS` the code is good for (default 24)")
	cmd.Flags().StringVar(&url, "url", "http://127.0.0.1:8470", "central's `URL` as gates reach it, where none runs now")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

// parseLane reads a lane of the command line.
func parseLane(text string) (pack.Lane, error) {
	wrong := usagef("--lane: want ID,KIND,FROM,TO[,ENTRANCE[,NAME]], such as 70,entry,0,1,1,East 1")
	parts := strings.SplitN(text, ",", 6)
	if len(parts) < 4 {
		return pack.Lane{}, wrong
	}
	var l pack.Lane
	numbers := []struct {
		text string
		into *uint16
	}{{parts[0], &l.ID}, {parts[2], &l.From}, {parts[3], &l.To}}
	if len(parts) > 4 {
		numbers = append(numbers, struct {
			text string
			into *uint16
		}{parts[4], &l.Entrance})
	}
	for _, n := range numbers {
		if _, err := fmt.Sscanf(n.text+"\n", "%d\n", n.into); err != nil {
			return pack.Lane{}, wrong
		}
	}
	l.Kind = parts[1]
	l.Name = pack.Names{"en": "Lane " + parts[0]}
	if len(parts) == 6 {
		l.Name = pack.Names{"en": parts[5]}
	}
	return l, nil
}

func (t *tool) centralStrikeCommand() *cobra.Command {
	var dir, venue string
	cmd := &cobra.Command{
		Use: "strike --data DIR GATE", Short: "Strike a gate off the roster",
		Long: `Strikes a gate off: from the next roster on nobody believes it, and the key of the
gates' network is changed at once. What it recorded before can still be handed in
by others. To bring a box back, enrol it anew.`,
		Example: indent("venuegate central strike --data /srv/stadium 7"),
		Args:    between(1, 1, "one GATE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := ticketID(args[0])
			if err != nil {
				return usagef("want a gate's number in decimal")
			}
			path := "/v1/gates/" + id.String()
			if venue != "" {
				path += "?venue=" + venue
			}
			if err := t.callCentral(cmd.Context(), dir, "", http.MethodDelete, path, struct{}{}, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.out, "gate %s is struck off\n", id)
			return err
		},
	}
	dataDirFlag(cmd, &dir)
	cmd.Flags().StringVar(&venue, "venue", "", "the venue's `NUMBER`, where there are several")
	return cmd
}

func (t *tool) centralKeyCommand() *cobra.Command {
	var dir, role, name string
	var channel uint16
	cmd := &cobra.Command{
		Use: "key --data DIR --role ROLE [flags]", Short: "Make an API key for a channel, a report or the office",
		Long: `Makes an API key and prints it, once: only a hash of it is kept. The roles are
sales, which sells for one --channel, report, which reads attendance, and office,
which may do everything.`,
		Example: indent("venuegate central key --data /srv/stadium --role sales --channel 2 --name 'Ticket shop'"),
		Args:    between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]any{"role": role, "name": name, "channel": channel}
			var out struct{ Key string }
			if err := t.callCentral(cmd.Context(), dir, "", http.MethodPost, "/v1/keys", in, &out); err != nil {
				return err
			}
			_, err := fmt.Fprintln(t.out, out.Key)
			return err
		},
	}
	dataDirFlag(cmd, &dir)
	cmd.Flags().StringVar(&role, "role", "", "`ROLE`: sales, report or office")
	cmd.Flags().StringVar(&name, "name", "", "a `NAME` to know it by")
	cmd.Flags().Uint16Var(&channel, "channel", 0, "the `NUMBER` of the channel that sells with it")
	return cmd
}

func (t *tool) centralPasswordCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "password --data DIR", Short: "Make a new password for the office's page",
		Long:    `Makes a new password for the office's page and prints it, once. Central must not run.`,
		Example: indent("venuegate central password --data /srv/stadium"),
		Args:    between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			dirs, err := someVenues(dir)
			if err != nil {
				return err
			}
			store, err := central.OpenBolt(dirs[0])
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, store.Close()) }()
			name, password, err := server.NewPassword(cmd.Context(), store, t.now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(t.out, "%s, password %s\n", name, password)
			return err
		},
	}
	dataDirFlag(cmd, &dir)
	return cmd
}
