package gate

// documentFits plays the event's real-name mode.
func (d *decision) documentFits() bool {
	shown, required := len(d.shown.Documents) > 0, d.documentRequired()
	if required && len(d.ticket.Documents) == 0 {
		return d.refer(ReasonNoDocumentOnFile)
	}
	if shown && !d.documentMatches() {
		return d.refuse(ReasonDocumentMismatch)
	}
	if required && !shown {
		d.verdict.Wants = WantDocument
		return d.refuse(ReasonDocumentNeeded)
	}
	if d.shown.ClockUntrusted && d.policy.UntrustedDocument && d.shown.HasStep && !shown {
		d.verdict.Wants = WantDocument
		return d.refuse(ReasonClockUntrusted)
	}
	if d.shown.Kind == CredentialDocument && d.codeRequired() {
		d.verdict.Wants = WantCode
		return d.refuse(ReasonCodeNeeded)
	}
	return false
}

// documentMatches reports whether any shown document is the ticket's. A ticket
// without documents takes any.
func (d *decision) documentMatches() bool {
	if len(d.ticket.Documents) == 0 {
		return true // documentFits has made sure that none is required
	}
	for _, tag := range d.shown.Documents {
		if d.ticket.HasDocument(tag) {
			return true
		}
	}
	return false
}

func (d *decision) documentRequired() bool {
	if d.shown.Kind.foreign() && !d.policy.ForeignUnproved {
		return true
	}
	switch d.policy.RealName {
	case RealNameDocument, RealNameCodeAndDocument:
		return true
	case RealNameDocumentAtFirst:
		return !d.comingBack()
	default:
		return false
	}
}

func (d *decision) codeRequired() bool {
	if d.policy.NoDocumentAlone {
		return true
	}
	switch d.policy.RealName {
	case RealNameCodeAndDocument:
		return true
	case RealNameDocumentAtFirst:
		return !d.comingBack()
	default:
		return false
	}
}
