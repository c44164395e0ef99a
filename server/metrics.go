package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// metrics count what the server does. Sign-ins begun and tokens issued are the
// requests of their routes with status 200.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(to prometheus.Registerer, hub *push.Hub) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "qrauthd_requests_total",
			Help: "Requests by route and status. A WebSocket is one request, with status 101.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "qrauthd_request_duration_seconds",
			Help: "Time to answer, by route. A phone's status request waits for news, up to 20 seconds.",
		}, []string{"route"}),
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "qrauthd_waiting",
		Help: "Desktops and phones that wait for news of a sign-in at this moment.",
	}, func() float64 { return float64(hub.Waiting()) })
	err := errors.Join(to.Register(m.requests), to.Register(m.seconds), to.Register(waiting))
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) count(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// newRegistry is for who brings none of their own.
func newRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func metricsHandler(from prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+wire.PathMetrics, promhttp.HandlerFor(from, promhttp.HandlerOpts{}))
	return mux
}
