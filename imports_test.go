// Package venuegate_test keeps the rules of the house: who may import whom,
// what a pure package may not touch, and which folders there are. It reads the
// source of every file, whatever its build tags, and builds nothing.
package venuegate_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/venuegate/venuegate"

// A rule says what the packages of one place may import besides the standard
// library and what lies below the place itself. Patterns are relative to the
// module: "gate" is that package, "gate/..." it and everything below it.
type rule struct {
	place  string
	ours   []string // our packages
	others []string // modules of others; they may be narrowed further by owners
	why    string
}

// rules is read from the top; the first place that matches holds. A package
// that no place matches is a violation: a new folder needs a line here.
var rules = []rule{
	{"gate", nil, nil, "the domain is pure and stands alone"},
	{"gate/rules/...", list("gate"), nil, "an organiser's rules are part of the pure decision"},
	{"gate/ledger/...", list("gate"), nil, "merging is a pure function of the set of records"},
	{"gate/lane/...", list("gate", "gate/ledger/...", "crypto/..."), anyModule, "devices, store and claims come through the lane's own interfaces"},
	{"gate/web/...", list("gate", "gate/ledger/...", "gate/health/...", "crypto/..."), anyModule, "a page sees read-only views and gives narrow commands"},
	{"gate/appliance/...", list("gate/...", "sync/...", "hw/...", "crypto/...", "configs/..."), anyModule, "the place that wires everything"},
	{"gate/...", list("gate", "gate/ledger/...", "gate/rules/...", "gate/health/...", "crypto/...", "configs/..."), anyModule, "only gate/appliance and cmd wire across groups"},
	{"sync/gossip/...", nil, anyModule, "gossip knows bytes, not tickets"},
	{"sync/...", list("gate", "gate/ledger/...", "gate/rules/...", "crypto/...", "docs/..."), anyModule, "storage is reached through small interfaces of their own"},
	{"hw/...", list("gate"), anyModule, "a driver knows readings and passages, nothing of the venue"},
	{"crypto/...", nil, list("golang.org/x/crypto/...", "golang.org/x/text/..."), "what guards the gate is read in one sitting"},
	{"configs/...", nil, nil, "files and their embedding"},
	{"cmd/...", list("..."), anyModule, "commands wire what they need"},
	{"systemd/...", nil, nil, "files and their test"},
	{"docs/...", nil, nil, "files and their embedding: central serves its own description"},
	{".", nil, nil, "this test"},
}

// owners names the libraries that are wrapped in one place. It holds for tests
// too: they use the wrapper, as everybody does.
var owners = []struct {
	library string
	in      []string
	why     string
}{
	{"go.etcd.io/bbolt/...", list("gate/store/...", "sync/central/..."), "one place knows how we store"},
	{"github.com/boltdb/bolt/...", nil, "bbolt is its maintained successor"},
	{"github.com/hashicorp/memberlist/...", list("sync/gossip/..."), "membership is a hint that gossip gives"},
	{"github.com/tarm/serial/...", list("hw/port/..."), "its time-outs and unplugs need precautions"},
	{"github.com/makiuchi-d/gozxing/...", list("hw/camera/...", "cmd/...", "sync/central/..."), "frames are decoded in one place; drawing codes is for commands and the wallet page"},
	{"C", nil, "every binary is built with CGO_ENABLED=0"},
}

// pure packages have no input or output, no clock and no goroutine.
var pure = list("gate", "gate/rules/...", "gate/ledger/...")

var impureImports = list("os/...", "net/...", "io/fs", "io/ioutil", "syscall/...", "log",
	"database/...", "math/rand/...", "crypto/rand", "testing/...", "C")

var impureNames = map[string][]string{
	"time": list("Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"),
	"fmt":  list("Print", "Printf", "Println", "Scan", "Scanf", "Scanln"),
}

// decoderNames finds what belongs to reading codes in gozxing, whose packages
// hold the writers as well.
var decoderNames = map[string]func(name string) bool{
	"github.com/makiuchi-d/gozxing": func(name string) bool {
		return containsAny(name, "Binarizer", "BinaryBitmap", "DecodeHint", "LuminanceSource")
	},
	"github.com/makiuchi-d/gozxing/qrcode":         func(name string) bool { return containsAny(name, "Reader") },
	"github.com/makiuchi-d/gozxing/qrcode/encoder": func(string) bool { return false },
	"github.com/makiuchi-d/gozxing/qrcode/decoder": func(name string) bool {
		return !strings.HasPrefix(name, "ErrorCorrectionLevel")
	},
}

// groups are folders only, so that no package is called sync or crypto.
var groups = list("sync", "hw", "crypto")

var folders = list("cmd", "gate", "sync", "hw", "crypto", "configs", "systemd", "docs", "tools")

var topFiles = list("Makefile", "go.mod", "go.sum", "README.md", "LICENSE", "CHANGELOG.md",
	"imports_test.go", "imports_examples_test.go")

var anyModule = list("...")

func list(patterns ...string) []string { return patterns }

