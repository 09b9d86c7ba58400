package pack

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// nameTimestamp is the one file of a repository whose content changes.
const nameTimestamp = "metadata/" + fileTimestamp

const maxNameLength = 255

// repositoryFile is what the name of a repository's file says of it.
type repositoryFile struct {
	role    string // of metadata; empty: a target
	version int64  // of metadata; zero: the timestamp
	sum     []byte // of a target
}

// parseName reads the name of a file below a repository's top, such as
// "metadata/7.snapshot.json". Whatever else lies there is not the repository's.
func parseName(name string) (repositoryFile, bool) {
	if len(name) > maxNameLength {
		return repositoryFile{}, false
	}
	if name == nameTimestamp {
		return repositoryFile{role: metadata.TIMESTAMP}, true
	}
	if file, ok := strings.CutPrefix(name, "metadata/"); ok {
		return parseMetadataName(file)
	}
	rest, ok := strings.CutPrefix(name, "targets/")
	if !ok {
		return repositoryFile{}, false
	}
	parts := strings.Split(rest, "/")
	for _, p := range parts {
		if !isPlainPart(p) {
			return repositoryFile{}, false
		}
	}
	digits, base, ok := strings.Cut(parts[len(parts)-1], ".")
	sum, err := hex.DecodeString(digits)
	if !ok || base == "" || err != nil || len(sum) != 32 || strings.ToLower(digits) != digits {
		return repositoryFile{}, false
	}
	return repositoryFile{sum: sum}, true
}

func parseMetadataName(file string) (repositoryFile, bool) {
	number, rest, ok := strings.Cut(file, ".")
	version, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || version <= 0 || strconv.FormatInt(version, 10) != number {
		return repositoryFile{}, false
	}
	for _, f := range []string{fileRoot, fileSnapshot, fileTargets, fileShards, fileOverlay} {
		if rest == f {
			return repositoryFile{role: strings.TrimSuffix(f, ".json"), version: version}, true
		}
	}
	return repositoryFile{}, false
}

// isPlainPart reports whether one part of a path is harmless to any file
// system and any URL.
func isPlainPart(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if digit := '0' <= c && c <= '9'; !letter && !digit && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && s[0] != '.'
}

func metadataName(version int64, file string) string {
	return "metadata/" + strconv.FormatInt(version, 10) + "." + file
}
