// Package keyring holds the keys that gates trust and the one key that is a
// gate's own: issuers' public keys with what each may sign, and the gate's
// identity, which is made on the box and signs what the gate says.
//
// It never holds an issuer's private key or any secret that could make a
// ticket. The lane finds issuer keys here through crypto/ticket; the store and
// the uplink sign and check journal heads with identities.
package keyring
