package ticket

import "encoding/hex"

// smallOrder reports whether an Ed25519 public key is of order 1, 2, 4 or 8.
// Under such a key one signature can fit many messages, so a holder could
// publish a code that every gate takes at every step. The y coordinates are
// those of the eight points of small order (RFC 7748, section 7, in Edwards
// form) and their encodings that are not reduced.
func smallOrder(key [HolderKeySize]byte) bool {
	key[31] &= 0x7f // the sign of x
	switch hex.EncodeToString(key[:]) {
	case "0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f":
		return true
	}
	return false
}
