package pack

import (
	"maps"
	"slices"
	"strings"

	"github.com/venuegate/venuegate/gate"
)

// words are the values of an enumeration in documents.
type words[T comparable] map[string]T

var (
	laneKinds = words[gate.LaneKind]{
		"entry": gate.LaneEntry, "exit": gate.LaneExit, "both": gate.LaneBoth, "pre_check": gate.LanePreCheck,
	}
	isolations = words[gate.Isolation]{
		"": gate.IsolationUnset, "admit": gate.IsolationAdmit, "refer": gate.IsolationRefer, "refuse": gate.IsolationRefuse,
	}
	reEntries = words[gate.ReEntry]{
		"": gate.ReEntryNone, "none": gate.ReEntryNone,
		"after_exit": gate.ReEntryAfterExit, "after_pause": gate.ReEntryAfterPause,
	}
	realNames = words[gate.RealName]{
		"": gate.RealNameNone, "none": gate.RealNameNone, "document": gate.RealNameDocument,
		"code_and_document": gate.RealNameCodeAndDocument, "document_at_first": gate.RealNameDocumentAtFirst,
	}
	gateRoles  = words[string]{"gate": "gate", "handheld": "handheld", "witness": "witness"}
	staffRoles = words[string]{"steward": "steward", "supervisor": "supervisor", "technician": "technician"}

	statuses = words[gate.Status]{
		"valid": gate.StatusValid, "void": gate.StatusVoid, "refunded": gate.StatusRefunded, "used_up": gate.StatusUsedUp,
	}
	proofs = words[gate.Proof]{"static": gate.ProofStatic, "chain": gate.ProofChain, "holder": gate.ProofHolder}
)

// list returns the words for a message.
func (w words[T]) list() string {
	all := slices.DeleteFunc(slices.Sorted(maps.Keys(w)), func(s string) bool { return s == "" })
	return strings.Join(all, ", ")
}

// word returns the word of a value; the longest where several mean the same.
func (w words[T]) word(value T) string {
	found := ""
	for text, v := range w {
		if v == value && len(text) > len(found) {
			found = text
		}
	}
	return found
}

func check[T comparable](w *walker, path, text string, known words[T]) {
	if _, ok := known[text]; !ok {
		w.wrong(path, "want one of %s", known.list())
	}
}
