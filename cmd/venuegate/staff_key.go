package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/keyring"
)

func (t *tool) staffKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "key FILE", Short: "Make the key with which a supervisor signs orders",
		Long: `Makes a key (Ed25519, PEM, readable by you alone) in FILE and
prints its public half. That goes into venue.json, as "key" of the
supervisor under "staff", and to the gates with the next pack. The file stays
with the supervisor. Of a file that is there already, the public half is printed.`,
		Example: indent("venuegate staff key 12.pem"), Args: between(1, 1, "one FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := keyring.NewGate(rand.Reader)
			if err != nil {
				return err
			}
			switch err := key.Save(args[0]); {
			case errors.Is(err, keyring.ErrIdentityExists):
				if key, err = keyring.LoadGate(args[0]); err != nil {
					return err
				}
			case err != nil:
				return err
			}
			_, err = fmt.Fprintln(t.out, hex.EncodeToString(key.Public()))
			return err
		},
	}
}
