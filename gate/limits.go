package gate

// Limits returns how many people may be inside at a time on a ticket, and how
// many may be admitted in one session in all; zero: no limit. They are what
// Decide holds entries to, without what depends on the moment: that is how
// conflicts are found later.
func (p *Policy) Limits(t *Ticket) (open, entries int) {
	party := t.PartySize()
	entries = p.EntriesPerSession
	switch {
	case p.ReEntry == ReEntryNone || !t.ReEntry:
		if entries <= 0 || party < entries {
			entries = party
		}
		return party, entries
	case p.ReEntry == ReEntryAfterPause:
		return 0, entries // nobody has to be on record as gone
	default:
		return party, entries
	}
}
