// Package server is central's HTTP side: what gates fetch and hand in, what
// channels sell, what the organiser reads, and the office's own pages.
// docs/protocol/central.yaml describes the API; the running server serves it
// under /v1/openapi.yaml.
//
// It decides nothing of tickets or records: sync/central, intake, attend and
// sales do. It writes no personal data to logs, and no scanned text. The
// command "venuegate central" runs it.
package server
