package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/sync/pack"
)

func (t *tool) packImportCommand() *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "import DIR --data DIR", Short: "Take the pack from a USB stick",
		Long: `Verifies the pack on a stick with what the gate trusts, and copies what is new to
the gate, which passes it on to the other gates. A gate that is running puts it
in use within seconds, between two scans; on one that is stopped it is installed
at once. What is damaged, forged, another venue's or older is refused, and
changes nothing. The stick is only read.`,
		Example: indent("venuegate pack import /media/stick --data /var/lib/venuegate"),
		Args:    between(1, 1, "one: the stick's directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if data == "" {
				return usagef("--data is missing; it is data_dir in the gate's gate.toml")
			}
			from, err := onStick(args[0])
			if err != nil {
				return err
			}
			return packProblem(t.importPack(cmd, from, data, asJSON), data)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON objects: what was copied, then what was installed")
	return cmd
}

// onStick finds the repository on a stick, or is given it.
func onStick(dir string) (string, error) {
	for _, at := range []string{filepath.Join(dir, stickRepository), dir} {
		_, err := os.Stat(filepath.Join(at, "metadata", "timestamp.json"))
		switch {
		case err == nil:
			return filepath.Abs(at)
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("look at the stick: %w", err)
		}
	}
	return "", advise(errors.New("there is no pack on it: neither repository/metadata/timestamp.json nor metadata/timestamp.json"),
		"Copy one to it: venuegate pack export %s --venue DIR", dir)
}

func (t *tool) importPack(cmd *cobra.Command, from, data string, asJSON bool) (err error) {
	packs, done, err := ownPacks(data)
	if errors.Is(err, errRunning) {
		return t.handOver(cmd, from, data, asJSON)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	copied, err := t.copyPack(cmd.Context(), from, filepath.Join(data, pack.DirMirror), filepath.Join(data, pack.DirTrust))
	if err != nil {
		return err
	}
	if copied.Newer {
		return &pack.BehindError{File: filepath.Join(from, "metadata", "timestamp.json"), Why: fmt.Sprintf("the gate has version %d", copied.Version)}
	}
	if err := t.printMoved(copied, asJSON); err != nil {
		return err
	}
	installed, err := appliance.InstallPacks(cmd.Context(), packs, from, data, t.now())
	for i := range installed {
		if err := t.printInfo(infoOf(&installed[i]), asJSON); err != nil {
			return err
		}
	}
	if err == nil && len(installed) == 0 {
		_, _ = fmt.Fprintln(t.err, "nothing new: the gate has this version already")
	}
	return err
}

// handOver puts the pack where a gate that is running looks for it.
func (t *tool) handOver(cmd *cobra.Command, from, data string, asJSON bool) (err error) {
	trust, err := borrowTrust(data, from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(trust)) }()
	copied, err := t.copyPack(cmd.Context(), from, filepath.Join(data, pack.DirIncoming), trust)
	if err != nil {
		return err
	}
	if err := t.printMoved(copied, asJSON); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(t.err, "the gate is running and takes it from there; venuegate pack info says when it is in use")
	return nil
}
