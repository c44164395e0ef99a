package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/qrauthd/qrauthd/internal/store"
)

const (
	// healthTimeout bounds a look, and healthSlack is how much later it is given up
	// that heeds no bound, as on a disk that hangs.
	healthTimeout = 2 * time.Second
	healthSlack   = 100 * time.Millisecond
	// healthFresh is how long a look is good for all who ask.
	healthFresh = time.Second
	// healthEvery lies between two looks that nobody asks for.
	healthEvery = 10 * time.Second
	// healthBusy is how long a store may have too much to do: a server that sheds load
	// does its work, and who takes it out of service for that leaves it to nobody.
	healthBusy = 10 * time.Second
)

// health knows whether the server can do its work, which without writing it cannot:
// nobody could start, approve or redeem. It looks at most once a second, however
// many ask.
type health struct {
	store interface{ Check(context.Context) error }
	log   *slog.Logger
	work  sync.WaitGroup // looks under way: one at most
	ctx   context.Context
	end   context.CancelFunc

	mu      sync.Mutex
	look    *look     // the newest; nil: none yet; guarded by mu
	verdict error     // what stands; nil: all is well; guarded by mu
	broke   time.Time // when all was well last; guarded by mu
	busy    time.Time // since when the store has had too much to do; guarded by mu
}

// look is one look at the store.
type look struct {
	told  chan struct{} // closed when the verdict stands
	tell  func()        // closes told, once
	ended time.Time     // zero: it is under way; guarded by health's mu
}

func newLook() *look {
	told := make(chan struct{})
	return &look{told: told, tell: sync.OnceFunc(func() { close(told) })}
}

// newHealth is for a store that was opened just now, and so is well.
func newHealth(st store.Store, log *slog.Logger) *health {
	h := &health{store: st, log: log}
	h.ctx, h.end = context.WithCancel(context.Background())
	return h
}

// close ends the look under way. From then on nobody looks.
func (h *health) close() {
	h.mu.Lock()
	h.end()
	h.verdict = fmt.Errorf("%w: %w", store.ErrUnavailable, store.CauseClosed)
	h.mu.Unlock()
	h.work.Wait()
}

// register adds the gauge, which tells what stands and looks at nothing.
func (h *health) register(to prometheus.Registerer) error {
	up := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "qrauthd_store_up",
		Help: "1 while the database can be written and read, 0 while it cannot.",
	}, func() float64 {
		if h.standing() != nil {
			return 0
		}
		return 1
	})
	if err := to.Register(up); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// watch looks at once, and again and again until ctx ends, so that the log and the
// metrics tell where nobody asks.
func (h *health) watch(ctx context.Context) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		_ = h.ask(ctx) // it is logged
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// answer is the handler of the health check, which anybody may ask: it tells no path
// and no statement.
func (h *health) answer(w http.ResponseWriter, r *http.Request) {
	err := h.ask(r.Context())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "unavailable\nstore: "+reason(err)+"\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// reason is why, in words for anybody; "" when all is well.
func reason(err error) string {
	var cause store.Cause
	switch {
	case err == nil:
		return ""
	case errors.As(err, &cause):
		return cause.Error()
	case errors.Is(err, store.ErrOverloaded):
		return store.ErrOverloaded.Error()
	}
	return "it fails"
}

// ask is why the server cannot do its work, nil if it can, as of a second ago at most
// or as of now.
func (h *health) ask(ctx context.Context) error {
	select {
	case <-h.newest().told:
	case <-ctx.Done():
	}
	return h.standing()
}

func (h *health) standing() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.verdict
}

// newest is the look under way, or the last one while it is fresh, or one that begins.
func (h *health) newest() *look {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.look; l != nil && (l.ended.IsZero() || time.Since(l.ended) < healthFresh) {
		return l
	}
	l := newLook()
	if h.ctx.Err() != nil {
		l.tell() // what stands is that the store is closed
		return l
	}
	h.look = l
	h.work.Go(func() { h.check(l) })
	return l
}

func (h *health) check(l *look) {
	ctx, cancel := context.WithTimeout(h.ctx, healthTimeout)
	defer cancel()
	late := time.AfterFunc(healthTimeout+healthSlack, func() { h.giveUp(l) })
	defer late.Stop()
	err := h.store.Check(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	l.ended = time.Now()
	h.settle(l, err)
}

// giveUp tells those who wait that the store hangs. The look goes on: until it ends
// there is no other, and the verdict stands.
func (h *health) giveUp(l *look) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.ended.IsZero() {
		h.settle(l, fmt.Errorf("%w: %w", store.ErrUnavailable, store.CauseSlow))
	}
}

// settle makes what a look has found the verdict, and logs it when it is news.
// Called with mu held.
func (h *health) settle(l *look, found error) {
	defer l.tell()
	if h.ctx.Err() != nil {
		return
	}
	before := h.verdict
	h.verdict = h.judge(found)
	if reason(before) == reason(h.verdict) {
		return
	}
	if h.verdict == nil {
		h.log.Info("the store is available again", "after", time.Since(h.broke).Round(time.Millisecond))
		return
	}
	if before == nil {
		h.broke = time.Now()
	}
	h.log.Error("the store is unavailable: nobody can sign in until the cause has gone", "err", h.verdict)
}

// judge is the verdict over what was found. To have too much to do for a while changes
// nothing. Called with mu held.
func (h *health) judge(found error) error {
	if !errors.Is(found, store.ErrOverloaded) {
		h.busy = time.Time{}
		return found
	}
	if h.busy.IsZero() {
		h.busy = time.Now()
	}
	if time.Since(h.busy) < healthBusy {
		return h.verdict
	}
	return found
}
