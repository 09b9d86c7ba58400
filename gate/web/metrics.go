package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/venuegate/venuegate/gate/health"
)

// metrics counts what passes through the hub. No label holds anything of a
// visitor; their number is bounded by lanes, outcomes and reasons.
type metrics struct {
	verdicts *prometheus.CounterVec
	took     *prometheus.HistogramVec
	slow     prometheus.Counter
	commands *prometheus.CounterVec
	signIns  *prometheus.CounterVec
	people   func() int // how many are signed in
}

func newMetrics() *metrics {
	return &metrics{
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "venuegate_verdicts_total",
			Help: "Verdicts since the start.",
		}, []string{"lane", "outcome", "reason"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "venuegate_decision_seconds",
			Help:    "From the last byte read to the durable decision.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"lane"}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "venuegate_page_slow_total",
			Help: "Live pages that were cut off because they did not keep up.",
		}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "venuegate_staff_commands_total",
			Help: "What staff asked for on the page, and what came of it.",
		}, []string{"command", "result"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "venuegate_sign_ins_total",
			Help: "Tries to sign in on the page: done, wrong_pin, often (turned away unchecked), failed.",
		}, []string{"result"}),
		people: func() int { return 0 },
	}
}

func (m *metrics) observe(v VerdictView) {
	lane := strings.ToValidUTF8(v.LaneName, "\uFFFD") // a label that is not UTF-8 would panic
	m.verdicts.WithLabelValues(lane, v.Outcome.String(), v.Reason.String()).Inc()
	m.took.WithLabelValues(lane).Observe(v.Took.Seconds())
}

// command and signIn count with words of the page's own only.
func (m *metrics) command(name, result string) { m.commands.WithLabelValues(name, result).Inc() }

func (m *metrics) signIn(result string) { m.signIns.WithLabelValues(result).Inc() }

func (m *metrics) signedIn(count func() int) { m.people = count }

// handler returns /metrics: the hub's counts, the state at the moment of
// asking, and the process.
func (m *metrics) handler(source Source, hub *Hub, version string) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		m.verdicts, m.took, m.slow, m.commands, m.signIns,
		newStateCollector(source, hub, version),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError, // one bad name must not hide the rest
		MaxRequestsInFlight: 4,
		Timeout:             5 * time.Second,
	}), nil
}

// stateCollector turns a State into gauges when it is asked.
type stateCollector struct {
	source  Source
	hub     *Hub
	version string

	build, pages, warnings                       *prometheus.Desc
	laneReady, deviceUp                          *prometheus.Desc
	waiting, referred, fire, mishaps, signedIn   *prometheus.Desc
	inside                                       *prometheus.Desc
	packLoaded, packAge, packTickets, packExpiry *prometheus.Desc
	packVersion                                  *prometheus.Desc
	journalOK, journalEpoch, journalSequence     *prometheus.Desc
	venue                                        venueDescs
}

func newStateCollector(source Source, hub *Hub, version string) *stateCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("venuegate_"+name, help, labels, nil)
	}
	return &stateCollector{
		source: source, hub: hub, version: version, venue: newVenueDescs(desc),
		build:           desc("build_info", "1, for the build that runs.", "version"),
		pages:           desc("page_streams", "Live pages that are open."),
		warnings:        desc("warnings", "Health warnings that are on.", "code", "severity"),
		laneReady:       desc("lane_ready", "1 when a visitor can be served in the lane.", "lane"),
		deviceUp:        desc("device_up", "1 when the device answers.", "lane", "device", "role"),
		waiting:         desc("lane_waiting", "1 while a lane waits for the rest of what a visitor has to show.", "lane"),
		referred:        desc("lane_case_open", "1 while a visitor waits for staff to decide.", "lane"),
		fire:            desc("lane_fire_released", "1 while a fire signal has released the barrier.", "lane"),
		mishaps:         desc("barrier_events_total", "What happened at a barrier without a grant, in people or signals.", "lane", "kind"),
		signedIn:        desc("staff_signed_in", "Sessions of staff who are signed in."),
		inside:          desc("inside", "People inside."),
		packLoaded:      desc("pack_loaded", "1 when a pack is in use."),
		packAge:         desc("pack_age_seconds", "Time since the pack in use was signed."),
		packTickets:     desc("pack_tickets", "Tickets in the pack in use."),
		packExpiry:      desc("pack_expiry_timestamp_seconds", "When the pack's signature runs out, Unix time."),
		packVersion:     desc("pack_version", "Version of the pack in use."),
		journalOK:       desc("journal_ok", "1 when records can be appended."),
		journalEpoch:    desc("journal_epoch", "The journal's present epoch."),
		journalSequence: desc("journal_sequence", "The last record's sequence number in its epoch."),
	}
}

// Describe sends nothing: what is collected depends on the configuration.
func (*stateCollector) Describe(chan<- *prometheus.Desc) {}

// Collect sends the gauges of the present state.
func (c *stateCollector) Collect(out chan<- prometheus.Metric) {
	send := func(kind prometheus.ValueType, d *prometheus.Desc, value float64, labels ...string) {
		m, err := prometheus.NewConstMetric(d, kind, value, labels...)
		if err != nil {
			m = prometheus.NewInvalidMetric(d, err)
		}
		out <- m
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		send(prometheus.GaugeValue, d, value, labels...)
	}
	count := func(d *prometheus.Desc, value float64, labels ...string) {
		send(prometheus.CounterValue, d, value, labels...)
	}
	s := c.source.State()
	gauge(c.build, 1, c.version)
	gauge(c.pages, float64(c.hub.watching()))
	gauge(c.signedIn, float64(c.hub.metrics.people()))
	gauge(c.inside, float64(s.Counts.Inside))
	gauge(c.journalOK, truth(s.Journal.OK))
	gauge(c.journalEpoch, float64(s.Journal.Epoch))
	gauge(c.journalSequence, float64(s.Journal.Sequence))
	gauge(c.packLoaded, truth(s.Pack != nil))
	if p := s.Pack; p != nil {
		gauge(c.packAge, s.Now.Sub(p.Made).Seconds())
		gauge(c.packTickets, float64(p.Tickets))
		gauge(c.packVersion, float64(p.Version))
		if !p.Expires.IsZero() {
			gauge(c.packExpiry, float64(p.Expires.Unix()))
		}
	}
	for _, lane := range s.Lanes {
		gauge(c.laneReady, truth(lane.Ready), lane.Name)
		gauge(c.waiting, truth(lane.Wants != 0 && s.Now.Before(lane.WantsUntil)), lane.Name)
		gauge(c.referred, truth(lane.Case != nil && s.Now.Before(lane.Case.Until)), lane.Name)
		gauge(c.fire, truth(lane.Fire), lane.Name)
		for _, m := range lane.Mishaps {
			count(c.mishaps, float64(m.Count), lane.Name, m.Kind.String())
		}
		for _, d := range lane.Devices {
			gauge(c.deviceUp, truth(d.Up), lane.Name, d.Name, d.Role.String())
		}
	}
	c.venue.collect(&s, gauge)
	on := map[health.Code]int{}
	for _, w := range s.Warnings {
		on[w.Code]++
	}
	for _, code := range health.Codes() { // all of them, so that an alert sees 0 and not absence
		gauge(c.warnings, float64(on[code]), string(code), code.Severity().String())
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
