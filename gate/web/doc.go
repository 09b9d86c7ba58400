// Package web shows a gate to its staff: a page with live verdicts, the state
// of every lane, counts, the pack and what is wrong; and, for machines,
// /healthz, /readyz, /metrics and /api/state.
//
// It reads and never decides: it knows no tickets, opens no barrier and writes
// nothing. A lane never waits for it: a Hub takes verdicts without blocking
// and drops what a slow page does not fetch. Of a visitor it shows to staff
// what the pack holds for that (a masked name, a seat, the last digits of the
// ticket), keeps it for as long as the last verdicts are kept, and gives none
// of it to machines.
//
// gate/appliance calls it: it implements Source, feeds the Hub and runs Serve.
package web
