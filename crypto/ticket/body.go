package ticket

import (
	"encoding/binary"
	"strconv"
)

// Version is the version of a VG1 body.
const Version = 1

// AlgorithmEd25519 is the only algorithm of an issuer's signature so far; 2 is
// reserved for SM2 with SM3.
const AlgorithmEd25519 = 1

// Sizes of the parts of a code, in bytes.
const (
	ValueSize       = 20 // a chain value or anchor
	SignatureSize   = 64
	HolderKeySize   = 32
	DocumentTagSize = 8

	fixedSize = 36 // body bytes before the tail
	seedSize  = 28 // body bytes that make the chain's seed
	stepSize  = 3

	maxUnsigned = fixedSize + HolderKeySize
)

// Flags are the properties of a ticket that a gate must know even when its
// pack does not hold the ticket.
type Flags uint8

// The flags of a body. All other bits are malformed.
const (
	FlagRealName  Flags = 1 << 0 // bound to a document, whose tag the body carries
	FlagReentry   Flags = 1 << 1 // re-entry allowed
	FlagCompanion Flags = 1 << 2 // a party of two

	flagsKnown = FlagRealName | FlagReentry | FlagCompanion
)

// Has reports whether all bits of f2 are set in f.
func (f Flags) Has(f2 Flags) bool { return f&f2 == f2 }

// Proof is how a code proves that it is shown now, by the holder.
type Proof uint8

// The proofs.
const (
	ProofStatic Proof = 0 // none: paper
	ProofChain  Proof = 1 // a value of a hash chain that the issuer leases to the phone
	ProofHolder Proof = 2 // an Ed25519 signature by a key that never leaves the phone
)

// String returns static, chain or holder.
func (p Proof) String() string {
	switch p {
	case ProofStatic:
		return "static"
	case ProofChain:
		return "chain"
	case ProofHolder:
		return "holder"
	}
	return "proof " + strconv.Itoa(int(p))
}

// MarshalText returns String.
func (p Proof) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// tailSize is the size of what follows the fixed fields, zero for an unknown
// proof.
func (p Proof) tailSize() int {
	switch p {
	case ProofStatic:
		return 1
	case ProofChain:
		return ValueSize
	case ProofHolder:
		return HolderKeySize
	}
	return 0
}

// Body is what the issuer signs: one per ticket and generation, for ever.
type Body struct {
	Version     uint8  // 1
	Algorithm   uint8  // of the issuer's signature
	KeyID       uint16 // the issuer's key
	Event       uint32
	Ticket      uint64 // unique over all events and issuers that a gate can hold
	Generation  uint8  // from 1, raised whenever any field changes
	Flags       Flags
	ZoneGroup   uint16
	T0          uint32 // Unix seconds at which step 0 begins; 0 when static
	Steps       uint16 // N; 0 when static
	Period      uint8  // seconds of a step; 0 when static
	Proof       Proof
	DocumentTag [DocumentTagSize]byte // first bytes of the bound document's keyed tag, or zero
	Anchor      [ValueSize]byte       // x[N] for a chain, else zero
	Holder      [HolderKeySize]byte   // the phone's public key for a holder proof, else zero
}

