// Package claim sees to it that a ticket is granted no more often than it
// allows while gates can talk to each other. A lane claims before it grants;
// whoever keeps the venue's admissions answers.
//
// A Node is a gate's part in it. It asks the keepers over connections that it
// keeps open, hands in what the gate recorded, and is a keeper itself, by
// hashicorp/raft, where the roster says so. Alone is the answer of a gate that is
// its own keeper; a Node uses it while there is nobody to agree with.
//
// The package never verifies tickets and never opens anything, it reads no pack,
// and it decides nothing where nobody answers: that is the event's policy. It
// reaches records through a small interface of its own. Lanes call it, and
// gate/appliance gives it records, roster and network. docs/protocol/claim.md has
// the messages.
package claim
