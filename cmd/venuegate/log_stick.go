package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/crypto/keyring"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/ledger"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/store/journal"
	"github.com/venuegate/venuegate/gate/store/logs"
)

// stickLogs is the folder on a stick that holds logs.
const stickLogs = "logs"

func (t *tool) logExportCommand() *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "export DIR --data DIR", Short: "Copy all logs that a gate holds to a USB stick",
		Long: `Copies the gate's own log and what it holds of the other gates' to DIR/logs on a
stick, one file for every start of a gate. The gate may be running; what it
recorded in the last second may be missing. A file that the stick has already
stays, so a copy that broke off goes on with the next call.

The stick needs no care: every record is signed for by the gate that wrote it.`,
		Example: indent(`
venuegate log export /media/stick --data /var/lib/venuegate`),
		Args: between(1, 1, "one: the stick's directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if data == "" {
				return usagef("--data is missing; it is data_dir in the gate's gate.toml")
			}
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return advise(errors.New("there is no such directory to copy to"), "Is the stick mounted?")
			}
			return t.exportLogs(cmd.Context(), data, filepath.Join(args[0], stickLogs), asJSON)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a log")
	return cmd
}

func (t *tool) logImportCommand() *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "import DIR --data DIR", Short: "Take logs from a USB stick, on a gate that is not running",
		Long: `Takes the logs in DIR/logs, or in DIR itself, and believes of them what the gates
of the roster have signed. What the gate holds already is passed over. A file
that is cut short or damaged is taken up to there, and named; then the exit code
is 1. The gate passes on what it took to other gates, and to central.`,
		Example: indent(`
venuegate log import /media/stick --data /var/lib/venuegate`),
		Args: between(1, 1, "one: the stick's directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if data == "" {
				return usagef("--data is missing; it is data_dir in the gate's gate.toml")
			}
			dir := args[0]
			if info, err := os.Stat(filepath.Join(dir, stickLogs)); err == nil && info.IsDir() {
				dir = filepath.Join(dir, stickLogs)
			}
			names, err := filepath.Glob(filepath.Join(dir, "*"+logs.Extension))
			if err != nil || len(names) == 0 {
				return advise(errors.New("there is no log on it"), "At a gate that has some: venuegate log export %s --data DIR", args[0])
			}
			return t.importLogs(cmd.Context(), data, dir, asJSON)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a log")
	return cmd
}

// exportLogs writes the logs of a gate that may be running to a directory.
func (t *tool) exportLogs(ctx context.Context, data, dir string, asJSON bool) (err error) {
	key, err := keyring.LoadGate(filepath.Join(data, "identity.key"))
	if err != nil {
		return gateMissing(err)
	}
	journalDir := filepath.Join(data, "journal")
	own, err := journal.OpenReader(journalDir, key)
	if err != nil {
		return journalMissing(err, journalDir)
	}
	if err := os.Mkdir(dir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("copy to the stick: %w", err)
	}
	d := newGateData(data)
	defer d.close()
	d.openPacks(func(error) {}) // without a roster the files on the stick are only checked in themselves
	l, recovery, err := logs.OpenCopy(ctx, dir, logs.Options{
		Path: filepath.Join(data, "logs.db"), Gate: own.Gate(), Keys: d.keys,
	}, ledger.New)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if recovery.Err != nil {
		_, _ = fmt.Fprintln(t.err, recovery.Err)
	}
	l.Attach(own)
	p := transferPrinter{tool: t, json: asJSON, whole: recovery.Err == nil}
	return p.done(l.Export(ctx, dir, p.print))
}

// importLogs takes the logs in a directory, at a gate that is not running.
func (t *tool) importLogs(ctx context.Context, data, dir string, asJSON bool) (err error) {
	key, err := keyring.LoadGate(filepath.Join(data, "identity.key"))
	if err != nil {
		return gateMissing(err)
	}
	unlock, err := holdGate(data)
	if errors.Is(err, errRunning) {
		return advise(err, "It gets the logs from other gates by itself. To take them from a stick, stop it first.")
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	own, err := journal.OpenReader(filepath.Join(data, "journal"), key)
	if err != nil {
		return err
	}
	d, whole := newGateData(data), true
	defer d.close()
	d.openPacks(func(err error) {
		_, _ = fmt.Fprintln(t.err, err)
		whole = false
	})
	if d.venue == nil {
		return advise(errors.New("the gate has no roster yet, so that it can believe nobody"), "Install a pack first: venuegate pack import, or venuegate pack install.")
	}
	id := own.Gate()
	for _, g := range d.venue.Gates {
		if key.Public().Equal(ed25519.PublicKey(g.Key)) {
			id = gate.GateID(g.ID)
		}
	}
	if id == 0 {
		return advise(errors.New("the gate's key is not in the roster"), "Install the newest pack first.")
	}
	if _, err := journal.Read(filepath.Join(data, "journal"), d.ledger.Restore); err != nil {
		return err
	}
	l, recovery, err := logs.Open(logs.Options{
		Path: filepath.Join(data, "logs.db"), Gate: id, Ledger: d.ledger, Keys: d.keys, Now: t.now,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if recovery.Err != nil {
		_, _ = fmt.Fprintln(t.err, recovery.Err)
	}
	l.Attach(own)
	p := transferPrinter{tool: t, json: asJSON, whole: whole}
	return p.done(l.Import(ctx, dir, p.print))
}

func newGateData(dir string) *gateData {
	return &gateData{dir: dir, ledger: ledger.New(), packs: map[gate.EventID]*store.Pack{}}
}

func gateMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return advise(errors.New("this is no gate's data directory: identity.key is not in it"), "data_dir in the gate's gate.toml says where it is.")
	}
	return err
}

// transferPrinter prints what became of each log.
type transferPrinter struct {
	*tool
	json  bool
	whole bool // nothing was wrong so far
	table *tabwriter.Writer
	err   error
}

type transferJSON struct {
	Gate    gate.GateID `json:"gate"`
	Epoch   uint32      `json:"epoch"`
	File    string      `json:"file"`
	Records uint64      `json:"records"`
	Copied  uint64      `json:"copied"`
	Error   string      `json:"error,omitempty"`
}

func (p *transferPrinter) print(tr logs.Transfer) {
	line := transferJSON{Gate: tr.Origin.Gate, Epoch: tr.Origin.Epoch, File: tr.Name, Records: tr.Last, Copied: tr.New}
	if tr.Err != nil {
		p.whole = false
		line.Error = tr.Err.Error()
		_, _ = fmt.Fprintf(p.tool.err, "%s: %v\n", tr.Name, tr.Err)
	}
	if p.json {
		p.err = errors.Join(p.err, json.NewEncoder(p.out).Encode(line))
		return
	}
	if p.table == nil {
		p.table = tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
		_, _ = fmt.Fprintln(p.table, "GATE\tSTART\tRECORDS\tCOPIED\t")
	}
	_, _ = fmt.Fprintf(p.table, "%d\t%d\t%d\t%d\t\n", line.Gate, line.Epoch, line.Records, line.Copied)
}

// done ends the table and returns errNo if anything was wrong.
func (p *transferPrinter) done(err error) error {
	if p.table != nil {
		err = errors.Join(err, p.table.Flush())
	}
	if err = errors.Join(err, p.err); err == nil && !p.whole {
		return errNo
	}
	return err
}
