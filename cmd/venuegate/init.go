package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/pack"
)

func (t *tool) initCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init DIR", Short: "Make a venue to start from: keys, a demo event, and one gate",
		Long: `Makes a venue's directory: the issuer's keys, the keys that sign packs, a demo
event whose doors are open around the clock for a week, a first signed pack, and
the configuration and data directory of gate 1.

DIR must be empty or not there. It holds every key of the venue: only its owner
can read it, and it belongs on the office's machine. A gate gets its own
directory below gates/ and the repository, and nothing else.`,
		Example: indent("venuegate init /srv/stadium"),
		Args:    between(1, 1, "one DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := makeVenue(cmd.Context(), args[0], t.now(), rand.Reader)
			if err != nil {
				return err
			}
			return v.print(t.out)
		},
	}
}

// madeVenue is what init made.
type madeVenue struct {
	dir    string
	office *central.Office
	gates  []gateDir
}

// makeVenue makes a demo venue with a first pack and the directory of its gate.
// When it fails, the directory is as it was.
func makeVenue(ctx context.Context, dir string, now time.Time, random io.Reader) (v *madeVenue, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("make a venue: %w", err)
	}
	key, err := keyring.NewGate(random)
	if err != nil {
		return nil, err
	}
	venue, event, err := central.Demo(now, key.Public())
	if err != nil {
		return nil, err
	}
	_, statErr := os.Stat(dir)
	office, err := central.Create(dir, venue, []*pack.Event{event}, random)
	switch {
	case errors.Is(err, central.ErrNotEmpty):
		return nil, advise(err, "Choose another directory. To use the venue that is there: venuegate ticket issue --venue %s", dir)
	case err != nil:
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeMade(dir, statErr == nil))
		}
	}()
	if _, err := office.Publish(ctx, now); err != nil {
		return nil, err
	}
	g := gateDir{dir: filepath.Join(dir, "gates", strconv.Itoa(central.DemoGate)), repository: central.Repository(dir)}
	if err := g.make(office, venue.Gates[0], key); err != nil {
		return nil, err
	}
	return &madeVenue{dir: dir, office: office, gates: []gateDir{g}}, nil
}

// removeMade removes a directory, or what is in it where it was there before.
func removeMade(dir string, keep bool) error {
	if !keep {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

func (v *madeVenue) print(w io.Writer) error {
	event, g := v.office.Events()[0], v.gates[0]
	key := event.Issuers.Keys()[0]
	_, err := fmt.Fprintf(w, `Made the venue %[1]q in %[2]s

  issuer/ keys/   private keys: keep a copy in a safe, give them to nobody
  event/%[3]d/        %[4]q: its rules, tickets, and keys for documents
  repository/     the signed pack, public: what gates install
  gates/1/        configuration and data of gate 1

The issuer's public key:
  --issuer-key %[5]d=%[6]x

Issue a ticket, publish it, and show the code that a phone would show:
  venuegate ticket issue --venue %[2]s
  venuegate pack build --venue %[2]s
  venuegate ticket show --venue %[2]s %[7]d | venuegate ticket qr

Set the devices' paths in gate.toml, then start the gate:
  venuegated --config %[8]s
`, v.office.Venue().Name.In("en"), v.dir, event.ID, event.Name.In("en"),
		key.ID, []byte(key.Public), central.FirstTicket(gate.EventID(event.ID)), g.config())
	return err
}
