package webhook_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	twoclocks "github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpointURL has all that must not be in a log.
const endpointURL = "https://hook:pass-word@hooks.example:8443/path-token?query-token=1"

// anotherSecret is one of the right form.
const anotherSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// clock is the present, which can be moved.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration // guarded by mu
	set   time.Duration // guarded by mu; the wall clock alone
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead + c.set)
}

// read reads both clocks.
func (c *clock) read() twoclocks.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now().Add(c.ahead)
	return twoclocks.Reading{Wall: now.Add(c.set), Elapsed: now.Sub(time.Unix(0, 0))}
}

// Set sets the wall clock by so much.
func (c *clock) Set(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set += d
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// request is what the receiver got.
type request struct {
	id, signature string
	header        http.Header
	body          string
	at            time.Time
}

// receiver is the operator's side, without a network between.
type receiver struct {
	clock *clock
	// answer is asked for each request; nil: 204.
	answer func(*http.Request) (*http.Response, error)

	mu  sync.Mutex
	got []request // guarded by mu
}

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.got = append(r.got, request{
		id: req.Header.Get("webhook-id"), signature: req.Header.Get("webhook-signature"),
		header: req.Header.Clone(), body: string(body), at: r.clock.Now(),
	})
	r.mu.Unlock()
	if r.answer == nil {
		return status(http.StatusNoContent), nil
	}
	return r.answer(req)
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.got...)
}

// ids counts the requests by their webhook-id.
func (r *receiver) ids() map[string]int {
	counts := make(map[string]int)
	for _, got := range r.requests() {
		counts[got.id]++
	}
	return counts
}

// status is a response with an empty body.
func status(code int, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: code, Header: h, Body: http.NoBody}
}

// always is an answer.
func always(code int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return status(code, header...), nil }
}

// world is a store, a clock, a receiver, and senders between them.
type world struct {
	t     *testing.T
	path  string
	store *sqlite.DB
	clock *clock
	*receiver
	log *syncBuilder
}

// syncBuilder collects a log.
type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder // guarded by mu
}

func (s *syncBuilder) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuilder) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// inBubble runs the test with a world of its own, in which time passes by itself.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "qrauthd.db")
	synctest.Test(t, func(t *testing.T) {
		c := new(clock)
		w := &world{t: t, path: path, clock: c, receiver: &receiver{clock: c}, log: new(syncBuilder)}
		w.store = w.open()
		test(t, w)
	})
}

// open opens the database once more, as another process would.
func (w *world) open() *sqlite.DB {
	w.t.Helper()
	db, err := sqlite.Open(context.Background(), w.path, sqlite.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return db
}

// config is that of a sender on the store.
func (w *world) config(st store.Store) webhook.Config {
	u, err := url.Parse(endpointURL)
	if err != nil {
		w.t.Fatal(err)
	}
	return webhook.Config{
		URL: u, Secret: anotherSecret, Client: &http.Client{Transport: w.receiver}, Store: st, Clock: twoclocks.New(w.clock.read),
		Log:    slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Record: audit.Recorder{Notify: func(auth.EventType) bool { return true }},
	}
}

// run runs a sender until stop is called, which waits for its end.
func (w *world) run(cfg webhook.Config) (stop func()) {
	w.t.Helper()
	s, err := webhook.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		s.Run(ctx)
		close(ended)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// signedIn puts notices into the outbox, as the server does.
func (w *world) signedIn(n int) {
	w.t.Helper()
	recorder := audit.Recorder{Notify: func(auth.EventType) bool { return true }}
	err := w.store.Update(context.Background(), func(tx store.Tx) error {
		for range n {
			err := recorder.Record(tx, w.clock.Now(), auth.Event{
				Type: auth.EventSignedIn, Actor: auth.ActorDesktop, ClientID: "app",
				Personal: auth.Personal{UserName: "Ada-the-person", Address: netip.MustParseAddr("192.0.2.7")},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// wait lets time pass.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// outbox is what is in it, whenever it is due.
func (w *world) outbox() (list []auth.Message) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx store.Tx) (err error) {
		list, err = tx.DueMessages(w.clock.Now().Add(1000*time.Hour), 1000)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// undelivered are the notes of the notices that the audit log says were given up.
func (w *world) undelivered() (notes []string) {
	w.t.Helper()
	err := audit.Each(context.Background(), w.store, 0, func(r auth.AuditRecord) error {
		if r.Type == auth.EventUndelivered {
			notes = append(notes, r.Note)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return notes
}