// source is what the rules look at in one file.
type source struct {
	dir      string // slash-separated, "." for the top
	test     bool
	imports  []string
	names    map[string][]string // import path → exported names used of it
	launches int                 // go statements
}

// violations returns every rule that the file breaks.
func (s source) violations() []string {
	var found []string
	complain := func(format string, args ...any) {
		found = append(found, s.dir+": "+fmt.Sprintf(format, args...))
	}
	if slices.Contains(groups, s.dir) {
		complain("is a folder only: no Go files of its own")
		return found
	}
	i := slices.IndexFunc(rules, func(r rule) bool { return match(r.place, s.dir) })
	if i < 0 {
		complain("has no line in the table of rules")
		return found
	}
	for _, path := range s.imports {
		if !s.test && !rules[i].allows(path) {
			complain("may not import %s: %s", path, rules[i].why)
		}
		for _, o := range owners {
			if match(o.library, path) && !matchAny(o.in, s.dir) {
				complain("may not import %s, only %v may: %s", path, o.in, o.why)
			}
		}
		if match("github.com/makiuchi-d/gozxing/...", path) && !match("hw/camera/...", s.dir) {
			decodes, drawing := decoderNames[path]
			if !drawing {
				complain("may not import %s: only hw/camera decodes", path)
			} else if n := slices.IndexFunc(s.names[path], decodes); n >= 0 {
				complain("may not use %s.%s: only hw/camera decodes", path, s.names[path][n])
			}
		}
		if strings.HasPrefix(path, module+"/cmd/") && !match("cmd/...", s.dir) {
			complain("may not import %s: commands are the outermost layer", path)
		}
	}
	if s.test || !matchAny(pure, s.dir) {
		return found
	}
	for _, path := range s.imports {
		if matchAny(impureImports, path) {
			complain("is pure and may not import %s", path)
		}
		for _, name := range impureNames[path] {
			if slices.Contains(s.names[path], name) {
				complain("is pure and may not use %s.%s: time and output are arguments", path, name)
			}
		}
		if slices.Contains(s.names[path], ".") {
			complain("is pure and may not import %s into its own names", path)
		}
	}
	if s.launches > 0 {
		complain("is pure and may not start a goroutine")
	}
	return found
}

func (r rule) allows(imported string) bool {
	if own, ok := strings.CutPrefix(imported, module+"/"); ok {
		below := strings.HasSuffix(r.place, "/...") && match(r.place, own)
		return below || matchAny(r.ours, own)
	}
	standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
	return standard || matchAny(r.others, imported)
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

func match(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	tree, deep := strings.CutSuffix(pattern, "/...")
	return name == tree || deep && strings.HasPrefix(name, tree+"/")
}

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

// parse reads one file; name is relative to the top. text is nil to read it
// from the disk.
func parse(name string, text any) (source, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	s := source{
		dir:   path.Dir(filepath.ToSlash(name)),
		test:  strings.HasSuffix(name, "_test.go"),
		names: map[string][]string{},
	}
	local := map[string]string{} // name in this file → import path
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source{}, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		s.imports = append(s.imports, imported)
		switch {
		case spec.Name == nil:
			local[path.Base(imported)] = imported
		case spec.Name.Name == ".":
			s.names[imported] = append(s.names[imported], ".")
		default:
			local[spec.Name.Name] = imported
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			s.launches++
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && local[x.Name] != "" {
				s.names[local[x.Name]] = append(s.names[local[x.Name]], n.Sel.Name)
			}
		}
		return true
	})
	return s, nil
}

func TestImportRules(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == "." {
				return nil
			}
			if b := d.Name(); b == "testdata" || b == "bin" || strings.HasPrefix(b, ".") || strings.HasPrefix(b, "_") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
				return fs.SkipDir // a module of its own, such as tools
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		s, err := parse(name, nil)
		if err != nil {
			return err
		}
		seen[s.dir] = true
		for _, v := range s.violations() {
			t.Errorf("%s: %s", filepath.Base(name), v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !seen["gate"] || !seen["."] {
		t.Fatalf("the walk saw %d packages, gate not among them", len(seen))
	}
}

func TestFolders(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	ignore, err := os.ReadFile(".gitignore")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if v := stray(e.Name(), e.IsDir(), strings.Fields(string(ignore))); v != "" {
			t.Error(v)
		}
	}
}

// stray says what is wrong with a name at the top of the repository. ignored
// holds the patterns of .gitignore.
func stray(name string, dir bool, ignored []string) string {
	for _, pattern := range ignored {
		if ok, err := path.Match(strings.Trim(pattern, "/"), name); ok && err == nil {
			return ""
		}
	}
	switch {
	case strings.HasPrefix(name, "."),
		dir && slices.Contains(folders, name),
		!dir && slices.Contains(topFiles, name):
		return ""
	case dir:
		return fmt.Sprintf("folder %s: the house has %v", name, folders)
	}
	return fmt.Sprintf("file %s: the top holds %v", name, topFiles)
}
