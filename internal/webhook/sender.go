package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/store"
)

const (
	// lookEvery is how often a Sender looks for notices that are due.
	lookEvery = time.Second
	// parallel is how many deliveries are under way at once.
	parallel = 4
	// grace is how long deliveries that are under way may go on when the Sender is to end.
	grace = 5 * time.Second
	// noteTimeout bounds the noting of what became of a delivery.
	noteTimeout = 5 * time.Second
)

// Config is what a Sender needs. URL, Secret and Store must be there.
type Config struct {
	// URL is where to deliver: https, or http to this very computer. It may hold a token:
	// logs have its scheme and host only.
	URL *url.URL
	// Secret signs: "whsec_…", or two of them with a space between, while one takes over
	// from the other.
	Secret string
	// Client sends; default: one with a time limit of 20 s and few connections. It never
	// follows redirects.
	Client *http.Client
	Store  store.Store
	Log    *slog.Logger // default: none
	Clock  *clock.Clock // default: the system's
	// Record tells the audit log of notices that were given up. They are not notified of.
	Record audit.Recorder
}

// Sender delivers notices. New makes one, Run runs it, once.
type Sender struct {
	endpoint *endpoint
	store    store.Store
	log      *slog.Logger
	clock    *clock.Clock
	record   audit.Recorder

	lanes chan struct{} // one in it for each delivery that is under way
	freed chan struct{} // told when a lane has become free

	mu    sync.Mutex
	quiet time.Time // until when the receiver wants to be left alone; guarded by mu
}

// New checks the configuration. Its errors quote nothing of the URL and the secret.
func New(cfg Config) (*Sender, error) {
	if cfg.Store == nil {
		return nil, errors.New("a webhook needs the store with its outbox")
	}
	e, err := newEndpoint(cfg.URL, cfg.Secret, cfg.Client)
	if err != nil {
		return nil, err
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	// A notice that a notice could not be delivered would not be either, and so on.
	cfg.Record.Notify = nil
	return &Sender{
		endpoint: e,
		store:    cfg.Store,
		log:      cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)).With("webhook", e.name),
		clock:    cfg.Clock,
		record:   cfg.Record,
		lanes:    make(chan struct{}, parallel),
		freed:    make(chan struct{}, 1),
	}, nil
}

// Run delivers until ctx ends, and returns when what was under way has come to an end
// as well, after 10 s at most. The store must be open for as long.
func (s *Sender) Run(ctx context.Context) {
	work, stop := outlive(ctx, grace)
	defer stop()
	defer s.endpoint.client.CloseIdleConnections()
	var sending sync.WaitGroup
	defer sending.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for failing := false; ; {
		err := s.look(ctx, work, &sending)
		if err != nil && ctx.Err() == nil && !failing {
			s.log.Error("notices cannot be read from the outbox; tried again each second", "err", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.freed:
		}
	}
}

// outlive is a context that ends a while after ctx.
func outlive(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unlink := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(after, cancel)
		context.AfterFunc(work, func() { late.Stop() })
	})
	return work, func() {
		unlink()
		cancel()
	}
}

// look takes what is due, as far as there are free lanes for it, and sends it off.
func (s *Sender) look(ctx, work context.Context, sending *sync.WaitGroup) error {
	free := cap(s.lanes) - len(s.lanes) // others only make it more
	if free == 0 || s.isQuiet() {
		return nil
	}
	taken, err := s.take(ctx, free)
	for _, m := range taken {
		s.lanes <- struct{}{}
		sending.Go(func() {
			defer s.leave()
			s.deliver(work, m)
		})
	}
	return err
}

// leave gives the lane back.
func (s *Sender) leave() {
	<-s.lanes
	select {
	case s.freed <- struct{}{}:
	default: // it will look anyway
	}
}

func (s *Sender) isQuiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock.Now().Before(s.quiet)
}

func (s *Sender) keepQuiet(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.quiet) {
		s.quiet = until
	}
}

// deliver tries once, and notes what became of it.
func (s *Sender) deliver(ctx context.Context, m auth.Message) {
	got, err := s.endpoint.post(ctx, s.clock.Wall(), m)
	if err != nil && ctx.Err() != nil {
		s.log.Info("a notice was interrupted; it is sent when the server runs again", "id", m.ID)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if err := s.note(ctx, m, got, err); err != nil {
		s.log.Error("what became of a notice cannot be noted; it is sent again", "id", m.ID, "err", err)
	}
}

// note writes down what became of a try.
func (s *Sender) note(ctx context.Context, m auth.Message, got answer, cause error) error {
	switch {
	case cause == nil && got.status/100 == 2:
		s.log.Debug("a notice was delivered", "id", m.ID, "tries", m.Tries+1)
		return s.remove(ctx, m)
	case got.status == http.StatusGone: // Standard Webhooks: no longer interested
		m.Tries++
		return s.giveUp(ctx, m, "the receiver wants none any more (410)")
	}
	if got.wait > 0 {
		s.keepQuiet(s.clock.Now().Add(got.wait))
	}
	next, ok := after(m, s.clock.Now(), got.wait, rand.Float64())
	if !ok {
		return s.giveUp(ctx, next, "it was tried for long enough")
	}
	if cause == nil {
		cause = fmt.Errorf("it answered %d", got.status)
	}
	if err := s.put(ctx, next); err != nil {
		return err
	}
	s.log.Warn("a notice was not taken; it is tried again", "id", m.ID, "tries", next.Tries, "due", next.DueAt, "err", cause)
	return nil
}

func (s *Sender) giveUp(ctx context.Context, m auth.Message, why string) error {
	if err := s.drop(ctx, m, why); err != nil {
		return err
	}
	s.log.Error("a notice was given up: "+why, "id", m.ID, "type", typeOf(m), "tries", m.Tries)
	return nil
}
