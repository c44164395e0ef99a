package desktop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	// repeatTime bounds how long a refresh is repeated whose answer got lost: the
	// server knows a repetition from a theft for 30 seconds, and this is well within.
	repeatTime = 25 * time.Second
	// repeatFirst is the pause before the first repetition; each is twice as long as
	// the one before.
	repeatFirst = 500 * time.Millisecond
	// patience is how long a caller waits for new tokens while the old one is good.
	patience = 3 * time.Second
)

// renewal is new tokens on their way. Its goroutine ends with it, and no caller's
// ctx ends it: tokens that the server has given out and nobody has taken would be
// the end of the session.
type renewal struct {
	began time.Time
	done  chan struct{} // closed at the end
	err   error         // set before done is closed
}

var errRanOut = fmt.Errorf("%w: the last one has run out", ErrNoSession)

func (s *Session) current() *tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// fresh returns tokens that are good for a request. While old ones still are, a
// renewal that takes its time is not waited for.
func (s *Session) fresh(ctx context.Context) (*tokens, error) {
	s.mu.Lock()
	held := s.held
	switch {
	case s.over:
		s.mu.Unlock()
		return nil, ErrSignedOut
	case s.lost():
		s.mu.Unlock()
		return nil, errRanOut
	case !s.client.due(held):
		s.mu.Unlock()
		return held, nil
	}
	r := s.renewLocked(held)
	s.mu.Unlock()
	brief, stop := context.WithDeadline(ctx, r.began.Add(patience))
	defer stop()
	fresh, err := s.await(brief, r)
	switch {
	case err == nil, errors.Is(err, ErrSignedOut):
		return fresh, err
	case !s.client.past(held.expiry):
		return held, nil
	}
	return s.await(ctx, r)
}

// renewed returns tokens in place of those that the server does not know.
func (s *Session) renewed(ctx context.Context, stale *tokens) (*tokens, error) {
	s.mu.Lock()
	if s.over || s.held != stale {
		held, over := s.held, s.over
		s.mu.Unlock()
		if over {
			return nil, ErrSignedOut
		}
		return held, nil
	}
	r := s.renewLocked(stale)
	s.mu.Unlock()
	return s.await(ctx, r)
}

// renewLocked returns the renewal under way, or begins one. The caller holds the
// mutex.
func (s *Session) renewLocked(stale *tokens) *renewal {
	if s.renewal != nil {
		return s.renewal
	}
	r := &renewal{began: time.Now(), done: make(chan struct{})}
	s.renewal = r
	go func() {
		defer close(r.done)
		r.err = s.renew(stale)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.renewal = nil
	}()
	return r
}

// await returns what a renewal brings.
func (s *Session) await(ctx context.Context, r *renewal) (*tokens, error) {
	select {
	case <-r.done:
	case <-ctx.Done():
		return nil, unreachable(ctx, ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.err != nil:
		return nil, r.err
	case s.over:
		return nil, ErrSignedOut
	}
	return s.held, nil
}

// renew replaces stale tokens: by what another process of the app has kept
// meanwhile, or by what the server gives for the refresh token. A refresh token
// that another process has used is refused, and then there are newer ones to try.
func (s *Session) renew(stale *tokens) error {
	for range 3 {
		held, err := s.newest()
		if err != nil {
			return err
		}
		if held != stale && !s.client.due(held) {
			return nil
		}
		err = s.rotate(held)
		if !errors.Is(err, errRefused) {
			return err
		}
		if newer, err := s.newest(); err != nil || newer == held {
			return errors.Join(err, s.ended())
		}
	}
	return fmt.Errorf("%w: another process of this app was faster again and again", ErrOffline)
}

// newest returns the newest tokens of this sign-in: the store's, when another
// process has renewed them. A record that is gone is a sign-out, one of another
// sign-in is none of ours, and a store that can't be read says nothing.
func (s *Session) newest() (*tokens, error) {
	s.mu.Lock()
	store := s.store
	s.mu.Unlock()
	if store == nil {
		return s.current(), nil
	}
	s.keeping.Lock()
	defer s.keeping.Unlock()
	k, err := s.client.read(store)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, ErrNotFound):
		s.endLocked()
		s.store = nil
		return nil, fmt.Errorf("%w: its record is gone from the store", ErrSignedOut)
	case err != nil:
		s.client.log.Warn("the kept session can't be read before it is renewed", "error", err)
	case k.ID != s.id:
		s.store = nil
	case k.Rotations >= s.rotations && k.RefreshToken != s.held.refresh:
		newer := k.tokens()
		newer.id = s.held.id
		s.held, s.rotations = newer, k.Rotations
	}
	return s.held, nil
}

