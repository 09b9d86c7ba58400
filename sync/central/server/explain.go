package server

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/venuegate/venuegate/crypto/identity"
	"github.com/venuegate/venuegate/crypto/seal"
	"github.com/venuegate/venuegate/crypto/ticket"
	"github.com/venuegate/venuegate/sync/central"
	"github.com/venuegate/venuegate/sync/central/intake"
	"github.com/venuegate/venuegate/sync/central/sales"
	"github.com/venuegate/venuegate/sync/pack"
)

// explain makes a problem document of an error that a caller can do something
// about; nil for all others.
func (s *Server) explain(err error) *problem {
	if p := explainGates(err); p != nil {
		return p
	}
	var status *central.StatusError
	var order *central.OrderError
	var window *central.WindowError
	var taken *central.ForeignTakenError
	var personal *identity.Error
	var list *sales.Error
	var document *pack.DocumentError
	switch {
	case errors.As(err, &status), errors.As(err, &taken), errors.Is(err, central.ErrLastGeneration):
		return newProblem(http.StatusConflict, "conflict", "%v", err)
	case errors.Is(err, central.ErrTransfer):
		return newProblem(http.StatusConflict, "conflict", "%v", err)
	case errors.As(err, &list):
		p := newProblem(http.StatusUnprocessableEntity, "invalid", "nothing was imported: the list has rows that are wrong")
		for _, one := range list.Flaws {
			p.Errors = append(p.Errors, flaw{Line: one.Line, Column: one.Column, Why: one.Why})
		}
		return p
	case errors.As(err, &order), errors.As(err, &personal), errors.Is(err, ticket.ErrWeakHolderKey), errors.Is(err, ticket.ErrNotChain):
		return newProblem(http.StatusUnprocessableEntity, "invalid", "%v", err)
	case errors.As(err, &window):
		p := newProblem(http.StatusConflict, "not-yet", "%v", err)
		p.Until = &window.From
		return p
	case errors.As(err, &document):
		p := newProblem(http.StatusUnprocessableEntity, "invalid", "%s is wrong", document.Document)
		for _, one := range document.Problems {
			p.Errors = append(p.Errors, flaw{Path: one.Path, Why: one.Why})
		}
		return p
	case errors.Is(err, central.ErrUnknownTicket), errors.Is(err, central.ErrNoEvent):
		return newProblem(http.StatusNotFound, "not-found", "%v", err)
	}
	return nil
}

func explainGates(err error) *problem {
	var gap *intake.GapError
	var fork *intake.ForkError
	var format *intake.FormatError
	switch {
	case errors.As(err, &gap):
		p := newProblem(http.StatusConflict, "gap", "%v", err)
		p.Next = strconv.FormatUint(gap.Next, 10)
		return p
	case errors.As(err, &fork):
		p := newProblem(http.StatusConflict, "fork", "%v", err)
		p.Next = strconv.FormatUint(fork.Next, 10)
		return p
	case errors.As(err, &format):
		p := newProblem(http.StatusUnprocessableEntity, "invalid", "%v", err)
		if format.Record >= 0 {
			p.Record = &format.Record
		}
		return p
	case errors.Is(err, intake.ErrSignature):
		return newProblem(http.StatusUnprocessableEntity, "signature", "%v", err)
	case errors.Is(err, intake.ErrNoGate):
		return newProblem(http.StatusUnprocessableEntity, "invalid", "%v", err)
	case errors.Is(err, central.ErrNoGate):
		return newProblem(http.StatusNotFound, "not-found", "%v", err)
	case errors.Is(err, central.ErrNoCode):
		return newProblem(http.StatusNotFound, "not-found", "%v", err)
	case errors.Is(err, central.ErrCodeUsed), errors.Is(err, central.ErrCodeExpired):
		return newProblem(http.StatusGone, "gone", "%v", err)
	case errors.Is(err, seal.ErrPublicKey):
		return newProblem(http.StatusUnprocessableEntity, "invalid", "seal: %v", err)
	case errors.Is(err, central.ErrNotPublished):
		p := newProblem(http.StatusServiceUnavailable, "not-published", "%v; try again in a moment", err)
		p.retryAfter = retryAfter
		return p
	}
	return nil
}
