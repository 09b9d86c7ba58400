// Package barrier opens what people pass through: a turnstile behind a relay
// board, or nothing at all at a handheld.
//
// A barrier says how an opening ended as far as it knows, and never more: that
// nobody went through is claimed only when passage feedback is configured and
// the turnstile was heard to be ready throughout. It decides nothing about
// tickets. gate/appliance makes the drivers, gate/lane calls Open after the
// grant is durable.
package barrier
