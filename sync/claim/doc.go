// Package claim sees to it that a ticket is granted no more often than it
// allows while gates can talk to each other. A lane claims before it grants;
// whoever keeps the venue's admissions answers.
//
// Alone is the answer of a gate that is its own keeper. The package never
// verifies tickets and never opens anything; it reaches records through a small
// interface of its own. Lanes call it.
package claim