// Check reports the first field that makes the body malformed, as a
// [*MalformedError], or nil.
func (b *Body) Check() error {
	switch {
	case b.Version != Version:
		return malformed(fieldVersion, 0, "unknown version "+strconv.Itoa(int(b.Version)))
	case b.Algorithm != AlgorithmEd25519:
		return malformed(FieldAlgorithm.String(), 1, "unknown algorithm "+strconv.Itoa(int(b.Algorithm)))
	case b.Generation == 0:
		return malformed(fieldGeneration, 16, "zero; generations count from 1")
	case b.Flags&^flagsKnown != 0:
		return malformed(FieldFlags.String(), 17, "unknown bits")
	case b.Proof > ProofHolder:
		return malformed(FieldProof.String(), 27, "unknown proof "+strconv.Itoa(int(b.Proof)))
	case b.Flags.Has(FlagRealName) && b.DocumentTag == [DocumentTagSize]byte{}:
		return malformed(FieldDocumentTag.String(), 28, "zero on a real-name ticket")
	}
	if b.Proof == ProofStatic {
		switch {
		case b.T0 != 0:
			return malformed(FieldT0.String(), 20, "not zero on a static ticket")
		case b.Steps != 0:
			return malformed(FieldSteps.String(), 24, "not zero on a static ticket")
		case b.Period != 0:
			return malformed(FieldPeriod.String(), 26, "not zero on a static ticket")
		}
		return nil
	}
	switch {
	case b.Steps == 0:
		return malformed(FieldSteps.String(), 24, "zero on a ticket with a proof")
	case b.Period == 0:
		return malformed(FieldPeriod.String(), 26, "zero on a ticket with a proof")
	}
	return nil
}

// AppendUnsigned appends the body without its signature: 37, 56 or 68 bytes.
func (b *Body) AppendUnsigned(dst []byte) []byte {
	dst = b.appendFixed(dst)
	switch b.Proof {
	case ProofChain:
		return append(dst, b.Anchor[:]...)
	case ProofHolder:
		return append(dst, b.Holder[:]...)
	default:
		return append(dst, 0)
	}
}

func (b *Body) appendFixed(dst []byte) []byte {
	be := binary.BigEndian
	dst = append(dst, b.Version, b.Algorithm)
	dst = be.AppendUint16(dst, b.KeyID)
	dst = be.AppendUint32(dst, b.Event)
	dst = be.AppendUint64(dst, b.Ticket)
	dst = append(dst, b.Generation, byte(b.Flags))
	dst = be.AppendUint16(dst, b.ZoneGroup)
	dst = be.AppendUint32(dst, b.T0)
	dst = be.AppendUint16(dst, b.Steps)
	dst = append(dst, b.Period, byte(b.Proof))
	return append(dst, b.DocumentTag[:]...)
}

// ParseBody reads a body without its signature, as a pack holds it. The data
// must be exactly one body.
func ParseBody(data []byte) (Body, error) {
	b, n, err := parseBody(data)
	if err == nil && n != len(data) {
		return Body{}, malformed(fieldLength, n, strconv.Itoa(len(data))+" bytes, want "+strconv.Itoa(n)+" for this proof")
	}
	return b, err
}

// parseBody reads a body at the start of data and says how long it was.
func parseBody(data []byte) (Body, int, error) {
	if len(data) <= fixedSize {
		return Body{}, 0, malformed(fieldLength, len(data), "shorter than the shortest body")
	}
	be := binary.BigEndian
	b := Body{
		Version:    data[0],
		Algorithm:  data[1],
		KeyID:      be.Uint16(data[2:]),
		Event:      be.Uint32(data[4:]),
		Ticket:     be.Uint64(data[8:]),
		Generation: data[16],
		Flags:      Flags(data[17]),
		ZoneGroup:  be.Uint16(data[18:]),
		T0:         be.Uint32(data[20:]),
		Steps:      be.Uint16(data[24:]),
		Period:     data[26],
		Proof:      Proof(data[27]),
	}
	copy(b.DocumentTag[:], data[28:])
	if err := b.Check(); err != nil {
		return Body{}, 0, err
	}
	n := fixedSize + b.Proof.tailSize()
	if len(data) < n {
		return Body{}, 0, malformed(fieldLength, len(data), "shorter than a body with this proof")
	}
	switch b.Proof {
	case ProofStatic:
		if data[fixedSize] != 0 {
			return Body{}, 0, malformed(fieldTail, fixedSize, "not zero on a static ticket")
		}
	case ProofChain:
		copy(b.Anchor[:], data[fixedSize:])
	case ProofHolder:
		copy(b.Holder[:], data[fixedSize:])
	}
	return b, n, nil
}
