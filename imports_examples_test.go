package venuegate_test

import (
	"strings"
	"testing"
)

// TestImportRulesBite shows the checker files that break one rule each, and
// their lawful neighbours. Without it, a rule that matches nothing would pass
// for a rule that is kept.
func TestImportRulesBite(t *testing.T) {
	const ours = module + "/"
	for _, c := range []struct {
		name, file, text string
		want             string // part of the one complaint; empty when lawful
	}{
		{"gate is pure", "gate/decide.go", imports("time", "errors"), ""},
		{"gate takes nobody's library", "gate/decide.go", imports("golang.org/x/text/width"), "gate: may not import golang.org/x/text"},
		{"gate knows no ledger", "gate/decide.go", imports(ours + "gate/ledger"), "gate: may not import"},
		{"gate reads no file", "gate/policy.go", imports("os"), "gate: is pure and may not import os"},
		{"gate has no network", "gate/policy.go", imports("net/netip"), "gate: is pure and may not import net/netip"},
		{"gate asks no clock", "gate/decide.go", imports("time") + "var t = time.Now()", "may not use time.Now"},
		{"by any name", "gate/decide.go", "package x\nimport clock \"time\"\nvar now = clock.Now", "may not use time.Now"},
		{"or by none", "gate/decide.go", "package x\nimport . \"time\"\nvar t = Now()", "may not import time into its own names"},
		{"gate prints nothing", "gate/decide.go", imports("fmt") + "func f() { fmt.Println() }", "may not use fmt.Println"},
		{"a duration is no clock", "gate/decide.go", imports("time") + "var d = time.Second", ""},
		{"a gate test may do all that", "gate/decide_test.go", imports("os", "time", "pgregory.net/rapid") + "var t = time.Now()", ""},
		{"build tags hide nothing", "gate/x_arm.go", "//go:build arm\n\npackage x\nimport \"os\"\nvar _ = os.Args", "may not import os"},

		{"ledger stands on gate", "gate/ledger/merge.go", imports(ours+"gate", "slices"), ""},
		{"ledger starts no goroutine", "gate/ledger/merge.go", "package x\nfunc f() { go f() }", "may not start a goroutine"},
		{"ledger takes no library", "gate/ledger/merge.go", imports("golang.org/x/sync/errgroup"), "gate/ledger: may not import"},
		{"rules stand on gate only", "gate/rules/compile.go", imports(ours + "gate/ledger"), "gate/rules: may not import"},

		{"lane verifies tickets", "gate/lane/loop.go", imports(ours+"gate", ours+"gate/ledger", ours+"crypto/ticket"), ""},
		{"lane knows no device", "gate/lane/loop.go", imports(ours + "hw/scanner"), "gate/lane: may not import"},
		{"lane knows no store", "gate/lane/loop.go", imports(ours + "gate/store"), "gate/lane: may not import"},
		{"lane knows no claim", "gate/lane/loop.go", imports(ours + "sync/claim"), "gate/lane: may not import"},
		{"a lane test may use the fakes", "gate/lane/loop_test.go", imports(ours + "hw/hwtest"), ""},
		{"the page knows no store", "gate/web/page.go", imports(ours + "gate/store"), "gate/web: may not import"},
		{"nor bbolt", "gate/web/page.go", imports("go.etcd.io/bbolt"), "gate/web: may not import go.etcd.io/bbolt, only"},
		{"store does not fetch packs", "gate/store/install.go", imports(ours + "sync/pack"), "gate/store: may not import"},
		{"store keeps bbolt", "gate/store/index.go", imports("go.etcd.io/bbolt", ours+"gate/ledger"), ""},
		{"health wires nothing", "gate/health/warn.go", imports(ours + "sync/gossip"), "gate/health: may not import"},
		{"appliance wires", "gate/appliance/new.go", imports(ours+"sync/gossip", ours+"hw/barrier", ours+"gate/store"), ""},
		{"but not on bbolt itself", "gate/appliance/new.go", imports("go.etcd.io/bbolt"), "only [gate/store/... sync/central/...] may"},
		{"nothing stands on a command", "gate/appliance/new.go", imports(ours + "cmd/venuegate/demo"), "commands are the outermost layer"},

		{"gossip knows bytes", "sync/gossip/peer.go", imports("github.com/hashicorp/memberlist"), ""},
		{"gossip knows no gate", "sync/gossip/peer.go", imports(ours + "gate"), "sync/gossip: may not import"},
		{"claim knows tickets", "sync/claim/state.go", imports(ours+"gate", "github.com/hashicorp/raft"), ""},
		{"claim leaves memberlist alone", "sync/claim/state.go", imports("github.com/hashicorp/memberlist"), "only [sync/gossip/...] may"},
		{"pack takes TUF and zstd", "sync/pack/fetch.go", imports(ours+"gate", ours+"crypto/keyring", "github.com/theupdateframework/go-tuf/v2/metadata", "github.com/klauspost/compress/zstd"), ""},
		{"pack knows no store", "sync/pack/fetch.go", imports(ours + "gate/store"), "sync/pack: may not import"},
		{"uplink knows no device", "sync/uplink/send.go", imports(ours + "hw/port"), "sync/uplink: may not import"},
		{"central keeps bbolt", "sync/central/store.go", imports("go.etcd.io/bbolt"), ""},

		{"hw knows gate and hw", "hw/scanner/line.go", imports(ours+"gate", ours+"hw/port"), ""},
		{"hw knows no sync", "hw/scanner/line.go", imports(ours + "sync/gossip"), "hw/scanner: may not import"},
		{"hw knows no store", "hw/barrier/relay.go", imports(ours + "gate/store"), "hw/barrier: may not import"},
		{"hw knows no page", "hw/barrier/relay.go", imports(ours + "gate/web"), "hw/barrier: may not import"},
		{"hw knows no crypto", "hw/document/sam.go", imports(ours + "crypto/identity"), "hw/document: may not import"},
		{"port opens ports", "hw/port/open.go", imports("github.com/tarm/serial"), ""},
		{"and nobody else", "hw/scanner/line.go", imports("github.com/tarm/serial"), "only [hw/port/...] may"},
		{"not even a test", "hw/scanner/line_test.go", imports("github.com/tarm/serial"), "only [hw/port/...] may"},
		{"the camera decodes", "hw/camera/decode.go", imports("github.com/makiuchi-d/gozxing", "github.com/makiuchi-d/gozxing/multi/qrcode"), ""},
		{"a command draws", "cmd/venuegate/qr.go", imports("github.com/makiuchi-d/gozxing/qrcode") + "var w = qrcode.NewQRCodeWriter()", ""},
		{"with a correction level", "cmd/venuegate/qr.go", imports("github.com/makiuchi-d/gozxing/qrcode/decoder") + "var l = decoder.ErrorCorrectionLevel_M", ""},
		{"but reads through the camera", "cmd/venuegate/qr.go", imports("github.com/makiuchi-d/gozxing/qrcode") + "var r = qrcode.NewQRCodeReader()", "only hw/camera decodes"},
		{"by no other package either", "cmd/venuegate/qr.go", imports("github.com/makiuchi-d/gozxing/oned"), "only hw/camera decodes"},
		{"a page draws nothing", "gate/web/page.go", imports("github.com/makiuchi-d/gozxing/qrcode"), "only [hw/camera/..."},

		{"ticket stands on std", "crypto/ticket/parse.go", imports("crypto/ed25519", "golang.org/x/crypto/hkdf", ours+"crypto/keyring"), ""},
		{"identity normalises names", "crypto/identity/name.go", imports("golang.org/x/text/unicode/norm"), ""},
		{"crypto knows no gate", "crypto/ticket/parse.go", imports(ours + "gate"), "crypto/ticket: may not import"},
		{"crypto takes no other library", "crypto/seal/seal.go", imports("golang.org/x/sys/unix"), "crypto/seal: may not import"},
		{"crypto is a folder", "crypto/doc.go", "package crypto", "is a folder only"},
		{"so is sync", "sync/sync.go", "package sync", "is a folder only"},
		{"so is hw", "hw/hw_test.go", "package hw", "is a folder only"},

		{"a command takes what it needs", "cmd/venuegated/main.go", imports(ours+"gate/appliance", "github.com/spf13/cobra"), ""},
		{"but not cgo", "cmd/venuegated/main.go", imports("C"), "CGO_ENABLED=0"},
		{"a new place needs a rule", "internal/util/util.go", "package util", "no line in the table"},
		{"one that looks alike too", "gatekeeper/x.go", "package x", "no line in the table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parse(c.file, c.text)
			if err != nil {
				t.Fatal(err)
			}
			got := s.violations()
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("lawful, but: %q", got)
			case c.want != "" && !strings.Contains(strings.Join(got, "\n"), c.want):
				t.Errorf("got %q, want a complaint with %q", got, c.want)
			}
		})
	}
}

func TestFoldersBite(t *testing.T) {
	ignored := []string{"/bin/", "*.prof"}
	for _, c := range []struct {
		name  string
		dir   bool
		stray bool
	}{
		{"gate", true, false},
		{"gate", false, true},
		{"internal", true, true},
		{"pkg", true, true},
		{"bin", true, false},
		{"cpu.prof", false, false},
		{".ci", true, false},
		{".gitignore", false, false},
		{"Makefile", false, false},
		{"main.go", false, true},
		{"NOTES.md", false, true},
	} {
		if got := stray(c.name, c.dir, ignored); (got != "") != c.stray {
			t.Errorf("%s (folder: %v): %q, want stray = %v", c.name, c.dir, got, c.stray)
		}
	}
}

// imports is a file that imports the paths and no more.
func imports(paths ...string) string {
	var b strings.Builder
	b.WriteString("package x\n")
	for _, p := range paths {
		b.WriteString("import \"" + p + "\"\n")
	}
	return b.String()
}
