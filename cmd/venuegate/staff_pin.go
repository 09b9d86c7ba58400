package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/web/pins"
)

func (t *tool) staffPINCommand() *cobra.Command {
	var data string
	var made, remove bool
	cmd := &cobra.Command{
		Use: "pin --data DIR STAFF", Short: "Set the PIN by which one of the staff signs in at a gate",
		Long: `Sets the PIN by which one of the venue's staff signs in on the page of the gate
that has this data directory. STAFF is their number in venue.json, which also
says what they may do. The PIN is read from the terminal, or from standard
input, and kept as a hash on this gate only: other gates have their own. A
running gate takes it at once.`,
		Example: indent("venuegate staff pin --data /var/lib/venuegate 12\nvenuegate staff pin --data /var/lib/venuegate --generate 12\nvenuegate staff pin --data /var/lib/venuegate --remove 12"),
		Args:    between(1, 1, "one STAFF"),
		RunE: func(_ *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 32)
			switch {
			case err != nil || id == 0:
				return usagef("STAFF is somebody's number in venue.json")
			case data == "":
				return usagef("--data is missing; it is data_dir in gate.toml")
			case made && remove:
				return usagef("--generate and --remove do not go together")
			}
			return t.staffPIN(data, uint32(id), made, remove)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&made, "generate", false, "make one of six digits and print it")
	cmd.Flags().BoolVar(&remove, "remove", false, "take the PIN away")
	return cmd
}

func (t *tool) staffPIN(data string, id uint32, made, remove bool) error {
	if _, err := os.Stat(data); err != nil {
		return advise(fmt.Errorf("the gate's data: %w", err), "--data is data_dir in gate.toml, on the gate itself.")
	}
	book, err := pins.Open(data)
	if err != nil {
		return err
	}
	if remove {
		had, err := book.Remove(id)
		if err == nil && !had {
			err = fmt.Errorf("staff %d has no PIN at this gate", id)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "staff %d cannot sign in at this gate any more\n", id)
		return err
	}
	var pin gate.Private
	if made {
		pin = newPIN()
	} else if pin, err = t.askPIN(); err != nil {
		return err
	}
	if err := book.Set(id, pin); err != nil {
		return err
	}
	if made {
		_, err = fmt.Fprintf(t.out, "staff %d signs in with %s\n", id, pin.Reveal())
	} else {
		_, err = fmt.Fprintf(t.out, "staff %d can sign in at this gate\n", id)
	}
	return err
}

// newPIN makes a PIN of six digits that is good enough.
func newPIN() gate.Private {
	for {
		n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
		if err != nil {
			panic(err) // the system has no randomness: nothing can be made safely
		}
		if pin := gate.Private(fmt.Sprintf("%06d", n)); pins.Good(pin) == nil {
			return pin
		}
	}
}

// askPIN reads a PIN twice from a terminal, without showing it, or once from
// something else.
func (t *tool) askPIN() (gate.Private, error) {
	f, ok := t.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(t.in, 1<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the PIN: %w", err)
		}
		return gate.Private(strings.TrimRight(line, "\r\n")), nil
	}
	var said [2]string
	for i, prompt := range []string{"New PIN: ", "Again: "} {
		_, _ = fmt.Fprint(t.err, prompt)
		raw, err := term.ReadPassword(int(f.Fd()))
		_, _ = fmt.Fprintln(t.err)
		if err != nil {
			return "", fmt.Errorf("read the PIN: %w", err)
		}
		said[i] = string(raw)
	}
	if said[0] != said[1] {
		return "", errors.New("the two are not the same; nothing was changed")
	}
	return gate.Private(said[0]), nil
}
