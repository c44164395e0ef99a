package resource

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	// fetchPause is the least time between two fetches. Tokens with made-up kids are
	// free to make, and must not become requests to the server.
	fetchPause = 5 * time.Second
	// maxStale is how old a key set may become while the server cannot be reached.
	maxStale = 24 * time.Hour
	// newsOfFailure is how long a failed fetch is told to others, who then need not wait
	// for one of their own.
	newsOfFailure = time.Minute
	// maxMetadata is how long the metadata is believed without asking again.
	maxMetadata = time.Hour
)

// keyring holds the server's keys and fetches them when a token asks for it: when
// none are there, when they grow old, or when they lack the one that is named. One
// fetch runs at a time, whoever waits for it.
type keyring struct {
	server *server
	issuer issuer
	now    func() time.Time

	mu       sync.Mutex // guards what follows
	meta     wire.Metadata
	metaAt   time.Time
	keys     keySet
	fetched  time.Time     // when the keys were asked for; zero: never
	fresh    time.Duration // from then on
	tried    time.Time     // when the last fetch began
	failure  error         // of the last fetch
	underway chan struct{} // closed when the fetch under way is over; nil: there is none
}

// find returns the key of that kid. The error is an *Error when the server has no
// such key, and any other when that cannot be told.
func (k *keyring) find(ctx context.Context, now time.Time, kid string) (jose.JSONWebKey, error) {
	if kid == "" {
		return jose.JSONWebKey{}, invalidToken("the token does not name its key")
	}
	if err := wait(ctx, k.refresh(now, kid)); err != nil {
		return jose.JSONWebKey{}, err
	}
	return k.known(now, kid)
}

// ready returns nil when there are keys that may be used.
func (k *keyring) ready(ctx context.Context, now time.Time) error {
	if err := wait(ctx, k.refresh(now, "")); err != nil {
		return fmt.Errorf("resource: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.usable(now) {
		return fmt.Errorf("resource: %w", k.trouble())
	}
	return nil
}

func wait(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refresh begins a fetch where one is due, and returns what to wait for before the
// kid is looked up; nil: nothing.
func (k *keyring) refresh(now time.Time, kid string) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, have := k.keys[kid]
	have = have || kid == "" && len(k.keys) > 0
	age := now.Sub(k.fetched)
	switch {
	case have && age >= 0 && age < k.fresh*4/5:
		return nil
	case have && age >= 0 && age < k.fresh:
		k.begin(now) // ahead of time, so that nobody has to wait
		return nil
	case have && k.usable(now) && k.failure != nil && now.Sub(k.tried) < newsOfFailure:
		k.begin(now) // the server is away: nobody has to wait to hear it again
		return nil
	}
	return k.begin(now)
}

// begin starts a fetch unless one runs or the last one was a moment ago. The caller
// holds mu.
func (k *keyring) begin(now time.Time) <-chan struct{} {
	if since := now.Sub(k.tried); k.underway == nil && (since < 0 || since >= fetchPause) {
		k.tried = now
		k.underway = make(chan struct{})
		// Not with the context of the request that happened to be first: others wait too.
		go k.fetch(now, k.meta, k.metaAt)
	}
	return k.underway
}

// fetch asks for the keys once, and for the metadata when it is old or of no use.
func (k *keyring) fetch(now time.Time, meta wire.Metadata, metaAt time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	var err error
	if age := now.Sub(metaAt); age < 0 || age >= maxMetadata {
		meta, err = k.server.discover(ctx, k.issuer)
		metaAt = now
	}
	var keys keySet
	var fresh time.Duration
	if err == nil {
		keys, fresh, err = k.server.fetchKeys(ctx, meta.JWKSURI)
	}
	if err != nil {
		k.server.log.Warn("the issuer's keys could not be fetched", "issuer", k.issuer.name, "error", err)
	}

	k.mu.Lock()
	defer k.mu.Unlock()
	k.failure = err
	if err == nil {
		k.meta, k.metaAt, k.keys, k.fetched, k.fresh = meta, metaAt, keys, now, fresh
	} else {
		k.metaAt = time.Time{} // the keys may have moved
	}
	close(k.underway)
	k.underway = nil
}

// known looks the kid up in what is there.
func (k *keyring) known(now time.Time, kid string) (jose.JSONWebKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, have := k.keys[kid]
	switch {
	case !k.usable(now):
		return jose.JSONWebKey{}, k.trouble()
	case have:
		return key, nil
	case k.failure != nil: // it may be a new one
		return jose.JSONWebKey{}, k.trouble()
	}
	return jose.JSONWebKey{}, invalidToken("the token's key is none of the issuer's")
}

// usable reports whether there are keys that are not too old. A fetch may have
// begun after now. The caller holds mu.
func (k *keyring) usable(now time.Time) bool {
	return len(k.keys) > 0 && now.Sub(k.fetched) < maxStale
}

// trouble is why there are no keys. The caller holds mu.
func (k *keyring) trouble() error {
	if k.failure == nil {
		return errors.New("the issuer's keys are too old")
	}
	return fmt.Errorf("the issuer's keys cannot be fetched: %w", k.failure)
}

// introspectionEndpoint is what the metadata names; empty: none.
func (k *keyring) introspectionEndpoint() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.meta.IntrospectionEndpoint
}
