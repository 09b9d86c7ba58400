// Package face reads face terminals: devices with a camera and a list of people
// of their own, which say whom they recognised. They differ by vendor, but nearly
// all of them can send a JSON object for each result, over a serial line, over a
// connection to a port of the gate, or as an HTTP POST; where in the object the
// result stands is configured.
//
// It takes a result, a score and the number by which the terminal knows the
// person: a ticket's, or the keyed tag of a document. Pictures in a message are
// passed over, copied nowhere, and wiped with the rest of it. It decides nothing
// about tickets. gate/appliance makes the readers and gate/lane runs them.
package face
