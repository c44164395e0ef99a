package login_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

func TestAClientBringsWhatItWasRegisteredFor(t *testing.T) {
	w := logintest.New(t)
	shared, sec := w.AddSecretClient(auth.Client{ID: "shared", Name: "Shared"})
	other, otherSecret := w.AddSecretClient(auth.Client{ID: "other", Name: "Other"})
	signing, stranger := w.AddKeyClient(auth.Client{ID: "signing", Name: "Signing"}), w.AddKeyClient(auth.Client{ID: "stranger", Name: "Stranger"})
	w.AddClient(auth.Client{ID: "odd", Name: "Odd", AuthMethod: "tls_client_auth"})
	with := func(c login.Credentials, change func(*login.Credentials)) login.Credentials {
		change(&c)
		return c
	}
	tests := []struct {
		name string
		c    login.Credentials
		err  error
	}{
		{"a public client its name", login.Credentials{ID: logintest.App}, nil},
		{"a public client a secret", login.Credentials{ID: logintest.App, Secret: sec}, login.ErrClientAuth},
		{"a public client an assertion", with(signing.Assert(nil), func(c *login.Credentials) { c.ID = logintest.App }), login.ErrClientAuth},
		{"nobody", login.Credentials{}, login.ErrUnknownClient},
		{"an unknown client", login.Credentials{ID: "nobody", Secret: sec}, login.ErrUnknownClient},
		{"a client of a method that there is not", login.Credentials{ID: "odd"}, login.ErrClientAuth},
		{"its secret", login.Credentials{ID: shared.ID, Secret: sec}, nil},
		{"no secret", login.Credentials{ID: shared.ID}, login.ErrClientAuth},
		{"another client's secret", login.Credentials{ID: shared.ID, Secret: otherSecret}, login.ErrClientAuth},
		{"its secret as another client", login.Credentials{ID: other.ID, Secret: sec}, login.ErrClientAuth},
		{"the hash of its secret", login.Credentials{ID: shared.ID, Secret: secret.From(sec.Hash().String())}, login.ErrClientAuth},
		{"an assertion where it has a secret", with(signing.Assert(nil), func(c *login.Credentials) { c.ID = shared.ID }), login.ErrClientAuth},
		{"its secret and an assertion", with(signing.Assert(nil), func(c *login.Credentials) { c.ID, c.Secret = shared.ID, sec }), login.ErrClientAuth},
		{"its assertion", signing.Assert(nil), nil},
		{"its assertion that is for another server too", signing.Assert(map[string]any{"aud": []string{"https://x.example", w.Config.Issuer}}), assertion.ErrAssertion},
		{"a secret where it has a key", login.Credentials{ID: signing.ID, Secret: sec}, login.ErrClientAuth},
		{"its assertion and a secret", with(signing.Assert(nil), func(c *login.Credentials) { c.Secret = sec }), login.ErrClientAuth},
		{"nothing where it has a key", login.Credentials{ID: signing.ID}, login.ErrClientAuth},
		{"an assertion by another client's key", with(stranger.Assert(map[string]any{"iss": "signing", "sub": "signing"}), func(c *login.Credentials) { c.ID = signing.ID }), assertion.ErrAssertion},
		{"another client's assertion", with(stranger.Assert(nil), func(c *login.Credentials) { c.ID = signing.ID }), assertion.ErrAssertion},
		{"an assertion for another server", signing.Assert(map[string]any{"aud": "https://evil.example"}), assertion.ErrAssertion},
		{"an assertion for nobody", signing.Assert(map[string]any{"aud": nil}), assertion.ErrAssertion},
		{"an assertion that is over", signing.Assert(map[string]any{"iat": nil, "exp": w.Clock.Now().Add(-2 * time.Minute).Unix()}), assertion.ErrAssertion},
		{"an assertion without an end", signing.Assert(map[string]any{"exp": nil}), assertion.ErrAssertion},
		{"an assertion that may come again", signing.Assert(map[string]any{"jti": nil}), assertion.ErrAssertion},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := w.AuthenticateClient(t.Context(), tt.c)
			if !errors.Is(err, tt.err) || (c.ID != "") != (tt.err == nil) {
				t.Fatalf("got client %q, %v; want %v", c.ID, err, tt.err)
			}
			if errors.Is(err, assertion.ErrAssertion) && !errors.Is(err, login.ErrClientAuth) {
				t.Errorf("got %v, want ErrClientAuth too", err)
			}
			if err != nil && (strings.Contains(err.Error(), sec.Reveal()) || tt.c.Assertion != "" && strings.Contains(err.Error(), tt.c.Assertion)) {
				t.Errorf("the error tells what was brought: %v", err)
			}
		})
	}
}

