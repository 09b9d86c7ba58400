package appliance

import (
	"crypto/ed25519"
	"errors"
)

// ErrNewIncarnation is returned by Run when the roster that has come says that
// this box is another incarnation of its gate than the one it was opened as: a
// box that was set up anew by hand learns that from its first pack. What it is to
// the keepers is fixed when it is opened: close it, and open it again.
var ErrNewIncarnation = errors.New("the roster has this gate as another incarnation: it begins anew")

// checkIncarnation ends Run when the roster has this box, by its key, as another
// incarnation. Where the roster has another box in its place, it stays what it
// was.
func (a *Appliance) checkIncarnation() {
	g := a.neighbours.now().gates[a.config().Gate.ID]
	if g == nil || !a.key.Public().Equal(ed25519.PublicKey(g.Key)) || g.Incarnation == a.claims.State().Self.Incarnation {
		return
	}
	a.log.Warn().Uint32("incarnation", g.Incarnation).Msg("the roster has this gate as another incarnation: it begins anew")
	a.end(ErrNewIncarnation)
}