// errRefused: the server takes the refresh token no more (RFC 6749 section 5.2).
var errRefused = errors.New("the refresh token is not good anymore")

// rotate asks for new tokens and takes them up. A client that the server does not
// know has no sessions there. Other refusals may be mended at the server, and end
// nothing here.
func (s *Session) rotate(held *tokens) error {
	meta, err := s.client.metadata(context.Background())
	if err != nil {
		return err
	}
	a := s.client.refresh(meta.TokenEndpoint, s.key, held.refresh)
	switch {
	case a.outcome == outcomeTokens:
		return s.takeUp(held, *a.tokens)
	case refusedAs(a.err, wire.CodeInvalidGrant):
		return fmt.Errorf("%w: %w", errRefused, a.err)
	case refusedAs(a.err, wire.CodeInvalidClient):
		return errors.Join(s.ended(), a.err)
	}
	return fmt.Errorf("renew the session: %w", a.err)
}

// takeUp makes fresh tokens the session's, here and in the store. What the server
// did not replace stays (RFC 6749 section 6).
func (s *Session) takeUp(before *tokens, fresh tokens) error {
	if fresh.refresh == "" {
		fresh.refresh = before.refresh
	}
	if fresh.id == "" {
		fresh.id = before.id
	}
	s.mu.Lock()
	over, store := s.over, s.store
	if !over {
		s.held = &fresh
		s.rotations++
	}
	s.mu.Unlock()
	if over {
		return ErrSignedOut // and the revocation meant these tokens too
	}
	if store != nil {
		s.keepRenewed(store)
	}
	return nil
}

// keepRenewed keeps renewed tokens at once: those in the store are worth nothing
// now. The session goes on without.
func (s *Session) keepRenewed(store Store) {
	err := s.keep(store)
	if err == nil || errors.Is(err, ErrSignedOut) {
		return
	}
	s.client.log.Error("the renewed session could not be kept", "error", err)
	if s.client.notKept != nil {
		s.client.notKept(err)
	}
}

// refresh asks for tokens by a refresh token (RFC 6749 section 6). When the answer
// got lost it asks again: the server gives the holder of the key another one for a
// while.
func (c *Client) refresh(endpoint string, key dpop.Key, refreshToken string) answer {
	return c.insist(context.Background(), endpoint, key, url.Values{
		wire.ParamGrantType:    {wire.GrantTypeRefresh},
		wire.ParamRefreshToken: {refreshToken},
	}, neverSent)
}

// insist asks the token endpoint until there is an answer, the time for repeating
// is over, or the failure says that it is in vain and no answer can have got lost before.
func (c *Client) insist(ctx context.Context, endpoint string, key dpop.Key, form url.Values, vain func(error) bool) answer {
	ctx, stop := context.WithTimeout(ctx, repeatTime)
	defer stop()
	lost := false // an answer may have got lost, as when the server is killed: it may be off for a while
	for pause := repeatFirst; ; pause *= 2 {
		a := c.askForTokens(ctx, endpoint, key, form, judge)
		if a.outcome != outcomeFailed || vain(a.err) && !lost {
			return a
		}
		lost = lost || !neverSent(a.err)
		if !wait(ctx, max(between(pause/2, pause, c.chance), later(a.retryAfter, c.chance))) {
			return a
		}
	}
}

// neverSent reports whether a request surely did not reach the server, so that no
// answer can have got lost.
func neverSent(err error) bool {
	var op *net.OpError
	var name *net.DNSError
	var cert *tls.CertificateVerificationError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &name) || errors.As(err, &cert)
}

// wait lets time pass, and reports false when ctx leaves less than that.
func wait(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