func TestOneSecretTakesOverFromAnother(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	old, fresh := secret.Must(), secret.Must()
	now := w.Clock.Now().UTC()
	over := now.Add(24 * time.Hour)
	w.AddClient(auth.Client{ID: "backend", Name: "Backend", AuthMethod: auth.AuthSecret, Secrets: []auth.ClientSecret{
		{Hash: old.Hash(), CreatedAt: now.Add(-time.Hour), ExpiresAt: over}, {Hash: fresh.Hash(), CreatedAt: now},
	}})
	check := func(when string, sec secret.Text, want error) {
		t.Helper()
		if _, err := w.AuthenticateClient(t.Context(), login.Credentials{ID: "backend", Secret: sec}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", when, err, want)
		}
	}
	check("the old one meanwhile", old, nil)
	check("the new one meanwhile", fresh, nil)
	w.Clock.Advance(24*time.Hour - time.Microsecond)
	check("the old one to the last", old, nil)
	w.Clock.Advance(time.Microsecond)
	check("the old one after its time", old, login.ErrClientAuth)
	check("the new one after the old one's time", fresh, nil)
	w.Update(func(tx store.Tx) error {
		c, err := tx.Client("backend")
		if err != nil {
			return err
		}
		c.Secrets = nil
		return tx.SetClient(c)
	})
	w.Clock.Advance(2 * time.Second) // what is cached of a client is over by then
	check("the new one after it was taken away", fresh, login.ErrClientAuth)
}

func TestAnAssertionWorksOnceOnAnyNode(t *testing.T) {
	w := logintest.New(t)
	w.Clock.Stop()
	client := w.AddKeyClient(auth.Client{ID: "signing", Name: "Signing"})
	c := client.Assert(map[string]any{"exp": w.Clock.Now().Add(time.Hour).Unix()})
	if _, err := w.AuthenticateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	nodes := map[string]*login.Service{"here": w.Service, "at another node": w.Node()}
	for where, node := range nodes {
		got, err := node.AuthenticateClient(t.Context(), c)
		if !errors.Is(err, login.ErrClientAuth) || !errors.Is(err, login.ErrReplay) || got.ID != "" {
			t.Errorf("%s: got %q, %v; want ErrClientAuth for ErrReplay", where, got.ID, err)
		}
	}
	// To its very end, however often the store is pruned meanwhile.
	w.Clock.Advance(59 * time.Minute)
	if _, err := w.Store.Prune(t.Context(), w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	nodes["at a node that has just started"] = w.Node()
	for where, node := range nodes {
		if _, err := node.AuthenticateClient(t.Context(), c); !errors.Is(err, login.ErrReplay) {
			t.Errorf("later, %s: got %v, want ErrReplay", where, err)
		}
	}
}

func TestOfManyNodesAtOnceOneTakesTheAssertion(t *testing.T) {
	w := logintest.New(t)
	c := w.AddKeyClient(auth.Client{ID: "signing", Name: "Signing"}).Assert(nil)
	var all sync.WaitGroup
	var won atomic.Int32
	for range 10 {
		node := w.Node()
		all.Go(func() {
			switch _, err := node.AuthenticateClient(t.Context(), c); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, login.ErrReplay):
				t.Errorf("got %v, want ErrReplay", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d nodes took it, want 1", won.Load())
	}
}

func TestAnAssertionThatIsRefusedIsNotUsedUp(t *testing.T) {
	w := logintest.New(t)
	c := w.AddKeyClient(auth.Client{ID: "signing", Name: "Signing"}).Assert(nil)
	elsewhere := c
	elsewhere.Audiences = []string{"https://another.example"}
	if _, err := w.AuthenticateClient(t.Context(), elsewhere); !errors.Is(err, login.ErrClientAuth) {
		t.Fatalf("got %v, want ErrClientAuth", err)
	}
	if _, err := w.AuthenticateClient(t.Context(), c); err != nil {
		t.Errorf("where it is meant for: %v", err)
	}
}

func TestAnAssertionThatCannotBeRememberedIsNotTaken(t *testing.T) {
	w := logintest.New(t)
	client := w.AddKeyClient(auth.Client{ID: "signing", Name: "Signing"})
	sound := w.Service.Store
	w.Service.Store = replayless{sound}
	if got, err := w.AuthenticateClient(t.Context(), client.Assert(nil)); !errors.Is(err, errReplayless) || got.ID != "" {
		t.Errorf("got %q, %v; want the store's failure", got.ID, err)
	}
}

var errReplayless = errors.New("no room for a replay")

// replayless is a store that fails to remember what was used, and nothing else.
type replayless struct{ store.Store }

func (s replayless) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(replaylessTx{tx}) })
}

type replaylessTx struct{ store.Tx }

func (replaylessTx) AddReplay(auth.Replay) error { return errReplayless }
