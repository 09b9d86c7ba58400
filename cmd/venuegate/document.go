package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/identity"
)

func (t *tool) documentCommand() *cobra.Command {
	return t.group("document", "Make keyed tags of documents, and read what readers send", `
Turns a document's number into the keyed tag that packs and tickets hold, and
says what a card or passport reader sent. No number is stored.`, `
venuegate document tag --key HEX --type resident -
venuegate document parse --kind mrz < zone.txt`, t.documentTagCommand(), t.documentParseCommand())
}

func (t *tool) documentTagCommand() *cobra.Command {
	var key, typ, country string
	words := documentTypes()
	cmd := &cobra.Command{
		Use: "tag --key HEX --type TYPE [--country XXX] NUMBER", Short: "Print the keyed tag of a document number",
		Long: `Prints the tag of a document's number under an event's document key, as 32 hex
digits. The number may be written as printed on the document: spaces, dashes and
letter case do not matter, a check character does.

Give - or no NUMBER and type it on standard input, so that it stays out of the
shell's history and the list of processes.`,
		Example: indent(`
venuegate document tag --key HEX --type resident -
venuegate document tag --key HEX --type passport --country DEU -`),
		Args: between(0, 1, "one NUMBER, or none to read standard input"),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := hexFlag("key", key)
			if err != nil {
				return err
			}
			if len(k) == 0 {
				return usagef("--key is missing; it is document_key in the event's secrets.json")
			}
			kind, err := identity.ParseType(typ)
			if err != nil {
				return usagef("--type: want %s", strings.Join(words, ", "))
			}
			number, err := t.textOrInput(args, "number")
			if err != nil {
				return err
			}
			tag, err := identity.Tag(k, kind, country, number)
			if err != nil {
				return documentProblem(err)
			}
			_, err = fmt.Fprintln(t.out, hex.EncodeToString(tag[:]))
			return err
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the event's document key in `HEX`")
	cmd.Flags().StringVar(&typ, "type", "", "`TYPE` of the document: "+strings.Join(words, ", "))
	cmd.Flags().StringVar(&country, "country", "CHN", "issuing state, three letters as in the passport's machine-readable lines (`XXX`)")
	complete(cmd, "type", words...)
	return cmd
}

func documentTypes() []string {
	var words []string
	for _, t := range identity.Types() {
		words = append(words, t.String())
	}
	return words
}

// documentProblem says what to look at when a document cannot be tagged.
func documentProblem(err error) error {
	var e *identity.Error
	if errors.As(err, &e) && e.Part == identity.PartNumber && e.Problem == identity.ProblemCheck {
		return advise(err, "Compare it with the card digit by digit; one was mistyped.")
	}
	return err
}

// complete offers words for a flag's value to the shell.
func complete(cmd *cobra.Command, flag string, words ...string) {
	offer := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
	// It fails only for a flag that does not exist.
	if err := cmd.RegisterFlagCompletionFunc(flag, offer); err != nil {
		panic(err)
	}
}
