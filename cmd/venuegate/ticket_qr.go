package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/venuegate/venuegate/crypto/ticket"
)

func (t *tool) ticketQRCommand() *cobra.Command {
	var file string
	var size int
	var invert bool
	cmd := &cobra.Command{
		Use: "qr [flags] TEXT", Short: "Draw a text as a QR code, in the terminal or a PNG",
		Long: `Draws a QR code at error correction M with its quiet zone: into the terminal, or
into a PNG file with -o. A code in the terminal is read best on a bright screen
with the font made small enough that it fits.

TEXT may hold spaces and $, so put it in single quotes; - or no TEXT reads
standard input.`,
		Example: indent(`
venuegate ticket show --venue /srv/stadium 1000000001 | venuegate ticket qr
venuegate ticket qr -o ticket.png 'VG1:…'`),
		Args: between(0, 1, "one TEXT, or none to read standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" && cmd.Flags().Changed("size") {
				return usagef("--size is for a picture; give -o FILE too")
			}
			text, err := t.textOrInput(args, "text")
			if err != nil {
				return err
			}
			q, err := draw(t.foldVG1(text))
			if err != nil {
				return err
			}
			if file == "" {
				return q.terminal(t.out, isTerminal(t.out), invert)
			}
			var png bytes.Buffer
			if err := q.png(&png, size); err != nil {
				return err
			}
			if file == "-" {
				_, err = t.out.Write(png.Bytes())
				return err
			}
			// Whoever has the picture of a paper ticket has the ticket.
			if err := os.WriteFile(file, png.Bytes(), 0o600); err != nil {
				return fmt.Errorf("write the picture: %w", err)
			}
			_, _ = fmt.Fprintf(t.err, "%s: version %d, %d×%d modules\n", file, q.version, q.side, q.side)
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "write a PNG to `FILE`; - is standard output")
	cmd.Flags().IntVar(&size, "size", 0, "edge of the picture in `PIXELS` (default 8 for each module)")
	cmd.Flags().BoolVar(&invert, "invert", false, "for terminals with dark text on a light ground, when the output is not coloured")
	return cmd
}

// foldVG1 returns a VG1 text in the upper case that keeps its QR small, with a
// remark when it is malformed. Other texts stay as they are.
func (t *tool) foldVG1(text string) string {
	if !ticket.IsVG1(text) {
		return text
	}
	if _, err := ticket.Parse(text); err != nil {
		_, _ = fmt.Fprintf(t.err, "no gate will take this: %v\n", err)
	}
	return upperASCII(text)
}

func upperASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - ('a' - 'A')
		}
	}
	return string(b)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// terminal prints the code two rows a line, as half blocks. The blocks are the
// light modules; colours make them so whatever the terminal's own are.
func (q *symbol) terminal(w io.Writer, colour, invert bool) error {
	const paint, reset = "\x1b[97;40m", "\x1b[0m"
	blocks := [...]string{" ", "▄", "▀", "█"} // bit 1: the upper half, bit 0: the lower
	out := bufio.NewWriter(w)
	for y := -quiet; y < q.side+quiet; y += 2 {
		if colour {
			_, _ = out.WriteString(paint)
		}
		for x := -quiet; x < q.side+quiet; x++ {
			i := 0
			if !q.dark(x, y) {
				i |= 2
			}
			if !q.dark(x, y+1) {
				i |= 1
			}
			if invert && !colour {
				i ^= 3
			}
			_, _ = out.WriteString(blocks[i])
		}
		if colour {
			_, _ = out.WriteString(reset)
		}
		_, _ = out.WriteString("\n")
	}
	return out.Flush()
}
