package ledger

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/venuegate/venuegate/gate"
)

// HeadSize is the length of an encoded head in bytes.
const HeadSize = 4 + 4 + 8 + 32 + ed25519.SignatureSize

// headDomain keeps a signed head from being taken for anything else signed
// with a gate's key.
const headDomain = "VG1 head\x00"

// ErrHeadSignature is returned for a head that its gate did not sign.
var ErrHeadSignature = errors.New("head: signature does not verify")

// Head is a gate's signed word on its journal: the record at Position has this
// Hash. Since every record holds the hash of the one before, one signature
// covers the epoch up to there.
type Head struct {
	Position  Position
	Hash      Hash
	Signature [ed25519.SignatureSize]byte
}

// SigningBytes returns what the gate signs: domain, gate, epoch, sequence and
// hash.
func (h *Head) SigningBytes() []byte {
	return h.appendPlace(append(make([]byte, 0, len(headDomain)+48), headDomain...))
}

func (h *Head) appendPlace(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(h.Position.Gate))
	b = binary.BigEndian.AppendUint32(b, h.Position.Epoch)
	b = binary.BigEndian.AppendUint64(b, h.Position.Sequence)
	return append(b, h.Hash[:]...)
}

// Verify returns ErrHeadSignature, with the position, unless key signed the
// head.
func (h *Head) Verify(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("head: key is %d bytes long, want %d", len(key), ed25519.PublicKeySize)
	}
	if !ed25519.Verify(key, h.SigningBytes(), h.Signature[:]) {
		return fmt.Errorf("%w: gate %d, epoch %d, sequence %d", ErrHeadSignature,
			h.Position.Gate, h.Position.Epoch, h.Position.Sequence)
	}
	return nil
}

// AppendBinary appends the encoded head, HeadSize bytes, to b. It never fails.
func (h *Head) AppendBinary(b []byte) ([]byte, error) {
	return append(h.appendPlace(b), h.Signature[:]...), nil
}

// Decode reads an encoded head. It does not verify it.
func (h *Head) Decode(b []byte) error {
	if len(b) != HeadSize {
		return fmt.Errorf("head: %d bytes long, want %d", len(b), HeadSize)
	}
	h.Position.Gate = gate.GateID(binary.BigEndian.Uint32(b))
	h.Position.Epoch = binary.BigEndian.Uint32(b[4:])
	h.Position.Sequence = binary.BigEndian.Uint64(b[8:])
	copy(h.Hash[:], b[16:])
	copy(h.Signature[:], b[48:])
	if h.Position.Epoch == 0 || h.Position.Sequence == 0 || h.Position.Sequence > MaxSequence {
		return fmt.Errorf("head: epoch %d, sequence %d name no record", h.Position.Epoch, h.Position.Sequence)
	}
	return nil
}
