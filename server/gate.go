package server

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/qrauthd/qrauthd/internal/gate"
)

// buildGates makes the gates that requests come in by, and has them counted.
func (s *Server) buildGates() error {
	s.gates = gate.NewGates(s.connections.noSockets)
	var list []prometheus.Collector
	gates := s.gates.ByName()
	for _, name := range slices.Sorted(maps.Keys(gates)) {
		list = append(list, gateMetrics(name, gates[name])...)
	}
	list = append(list, s.connections.metrics()...)
	var faults []error
	for _, c := range list {
		faults = append(faults, s.options.Registerer.Register(c))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

func gateMetrics(name string, g *gate.Gate) []prometheus.Collector {
	labels := prometheus.Labels{"gate": name}
	return []prometheus.Collector{
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "qrauthd_shed_total", ConstLabels: labels,
			Help: "Requests that were turned away with 503, because more came than can be answered.",
		}, func() float64 { return float64(g.Census().Shed) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "qrauthd_in_flight", ConstLabels: labels,
			Help: "Requests that are being answered at this moment. Who waits for news is not counted.",
		}, func() float64 { return float64(g.Census().In) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "qrauthd_in_line", ConstLabels: labels,
			Help: "Requests that wait for others to be answered first.",
		}, func() float64 { return float64(g.Census().Waiting) }),
	}
}

func (c *connections) metrics() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "qrauthd_connections",
			Help: "Connections that are open, sockets of the push channel included.",
		}, func() float64 { open, _ := c.count(); return float64(open) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "qrauthd_connections_shed_total",
			Help: "Connections that were closed because there is room for no more.",
		}, func() float64 { _, shed := c.count(); return float64(shed) }),
	}
}
