package lane

import "github.com/venuegate/venuegate/gate"

// readFace makes of a face terminal's match the document of whoever was matched,
// so that everything that holds for a document holds for a face: it completes a
// code, finds tickets, and counts for one person.
func (d *Desk) readFace(f *gate.Face, packs []Pack) (shownDocument, gate.Reason, error) {
	switch {
	case !f.Matched:
		return nil, gate.ReasonFaceNotMatched, nil
	case f.Ticket == 0 && f.Document.IsZero():
		return nil, gate.ReasonDocumentUnknown, nil
	case f.Ticket == 0:
		var out shownDocument
		for _, p := range packs {
			out = append(out, eventTag{p.Event(), f.Document}) // of one event; to the others it means nothing
		}
		return out, gate.ReasonNone, nil
	}
	var out shownDocument
	for _, p := range packs {
		ok, err := p.Ticket(f.Ticket, &d.ticket)
		if err != nil {
			return nil, gate.ReasonNone, err
		}
		if ok && len(d.ticket.Documents) > 0 {
			out = append(out, eventTag{p.Event(), d.ticket.Documents[0].Tag})
		}
	}
	if out == nil {
		return nil, gate.ReasonDocumentUnknown, nil
	}
	return out, gate.ReasonNone, nil
}
