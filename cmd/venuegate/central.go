package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/server"
)

// centralFlags are the flags of venuegate central.
type centralFlags struct {
	data, listen, url string
	cert, key         string
}

func (t *tool) centralCommand() *cobra.Command {
	var f centralFlags
	cmd := &cobra.Command{
		Use: "central --data DIR --listen ADDR", Short: "Run the ticketing office that gates and channels talk to",
		Long: `Runs central: channels sell through it, gates take their packs from it and hand in
their records, and the organiser reads who came. It needs nothing else installed.

DIR is a venue that venuegate init made, or a directory of several; where there is
nothing, a demo venue is made. At the first start the address of the office's page
and its password are printed, once. Ctrl-C ends it when running calls are done.

Without a certificate it speaks plain HTTP: put it behind something that speaks
HTTPS, or give --tls-cert and --tls-key.`,
		Example: indent("venuegate central --data /srv/stadium --listen 127.0.0.1:8470"),
		Args:    between(0, 0, "none"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (f.cert == "") != (f.key == "") {
				return usagef("--tls-cert and --tls-key belong together")
			}
			return t.runCentral(cmd.Context(), &f)
		},
	}
	dataDirFlag(cmd, &f.data)
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8470", "`ADDR`ess and port to listen on")
	cmd.Flags().StringVar(&f.url, "url", "", "central's `URL` as gates and browsers reach it (default: from --listen)")
	cmd.Flags().StringVar(&f.cert, "tls-cert", "", "certificate chain, a PEM `FILE`")
	cmd.Flags().StringVar(&f.key, "tls-key", "", "its private key, a PEM `FILE`")
	cmd.AddCommand(t.centralSeedCommand(), t.centralCodeCommand(), t.centralStrikeCommand(), t.centralKeyCommand(), t.centralPasswordCommand())
	return cmd
}

func dataDirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "data", "", "the venue's `DIR`, made by venuegate init, or one that holds several")
	completeDir(cmd, "data")
}

// centralVenues returns the venues' directories in a central's directory.
func centralVenues(dir string) ([]string, error) {
	if dir == "" {
		return nil, usagef("--data is missing; it is the venue's directory")
	}
	if _, err := os.Stat(filepath.Join(dir, "venue.json")); err == nil {
		return []string{dir}, nil
	}
	found, err := filepath.Glob(filepath.Join(dir, "*", "venue.json"))
	if err != nil {
		return nil, fmt.Errorf("look for venues: %w", err)
	}
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	slices.Sort(found)
	if len(found) > 0 {
		return found, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for venues: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s: %w", dir, central.ErrNoVenue)
	}
	return nil, nil
}

// someVenues is centralVenues for a command that needs one.
func someVenues(dir string) ([]string, error) {
	dirs, err := centralVenues(dir)
	if err == nil && len(dirs) == 0 {
		err = advise(fmt.Errorf("%s: %w", dir, central.ErrNoVenue), "To make one there: venuegate central --data %s", dir)
	}
	return dirs, err
}

func (t *tool) runCentral(ctx context.Context, f *centralFlags) (err error) {
	dirs, err := centralVenues(f.data)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		if _, err := makeVenue(ctx, f.data, t.now(), rand.Reader); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(t.err, "%s was empty: made a demo venue there\n", f.data)
		dirs = []string{f.data}
	}
	var certificate *tls.Config
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return fmt.Errorf("load the certificate: %w", err)
		}
		certificate = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	}
	var config net.ListenConfig
	public, err := config.Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer func() { _ = public.Close() }() // it is closed already, unless something failed
	url := f.url
	if url == "" {
		url = centralURL(public.Addr(), certificate != nil)
	}
	s, err := server.Open(server.Options{
		Dirs: dirs, Now: t.now, Random: rand.Reader, Log: zerolog.New(t.err).With().Timestamp().Logger(),
		Secure: certificate != nil, URL: url,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	name, password, err := s.FirstAccount(ctx)
	if err != nil {
		return err
	}
	local, err := listenLocal(ctx, f.data)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(t.out, "admin: %s/admin/\n", url)
	if password != "" {
		_, _ = fmt.Fprintf(t.out, "first login, printed once: %s, password %s\n", name, password)
	}
	return s.Listen(ctx, public, local, certificate)
}

// centralURL is central's address as others on the network see it, as far as
// one can tell.
func centralURL(addr net.Addr, secure bool) string {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return scheme + "://" + addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if own, err := net.InterfaceAddrs(); err == nil {
			for _, a := range own {
				if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
					host = n.IP.String()
					break
				}
			}
		}
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// localSocket is where commands reach a central that runs. The directory is its
// owner's alone, and so is the socket.
func localSocket(dir string) string { return filepath.Join(dir, "central.sock") }

func listenLocal(ctx context.Context, dir string) (net.Listener, error) {
	path := localSocket(dir)
	// The venue's file is locked by now: a socket that is there is a dead one's.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for commands: %w", err), l.Close())
	}
	return l, nil
}
