package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/venuegate/venuegate/gate/appliance"
	"github.com/venuegate/venuegate/gate/config"
	"github.com/venuegate/venuegate/sync/central"
)

// GB 11643's example and invented texts: what looks for personal data in files
// and output looks for these.
const (
	secretNumber  = "11010519491231002X"
	secretName    = "张无忌"
	secretForeign = "SHOP-2026-0042-XQ"
)

func venueDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "venue")
	if _, err := makeVenue(context.Background(), dir, time.Now(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What ticket show prints, ticket verify takes with what ticket issue --json
// printed, and no longer a minute later; drawn and read again it is the same.
func TestIssueShowVerify(t *testing.T) {
	dir := venueDir(t)
	now := time.Now().UTC().Truncate(time.Second)
	for _, c := range []struct {
		name, form string
		issue      []string
		show       []string
		later      string // reason a minute later
	}{
		{"short", "short", nil, nil, "code_stale"},
		{"long", "long", nil, []string{"--long"}, "code_stale"},
		{"holder", "long", []string{"--proof", "holder"}, nil, "code_stale"},
		{"static", "static", []string{"--proof", "static"}, nil, "ok"},
		{"real name", "long", []string{"--document", "resident:CHN:" + secretNumber, "--party", "2"}, []string{"--long"}, "code_stale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var wallet issuedJSON
			out := must(t, append([]string{"ticket", "issue", "--venue", dir, "--json"}, c.issue...)...)
			if err := json.Unmarshal([]byte(out), &wallet); err != nil {
				t.Fatal(err)
			}
			show := append([]string{"ticket", "show", "--venue", dir, "--at", now.Format(time.RFC3339), wallet.Ticket}, c.show...)
			if wallet.HolderSeed != "" {
				if r := run(t, "", show...); r.code != exitNo || !contains(r.err, "--holder-seed") {
					t.Errorf("without the phone's key: %d, %s", r.code, r.err)
				}
				show = append(show, "--holder-seed", wallet.HolderSeed)
			}
			text := strings.TrimSuffix(must(t, show...), "\n")
			if wallet.Text != "" && wallet.Text != text {
				t.Error("issue and show print two texts of one paper ticket")
			}
			verify := func(at time.Time) (reason string) {
				var result struct{ Reason, Form string }
				r := run(t, text, "ticket", "verify", "--issuer-key", wallet.IssuerKey, "--body", wallet.Body, "--at", at.Format(time.RFC3339))
				if err := json.Unmarshal([]byte(r.out), &result); err != nil {
					t.Fatalf("%v: %s", err, r.err)
				}
				if result.Form != c.form {
					t.Errorf("form %s, want %s", result.Form, c.form)
				}
				return result.Reason
			}
			if got := verify(now); got != "ok" {
				t.Errorf("at once: %s", got)
			}
			if got := verify(now.Add(time.Minute)); got != c.later {
				t.Errorf("a minute later: %s, want %s", got, c.later)
			}
			file := filepath.Join(t.TempDir(), "code.png")
			must(t, "ticket", "qr", "-o", file, text)
			if got := must(t, "qr", "read", file); got != text+"\n" {
				t.Error("the picture holds another text")
			}
		})
	}
}

// No command prints or keeps who holds a ticket, whether it works or fails.
func TestNothingPrivateIsPrintedOrKept(t *testing.T) {
	dir := venueDir(t)
	data := filepath.Join(dir, "gates", "1", "data")
	document, mistyped := "resident:CHN:"+secretNumber, "resident:CHN:110105194912310021"
	stdin := document + "\n" + secretName + "\n" + secretForeign + "\n"
	var said strings.Builder
	for _, args := range [][]string{
		{"ticket", "issue", "--venue", dir, "--document", "-", "--name", "-", "--foreign", "-"},
		{"ticket", "issue", "--venue", dir, "--json", "--document", document, "--name", secretName, "--foreign", secretForeign},
		{"ticket", "issue", "--venue", dir, "--document", mistyped, "--name", secretName},
		{"ticket", "issue", "--venue", dir, "--document", secretNumber},
		{"ticket", "issue", "--venue", dir, "--name", strings.Repeat(secretName, 500)},
		{"ticket", "issue", "--venue", dir, "--foreign", strings.Repeat(secretForeign, 1000)},
		{"ticket", "issue", "--venue", dir, "--seat", secretName, secretNumber},
		{"ticket", "issue", "--venue", dir, "--" + secretNumber},
		{"ticket", "issue", "--venue", dir, "--count", secretNumber},
		{"ticket", "issue", "--venue", dir, "--session", secretNumber},
		{"ticket", "issue", "--venue", dir, "--at", secretNumber},
		{"ticket", "transfer", "--venue", dir, "1000000001", "--document", "-", "--name", "-"},
		{"ticket", "transfer", "--venue", dir, "1000000001", "--document", mistyped},
		{"ticket", "transfer", "--venue", dir, "--json", "1000000001", "--document", document},
		{"ticket", "void", "--venue", dir, secretNumber},
		{"ticket", "show", "--venue", dir, secretNumber},
		{"ticket", "verify", "--issuer-key", secretNumber, secretForeign},
		{"ticket", "verify", "--issuer-key", "1=" + strings.Repeat("00", 32), secretForeign},
		{"document", "tag", "--key", "00", "--type", "resident", secretNumber},
		{"document", "tag", "--key", "00", "--type", "resident", secretNumber + "1"},
		{"document", "tag", "--key", "00", "--type", secretNumber, secretNumber},
		{"log", "--data", data, "--ticket", secretNumber},
		{"log", "--data", data, "--reason", secretNumber},
		{"log", "--data", data, "--since", secretNumber},
		{"pack", "build", "--venue", dir},
		{"pack", "install", "--venue", dir, "--data", data, "--json"},
		{"pack", "info", "--data", data},
		{secretNumber},
		{"ticket", secretNumber},
	} {
		r := run(t, stdin, args...)
		said.WriteString(r.out + r.err)
	}
	for _, private := range []string{secretNumber, secretNumber[:17], "110105194912310021", secretName, secretForeign} {
		if contains(said.String(), private) {
			t.Errorf("%q was printed", private)
		}
	}
	files := grep(t, dir, map[string][]byte{
		"the number": []byte(secretNumber), "the mistyped number": []byte("110105194912310021"),
		"the name": []byte(secretName), "the foreign code": []byte(secretForeign),
	})
	if files < 30 {
		t.Errorf("only %d files were looked at", files)
	}
}

// What goes to a gate or to the public can make no code: not the issuer's keys,
// not the roles', not what a wallet has, and not the text of a paper ticket.
func TestGatesHoldNothingThatMints(t *testing.T) {
	dir := venueDir(t)
	data := filepath.Join(dir, "gates", "1", "data")
	secrets := map[string][]byte{"a role's private key": []byte("BEGIN PRIVATE KEY")}
	add := func(what string, raw []byte) {
		secrets[what], secrets[what+" in hex"] = raw, []byte(hex.EncodeToString(raw))
	}
	for _, proof := range []string{"chain", "holder", "static"} {
		var wallet issuedJSON
		if err := json.Unmarshal([]byte(must(t, "ticket", "issue", "--venue", dir, "--proof", proof, "--json")), &wallet); err != nil {
			t.Fatal(err)
		}
		body := unhex(t, wallet.Body)
		add(proof+": signature", body[len(body)-64:])
		if wallet.Text != "" {
			secrets["static text"] = []byte(wallet.Text)
		}
		if wallet.Lease != nil {
			add("lease", unhex(t, wallet.Lease.Value))
		}
		if wallet.HolderSeed != "" {
			add("the phone's key", unhex(t, wallet.HolderSeed))
		}
	}
	var issuer struct {
		Seed     string `json:"seed"`
		IssueKey string `json:"issue_key"`
	}
	raw, err := os.ReadFile(filepath.Join(dir, "issuer", "1.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &issuer); err != nil {
		t.Fatal(err)
	}
	add("the issuer's seed", unhex(t, issuer.Seed))
	add("the issue key", unhex(t, issuer.IssueKey))
	if len(secrets) != 1+3*2+1+2+2+4 {
		t.Fatalf("%d secrets", len(secrets))
	}
	must(t, "pack", "build", "--venue", dir)
	must(t, "pack", "install", "--venue", dir, "--data", data)

	if files := grep(t, filepath.Join(dir, "repository"), secrets); files < 8 {
		t.Errorf("only %d files of the repository were looked at", files)
	}
	// The gate has one private key, its own identity, which makes no ticket.
	delete(secrets, "a role's private key")
	roles, err := filepath.Glob(filepath.Join(dir, "keys", "*.pem"))
	if err != nil || len(roles) < 6 {
		t.Fatalf("%d keys of roles, %v", len(roles), err)
	}
	for _, file := range roles {
		pem, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		secrets[filepath.Base(file)] = bytes.Split(pem, []byte("\n"))[1]
	}
	if files := grep(t, filepath.Join(dir, "gates"), secrets); files < 8 {
		t.Errorf("only %d files of the gate were looked at", files)
	}
}

// The gate's configuration is one that the daemon takes, wherever the venue
// lies, and nothing of the venue can be read by others.
func TestInitIsReady(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `a "quoted" <dir>`)
	if r := run(t, "", "init", dir); r.code != exitOK {
		t.Fatal(r.err)
	}
	c, err := config.Load(filepath.Join(dir, "gates", "1", "gate.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := appliance.Check(c); err != nil {
		t.Error(err)
	}
	if c.Gate.DataDir != filepath.Join(dir, "gates", "1", "data") || c.Pack.Repository != central.Repository(dir) || len(c.Lanes) != 2 {
		t.Errorf("data in %s, repository in %s, %d lanes", c.Gate.DataDir, c.Pack.Repository, len(c.Lanes))
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, secret := range []string{"issuer/1.json", "event/1/secrets.json", "gates/1/data/identity.key", "gates/1/data/secrets/1.json", "gates/1/gate.toml"} {
		info, err := os.Stat(filepath.Join(dir, secret))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", secret, info.Mode(), err)
		}
	}
}

// A running gate holds its journal's lock, and installs packs by itself.
func TestInstallBesideARunningGate(t *testing.T) {
	dir := venueDir(t)
	data := filepath.Join(dir, "gates", "1", "data")
	j, err := openJournal(data)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, "", "pack", "install", "--venue", dir, "--data", data)
	if r.code != exitNo || !contains(r.err, "the gate is running") || !contains(r.err, "stop it first") {
		t.Errorf("%d: %s", r.code, r.err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	must(t, "pack", "install", "--venue", dir, "--data", data)
	if j, err = openJournal(data); err != nil {
		t.Fatal(err)
	}
	must(t, "pack", "info", "--data", data)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// grep looks for what must not be there in every file, compressed ones
// included, and returns how many there were.
func grep(t testing.TB, dir string, never map[string][]byte) (files int) {
	t.Helper()
	unpack, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unpack.Close()
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if err == nil && bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
			data, err = unpack.DecodeAll(data, nil)
		}
		for what, text := range never {
			if bytes.Contains(data, text) {
				t.Errorf("%s: %s is in it", path, what)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
