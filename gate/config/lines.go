package config

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxPath bounds the paths that a line is kept for, in bytes. All settings that
// there are have shorter ones.
const maxPath = 200

// lineIndex says where in a file the settings stand, by path.
type lineIndex struct {
	lines  map[string]int
	tables map[string]int // how often an array of tables was begun, by its path

	data   []byte
	offset int // of what line counts up to
	line   int
}

// indexLines goes through a file that the decoder has taken.
func indexLines(data []byte) *lineIndex {
	x := &lineIndex{lines: map[string]int{}, tables: map[string]int{}, data: data, line: 1}
	p := unstable.Parser{}
	p.Reset(data)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table = x.header(e, false)
		case unstable.ArrayTable:
			table = x.header(e, true)
		case unstable.KeyValue:
			x.keyValue(table, e)
		}
	}
	return x
}

// header returns the path of the table that a [header] begins.
func (x *lineIndex) header(e *unstable.Node, array bool) string {
	path := ""
	for k := e.Key(); k.Next(); {
		if path = join(path, string(k.Node().Data)); len(path) > maxPath {
			return path[:maxPath+1] // nothing below it has a line
		}
		last := k.IsLast()
		if last && array {
			x.tables[path]++
		}
		if n := x.tables[path]; n > 0 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
		if last {
			x.note(path, k.Node())
		}
	}
	return path
}

// keyValue notes a setting and, where its value is an inline table or a list of
// them, those in it.
func (x *lineIndex) keyValue(path string, e *unstable.Node) {
	for k := e.Key(); k.Next(); {
		if path = join(path, string(k.Node().Data)); len(path) > maxPath {
			return
		}
		x.note(path, k.Node())
	}
	x.value(path, e.Value())
}

func (x *lineIndex) value(path string, v *unstable.Node) {
	if len(path) > maxPath {
		return
	}
	switch v.Kind {
	case unstable.InlineTable:
		for c := v.Children(); c.Next(); {
			if c.Node().Kind == unstable.KeyValue {
				x.keyValue(path, c.Node())
			}
		}
	case unstable.Array:
		i := 0
		for c := v.Children(); c.Next(); {
			if c.Node().Kind != unstable.Comment {
				x.value(fmt.Sprintf("%s[%d]", path, i), c.Node())
				i++
			}
		}
	}
}

// note keeps where a path is first spoken of. Keys come in the file's order.
func (x *lineIndex) note(path string, key *unstable.Node) {
	if at := int(key.Raw.Offset); at > x.offset {
		x.line += bytes.Count(x.data[x.offset:at], []byte{'\n'})
		x.offset = at
	}
	if _, there := x.lines[path]; !there {
		x.lines[path] = x.line
	}
}

// of returns the line of a setting, or of what it stands in; zero when unknown.
func (x *lineIndex) of(path string) int {
	for path != "" {
		if line, ok := x.lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

// join appends a key to a path. One that is no bare key is quoted.
func join(path, key string) string {
	bare := strings.TrimLeft(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
	if !bare || key == "" {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
