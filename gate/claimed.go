package gate

// Claimed returns the verdict once the claim was refused because the ticket is
// used elsewhere.
func (v Verdict) Claimed(by *Admission) Verdict {
	v.Outcome, v.Reason, v.Count = Refuse, ReasonClaimedElsewhere, 0
	v.Previous = by
	return v
}

// Alone returns the verdict once nobody could be asked in time. The lane's
// policy counts before the event's; with neither, staff decide.
func (v Verdict) Alone(lane *Lane, policy *Policy) Verdict {
	rule := lane.Isolation
	if rule == IsolationUnset {
		rule = policy.Isolation
	}
	v.Marks |= MarkIsolated
	switch rule {
	case IsolationAdmit:
		return v
	case IsolationRefuse:
		v.Outcome = Refuse
	default:
		v.Outcome = Refer
	}
	v.Reason, v.Count = ReasonIsolated, 0
	return v
}

// BarrierFailed returns the verdict once the barrier did not open for it.
func (v Verdict) BarrierFailed() Verdict {
	v.Outcome, v.Reason, v.Count = Refer, ReasonBarrierFailed, 0
	return v
}

// NotRecorded returns the verdict once the grant could not be made durable.
func (v Verdict) NotRecorded() Verdict {
	v.Outcome, v.Reason, v.Count = Refer, ReasonNotRecorded, 0
	return v
}
