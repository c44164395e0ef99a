package resource

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// maxAnswers bounds how many answers are remembered.
const maxAnswers = 10_000

// activity asks the server whether tokens are still active (RFC 7662), and
// remembers for a moment. Only tokens that were verified come here, so that nobody
// can have made-up ones asked about.
type activity struct {
	server   *server
	keys     *keyring // for the address
	id       string
	password secret.Text
	cacheFor time.Duration
	max      int // of answers

	mu      sync.Mutex
	answers map[secret.Hash]*answer // guarded by mu
}

// answer is one that is there or on its way.
type answer struct {
	done   chan struct{} // closed when active and err are there
	active bool
	err    error
	until  time.Time
}

func newActivity(s *server, keys *keyring, cfg Introspection) *activity {
	return &activity{
		server:   s,
		keys:     keys,
		id:       cfg.ClientID,
		password: secret.From(cfg.ClientSecret),
		cacheFor: cmp.Or(cfg.CacheFor, defaultCache),
		max:      maxAnswers,
		answers:  make(map[secret.Hash]*answer),
	}
}

// check returns nil for a token that is active. When that cannot be told the token
// is not taken.
func (a *activity) check(ctx context.Context, now time.Time, token string) error {
	active, err := a.remembered(ctx, now, secret.From(token))
	if err != nil {
		return fmt.Errorf("introspection: %w", err)
	}
	if !active {
		return invalidToken("the token is not active any more")
	}
	return nil
}

// remembered is ask, once for all who want to know the same within cacheFor.
func (a *activity) remembered(ctx context.Context, now time.Time, token secret.Text) (bool, error) {
	got := a.begin(now, token)
	if err := wait(ctx, got.done); err != nil {
		return false, err
	}
	return got.active, got.err
}

// begin returns the answer to wait for. It is good from the time of the asking on:
// what the server says may be old by the time it arrives. With cacheFor below zero
// it never is good for another.
func (a *activity) begin(now time.Time, token secret.Text) *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := token.Hash()
	if got := a.answers[key]; got != nil && now.Before(got.until) {
		return got
	}
	a.makeRoom(now)
	got := &answer{done: make(chan struct{}), until: now.Add(a.cacheFor)}
	a.answers[key] = got
	go a.fill(got, key, token)
	return got
}

// fill asks, for all who wait. No answer is not remembered.
func (a *activity) fill(got *answer, key secret.Hash, token secret.Text) {
	defer close(got.done)
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	got.active, got.err = a.ask(ctx, token)
	if got.err == nil {
		return
	}
	a.server.log.Warn("a token could not be introspected", "error", got.err)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answers[key] == got {
		delete(a.answers, key)
	}
}

// makeRoom forgets a few answers when there are too many, and of those that it
// comes upon each that is over. The caller holds mu.
func (a *activity) makeRoom(now time.Time) {
	looked := 0
	for key, got := range a.answers {
		over := !now.Before(got.until)
		if over || len(a.answers) >= a.max {
			delete(a.answers, key)
		}
		if looked++; looked == 4 {
			return
		}
	}
}

// ask asks the server, with the client's secret by HTTP Basic (RFC 6749 section
// 2.3.1).
func (a *activity) ask(ctx context.Context, token secret.Text) (bool, error) {
	endpoint := a.keys.introspectionEndpoint()
	if u, err := url.Parse(endpoint); err != nil || !secure(u) {
		return false, errors.New("the issuer's metadata has no introspection_endpoint with https")
	}
	form := url.Values{wire.ParamToken: {token.Reveal()}, wire.ParamTokenTypeHint: {"access_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(a.id), url.QueryEscape(a.password.Reveal()))
	var said struct {
		Active *bool `json:"active"`
	}
	if _, err := a.server.do(req, &said); err != nil {
		return false, err
	}
	if said.Active == nil {
		return false, errors.New("the answer does not say whether the token is active")
	}
	return *said.Active, nil
}
