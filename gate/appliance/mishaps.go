package appliance

import (
	"slices"
	"sync"

	"github.com/venuegate/venuegate/gate"
	"github.com/venuegate/venuegate/gate/web"
)

// mishaps count, since the start, who went through a lane without a grant. Each
// is on record by itself; this is for the page.
type mishaps struct {
	mu    sync.Mutex
	lanes map[gate.LaneID][]web.MishapView
}

// see counts an event of one person.
func (m *mishaps) see(lane gate.LaneID, e gate.BarrierEvent) {
	switch e.Kind {
	case gate.BarrierForced, gate.BarrierWrongWay, gate.BarrierTailgate, gate.BarrierFirePassage:
	default:
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lanes == nil {
		m.lanes = map[gate.LaneID][]web.MishapView{}
	}
	rows := slices.Clone(m.lanes[lane]) // pages may be reading the others
	i := slices.IndexFunc(rows, func(r web.MishapView) bool { return r.Kind == e.Kind })
	if i < 0 {
		i = len(rows)
		rows = append(rows, web.MishapView{Kind: e.Kind})
	}
	rows[i].Count++
	rows[i].Last = e.At
	slices.SortFunc(rows, func(a, b web.MishapView) int { return int(a.Kind) - int(b.Kind) })
	m.lanes[lane] = rows
}

func (m *mishaps) of(lane gate.LaneID) []web.MishapView {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lanes[lane]
}
