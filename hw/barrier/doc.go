// Package barrier opens what people pass through: a turnstile behind a relay
// board, a Modbus board or the lines of a GPIO chip, a gate with an RS-485 board
// that counts, or nothing at all at a handheld.
//
// A barrier says how an opening ended as far as it knows, and never more: that
// nobody went through is claimed only when passage feedback is configured and
// the turnstile was heard to be ready throughout. What happens besides (somebody
// forces the way, comes the wrong way, follows somebody else, a fire) it tells
// as events. It decides nothing about tickets, and nothing about a fire either:
// the release is hard-wired, the driver senses it, stops opening, remembers it
// until a person ends it, and can at most help. gate/appliance makes the
// drivers, gate/lane calls Open after the grant is durable.
//
// All barriers share one pure state machine of passages (machine) and one way of
// opening (opener); a driver adds how to let one person through and what is
// heard. The outputs of its boards serve hw/indicator, too.
//
// Modbus RTU is spoken here and not by a library: it takes three kinds of frames
// and a CRC, and the libraries open the port themselves, while hw/port is what
// knows about unplugged adapters, re-opening and stuck writes. The one that was
// tried, github.com/simonvetter/modbus, takes no connection from outside.
package barrier
