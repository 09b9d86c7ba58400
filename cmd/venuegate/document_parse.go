package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/hw/document"
)

func (t *tool) documentParseCommand() *cobra.Command {
	var kind string
	var show bool
	words := []string{"sdt", "mrz"}
	cmd := &cobra.Command{
		Use: "parse --kind KIND [--show]", Short: "Say what a document reader sent",
		Long: `Reads on standard input what a document reader sent, as a gate would, and prints
one JSON object: kind (resident, hk_mo_tw, foreigner, passport, travel_permit,
hk_mo_id or other), country, number, name, name_latin, sex (1 male, 2 female),
birth, valid_from and valid_to (YYYYMMDD, empty where the document does not say),
and checks_ok.

KIND sdt is a resident ID card reader's whole answer to "read card" as hex
digits, from AA AA AA 96 69 to the checksum; the photo in it is not looked at.
KIND mrz is the machine-readable zone of a passport or card as text, with line
ends or without.

The number and the names are masked unless --show is given. Exits 1 when the
bytes cannot be understood, and when a check digit is wrong; in that case the
object is printed all the same, to be compared with the document.`,
		Example: indent(`
venuegate document parse --kind mrz < passport.txt
venuegate document parse --kind sdt --show < answer.hex`),
		Args: between(0, 0, "none: the document is read from standard input"),
		RunE: func(*cobra.Command, []string) error {
			var parse func(string, time.Time) (*gate.Document, error)
			switch kind {
			case "sdt":
				parse = parseSDT
			case "mrz":
				parse = document.ParseMRZ
			default:
				return usagef("--kind: want %s", strings.Join(words, " or "))
			}
			text, err := t.wholeInput()
			if err != nil {
				return err
			}
			d, wrong := parse(text, t.now())
			if d == nil {
				return wrong
			}
			line := documentLine(d, show)
			line.ChecksOK = wrong == nil
			return errors.Join(json.NewEncoder(t.out).Encode(line), wrong)
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "`KIND` of reader: "+strings.Join(words, " or "))
	cmd.Flags().BoolVar(&show, "show", false, "print number and names in full")
	complete(cmd, "kind", words...)
	return cmd
}

// wholeInput reads standard input, which may have several lines.
func (t *tool) wholeInput() (string, error) {
	data, err := io.ReadAll(io.LimitReader(t.in, maxInput+1))
	if err != nil {
		return "", fmt.Errorf("read the document from standard input: %w", err)
	}
	if len(data) > maxInput {
		return "", fmt.Errorf("standard input is longer than %d bytes; want one document", maxInput)
	}
	return string(data), nil
}

// errNumber is a number with a wrong check character.
var errNumber = errors.New("the number has a wrong check character")

// parseSDT reads the answer to "read card". With a wrong check character it
// returns the document too, as document.ParseMRZ does.
func parseSDT(text string, _ time.Time) (*gate.Document, error) {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	frame, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errors.New("standard input is not hex digits, two for every byte")
	}
	answer, n, err := document.DecodeAnswer(frame)
	switch {
	case err != nil:
		return nil, err
	case n < len(frame):
		return nil, fmt.Errorf("%d bytes too many behind the answer", len(frame)-n)
	case answer.Status.Code() != document.StatusOK:
		return nil, fmt.Errorf("the reader read no card: %v", answer.Status.Code())
	}
	block, err := document.ParseReadAnswer(answer.Data)
	if err != nil {
		return nil, err
	}
	d, checks, err := document.InspectText(block)
	if err == nil && !checks {
		err = errNumber
	}
	return d, err
}

// documentJSON is what stands on a document.
type documentJSON struct {
	Kind      string `json:"kind"`
	Country   string `json:"country"`
	Number    string `json:"number"`
	Name      string `json:"name"`
	NameLatin string `json:"name_latin"`
	Sex       string `json:"sex"`
	Birth     string `json:"birth"`
	ValidFrom string `json:"valid_from"`
	ValidTo   string `json:"valid_to"`
	ChecksOK  bool   `json:"checks_ok"`
}

func documentLine(d *gate.Document, show bool) documentJSON {
	line := documentJSON{
		Kind: documentKind(d.Type), Country: d.Country, Number: d.Number.Reveal(), Name: d.Name.Reveal(),
		NameLatin: d.NameLatin.Reveal(), Sex: d.Sex, Birth: d.Birth.Reveal(), ValidFrom: d.ValidFrom, ValidTo: d.ValidTo,
	}
	if country, err := identity.Country(identity.Type(d.Type), d.Country); err == nil {
		line.Country = country
	}
	if !show {
		line.Number = identity.MaskNumber(line.Number)
		line.Name, line.NameLatin = identity.Mask(line.Name), identity.Mask(line.NameLatin)
	}
	return line
}

func documentKind(t gate.DocumentType) string {
	switch t {
	case gate.DocumentResident:
		return "resident"
	case gate.DocumentPassport:
		return "passport"
	case gate.DocumentPermit:
		return "hk_mo_tw"
	case gate.DocumentForeigner:
		return "foreigner"
	case gate.DocumentTravel:
		return "travel_permit"
	case gate.DocumentHKMacaoID:
		return "hk_mo_id"
	default:
		return "other"
	}
}
