package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (t *tool) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program",
		Long:    "Prints the version, the commit it was built from, and the Go version and platform.\nQuote it when you report a problem.",
		Example: indent("venuegate version"),
		Args:    between(0, 0, "none"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(t.out, "venuegate %s %s %s/%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// versionText is the version that the build was given, or else what Go noted
// of the source it was built from.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versionFrom(version, "", nil)
	}
	return versionFrom(version, info.Main.Version, info.Settings)
}

func versionFrom(given, module string, settings []debug.BuildSetting) string {
	switch {
	case given != "":
		return given
	case module != "" && module != "(devel)":
		return module
	}
	const revisionDigits = 12
	for _, s := range settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(revisionDigits, len(s.Value))]
		}
	}
	return "devel"
}
