package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/hw/camera"
)

func (t *tool) qrCommand() *cobra.Command {
	return t.group("qr", "Read QR codes in pictures", `
Reads QR codes. To draw one, see: venuegate ticket qr`, `
venuegate qr read screenshot.png`, t.qrReadCommand())
}

func (t *tool) qrReadCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "read [flags] FILE…", Short: "Print the text of the QR code in each picture",
		Long: `Prints the text of the QR code in each PNG, JPEG or PGM file, one a line; - is
standard input. Control characters in a text are printed as \x1b and the like.
Exits 1 when any file had no code that could be read; standard error says which.`,
		Example: indent(`
venuegate qr read screenshot.png
venuegate qr read --json *.jpg`),
		Args: between(1, -1, "at least one FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			failed := 0
			for _, name := range args {
				if err := t.qrRead(name, asJSON); err != nil {
					failed++
					_, _ = fmt.Fprintf(t.err, "%s: %v\n", name, err)
				}
			}
			if failed > 0 {
				return errNo
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a file: file, text, ms, and error where there was none")
	return cmd
}

// qrFile is one file's line of `qr read --json`.
type qrFile struct {
	File  string  `json:"file"`
	Text  *string `json:"text"` // null when none could be read
	MS    float64 `json:"ms"`   // for reading the file and finding the code
	Error string  `json:"error,omitempty"`
}

func (t *tool) qrRead(name string, asJSON bool) error {
	begin := t.now()
	text, err := decodeFile(t.in, name)
	took := t.now().Sub(begin)
	if asJSON {
		line := qrFile{File: name, Text: &text, MS: float64(took.Round(time.Microsecond)) / float64(time.Millisecond)}
		if err != nil {
			line.Text, line.Error = nil, err.Error()
		}
		return errors.Join(json.NewEncoder(t.out).Encode(line), err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(t.out, printable(text))
	return err
}

func decodeFile(in io.Reader, name string) (string, error) {
	load := func() (string, error) {
		if name == "-" {
			img, err := camera.Load(in)
			if err != nil {
				return "", err
			}
			return camera.Decode(img)
		}
		img, err := camera.LoadFile(name)
		if err != nil {
			return "", err
		}
		return camera.Decode(img)
	}
	text, err := load()
	if err != nil {
		// The file is named in front of every message already.
		return "", errors.New(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "open "+name+": "), name+": "))
	}
	return text, nil
}

// printable replaces control characters, which could break a line in two or
// drive a terminal.
func printable(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == 0x7f {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
