package appliance

import (
	"errors"
	"fmt"
	"time"

	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/lane"
	"github.com/venuegate/venuegate/gate/store"
	"github.com/venuegate/venuegate/gate/web"
	"github.com/venuegate/venuegate/sync/pack"
)

// roster is what one set of packs says, made ready for lanes and page: read
// once when the set is put in use, not once a scan.
type roster struct {
	packs  []lane.Pack
	lanes  map[gate.LaneID]gate.Lane
	names  map[gate.LaneID]string
	zones  map[gate.ZoneID]string
	events []gate.EventID
	venue  string
	event  string
	zone   *time.Location
	infos  []store.Info
	loose  []string // secrets' files that others may read

	// Of the venue, by the newest pack.
	latest  uint64 // its version
	venueID uint32
	gates   []pack.Gate
	keepers []uint32
	staff   []pack.Staff
}

// packUse is one event's pack with what its documents say.
type packUse struct {
	*store.Pack
	keys    ticket.KeyFinder
	secrets lane.Secrets
}

func (p *packUse) Event() gate.EventID { return p.Info().Event }

func (p *packUse) Version() uint64 { return p.Info().Version }

func (p *packUse) Keys() ticket.KeyFinder { return p.keys }

func (p *packUse) Secrets() lane.Secrets { return p.secrets }

func (p *packUse) ByForeign(tag gate.Tag) (gate.TicketID, bool, error) {
	id, _, ok, err := p.Pack.ByForeign(tag)
	return id, ok, err
}

// newRoster reads the documents of a set of packs. A pack whose documents or
// keys cannot be read is left out, and the error says so.
func newRoster(packs []*store.Pack, secrets secretsOf) (*roster, error) {
	r := &roster{lanes: map[gate.LaneID]gate.Lane{}, names: map[gate.LaneID]string{}, zones: map[gate.ZoneID]string{}}
	var errs []error
	for _, p := range packs {
		if err := r.add(p, secrets); err != nil {
			errs = append(errs, fmt.Errorf("pack of event %d: %w", p.Info().Event, err))
		}
	}
	return r, errors.Join(errs...)
}

func (r *roster) add(p *store.Pack, secretsOf secretsOf) error {
	venue, err := pack.DecodeVenue(p.Venue())
	if err != nil {
		return err
	}
	event, err := pack.DecodeEvent(p.Document())
	if err != nil {
		return err
	}
	info := p.Info()
	secrets, loose, err := secretsOf(info.Event)
	if loose != "" {
		r.loose = append(r.loose, loose)
	}
	if err != nil {
		return err
	}
	r.packs = append(r.packs, &packUse{Pack: p, keys: event.Issuers, secrets: secrets})
	r.events = append(r.events, info.Event)
	r.describe(venue, event, info.Version)
	r.infos = append(r.infos, info)
	return nil
}

func (r *roster) describe(v *pack.Venue, e *pack.Event, version uint64) {
	languages := append([]string{}, e.Languages...)
	languages = append(languages, string(gate.Chinese), string(gate.English))
	r.venue = v.Name.In(languages...)
	if r.event != "" {
		r.event += " · "
	}
	r.event += e.Name.In(languages...)
	if zone, err := time.LoadLocation(e.TimeZone); err == nil {
		r.zone = zone
	}
	for _, z := range v.Zones {
		r.zones[gate.ZoneID(z.ID)] = z.Name.In(languages...)
	}
	if r.gates == nil || version > r.latest {
		r.latest, r.venueID, r.gates, r.keepers, r.staff = version, v.ID, v.Gates, v.Keepers, v.Staff
	}
	for _, g := range v.Gates {
		for _, l := range g.Lanes {
			id := gate.LaneID(l.ID)
			r.lanes[id], r.names[id] = l.Rules(), l.Name.In(languages...)
		}
	}
}

// summary is what the page says of all packs: the oldest signing and the first
// expiry count. A pack whose signatures were renewed since it was installed is
// as fresh as they are. It is nil without any pack.
func (r *roster) summary(renewed renewals) *web.PackView {
	var sum *web.PackView
	for _, info := range r.infos {
		made, expires := info.Built, info.Expires
		if made.IsZero() {
			made = info.Installed
		}
		if with, ok := renewed[info.Event]; ok && with.digest == info.Digest {
			made, expires = later(made, with.issued), later(expires, with.expires)
		}
		if sum == nil {
			sum = &web.PackView{Made: made, Expires: expires}
		}
		if made.Before(sum.Made) {
			sum.Made = made
		}
		if !expires.IsZero() && (sum.Expires.IsZero() || expires.Before(sum.Expires)) {
			sum.Expires = expires
		}
		sum.Version = max(sum.Version, uint32(info.Version))
		sum.Tickets += info.Tickets
	}
	return sum
}

// laneName returns what people call a lane, or its number.
func (r *roster) laneName(id gate.LaneID) string {
	if name := r.names[id]; name != "" {
		return name
	}
	return fmt.Sprintf("%d", id)
}
