package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/qrauthd/qrauthd/internal/store"
)

const (
	// scrapeTimeout bounds how long a look at the metrics waits for the store.
	scrapeTimeout = 2 * time.Second
	// maxWaiting is how many waiting notices are counted.
	maxWaiting = 1000
	// farAhead is later than any notice is due.
	farAhead = 366 * 24 * time.Hour
)

// ledger tells what stands in the store, at each look at the metrics. While the store
// cannot be read it tells nothing.
type ledger struct {
	store   store.Store
	now     func() time.Time
	log     *slog.Logger
	records *prometheus.Desc
	waiting *prometheus.Desc
}

func newLedger(st store.Store, now func() time.Time, log *slog.Logger) *ledger {
	return &ledger{
		store: st, now: now, log: log,
		records: prometheus.NewDesc("qrauthd_audit_records_total", "Records in the audit log.", nil, nil),
		waiting: prometheus.NewDesc("qrauthd_webhook_waiting", "Notices that the webhook has not taken yet, 1000 at most.", nil, nil),
	}
}

func (l *ledger) register(to prometheus.Registerer) error {
	if err := to.Register(l); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// Describe is prometheus.Collector's.
func (l *ledger) Describe(to chan<- *prometheus.Desc) {
	to <- l.records
	to <- l.waiting
}

// Collect is prometheus.Collector's.
func (l *ledger) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	records, waiting, err := l.read(ctx)
	if err != nil {
		l.log.Error("metrics: cannot read the store", "err", err)
		return
	}
	to <- prometheus.MustNewConstMetric(l.records, prometheus.CounterValue, float64(records))
	to <- prometheus.MustNewConstMetric(l.waiting, prometheus.GaugeValue, float64(waiting))
}

func (l *ledger) read(ctx context.Context) (records int64, waiting int, err error) {
	err = l.store.View(ctx, func(tx store.Tx) error {
		head, err := tx.AuditHead()
		if err != nil {
			return err
		}
		list, err := tx.DueMessages(l.now().Add(farAhead), maxWaiting)
		records, waiting = head.Seq, len(list)
		return err
	})
	return records, waiting, err
}
