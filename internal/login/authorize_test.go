package login_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

const browserApp auth.ClientID = "browser-app"

func TestRedirects(t *testing.T) {
	const (
		loopback = "http://127.0.0.1/cb"
		six      = "http://[::1]/cb"
		local    = "http://localhost:8080/cb"
		query    = "http://127.0.0.1/q?a=b"
		bare     = "http://127.0.0.1"
		web      = "https://app.example/cb"
		secure   = "https://127.0.0.1/tls"
		scheme   = "com.example.app:/cb"
	)
	client := auth.Client{RedirectURIs: []string{loopback, six, local, query, bare, web, secure, scheme}}
	tests := []struct {
		uri  string
		want bool
	}{
		// To the letter.
		{loopback, true},
		{six, true},
		{local, true},
		{query, true},
		{bare, true},
		{web, true},
		{secure, true},
		{scheme, true},
		{"", false},
		{"/", false},
		{"/cb", false},
		{"http://127.0.0.1:65535/cb", true},
		{"http://127.0.0.1:0/cb", false},
		{"http://127.0.0.1:65536/cb", false},
		{web + "/", false},
		{web + "?", false},
		{web + "?a=b", false},
		{web + "#", false},
		{web + "#a", false},
		{web + "/../x", false},
		{web + "%2f", false},
		{" " + web, false},
		{web + " ", false},
		{web + "\n", false},
		{"https://app.example/CB", false},
		{"https://APP.example/cb", false},
		{"HTTPS://app.example/cb", false},
		{"http://app.example/cb", false},
		{"https://app.example:443/cb", false},
		{"https://app.example.evil.example/cb", false},
		{"https://app.example@evil.example/cb", false},
		{"https://evil.example/?https://app.example/cb", false},
		{"//app.example/cb", false},
		{"com.example.app:/cb2", false},
		{"com.example.app://cb", false},

		// The port of a loopback host is the app's to choose.
		{"http://127.0.0.1:1/cb", true},
		{"http://127.0.0.1:51004/cb", true},
		{"http://[::1]:51004/cb", true},
		{"http://localhost:51004/cb", true},
		{"http://localhost/cb", true},
		{"http://127.0.0.1:51004/q?a=b", true},
		{"http://127.0.0.1:51004", true},

		// And nothing but the port.
		{"http://127.0.0.1:/cb", false},
		{"http://127.0.0.1:51004/", false},
		{"http://127.0.0.1:51004/cb/", false},
		{"http://127.0.0.1:51004//cb", false},
		{"http://127.0.0.1:51004/CB", false},
		{"http://127.0.0.1:51004/cb?a=b", false},
		{"http://127.0.0.1:51004/cb#a", false},
		{"http://127.0.0.1:51004?/cb", false},
		{"http://127.0.0.1:51004/q?a=c", false},
		{"http://127.0.0.1:51004/q", false},
		{"http://127.0.0.1:51004/cb/../x", false},
		{"http://127.0.0.1:99999999/cb", false},
		{"http://127.0.0.1:-1/cb", false},
		{"http://127.0.0.1:+80/cb", false},
		{"http://127.0.0.1:0x50/cb", false},
		{"http://127.0.0.1:80:80/cb", false},
		{"http://127.0.0.1:８０/cb", false},
		{"http://127.0.0.1: 80/cb", false},
		{"http://127.0.0.1:80 /cb", false},
		{"http://127.0.0.1:80\t/cb", false},
		{"http://127.0.0.1.evil.example/cb", false},
		{"http://127.0.0.1.:80/cb", false},
		{"http://127.0.0.1:80@evil.example/cb", false},
		{"http://127.0.0.1@evil.example/cb", false},
		{"http://evil.example@127.0.0.1/cb", false},
		{"http://user@127.0.0.1:80/cb", false},
		{"http://127.0.0.1:80\\@evil.example/cb", false},
		{"http://127.0.0.1\\.evil.example/cb", false},
		{"http://127.0.0.1%00.evil.example/cb", false},
		{"http://127.0.0.1%2eevil.example/cb", false},
		{"http:///127.0.0.1/cb", false},
		{"http:127.0.0.1/cb", false},
		{"http://127.0.0.1#@evil.example/cb", false},
		{"http://127.0.0.2:80/cb", false},
		{"http://127.1/cb", false},
		{"http://2130706433/cb", false},
		{"http://0x7f.0.0.1/cb", false},
		{"http://0.0.0.0/cb", false},
		{"http://[::1].evil.example/cb", false},
		{"http://[::1]evil.example/cb", false},
		{"http://[::1%25lo]/cb", false},
		{"http://[0:0:0:0:0:0:0:1]/cb", false},
		{"http://[::ffff:127.0.0.1]/cb", false},
		{"http://[::]/cb", false},
		{"http://localhost.evil.example/cb", false},
		{"http://localhost.:80/cb", false},
		{"http://LOCALHOST:80/cb", false},
		{"http://localhostevil.example:80/cb", false},
		{"HTTP://127.0.0.1:80/cb", false},

		// One loopback host is not another, and TLS has no such rule.
		{"http://localhost:80/q?a=b", false},
		{"http://localhost", false},
		{"http://[::1]:80/q?a=b", false},
		{"http://[::1]", false},
		{"https://127.0.0.1:80/tls", false},
		{"http://127.0.0.1:80/tls", false},
		{"https://127.0.0.1/cb", false},
	}
	for _, tt := range tests {
		if got := login.Redirects(client, tt.uri); got != tt.want {
			t.Errorf("%q: got %t, want %t", tt.uri, got, tt.want)
		}
	}
	if login.Redirects(auth.Client{}, "") || login.Redirects(auth.Client{}, loopback) {
		t.Error("a client that has registered none has one")
	}
}

// FuzzRedirects: whatever is taken leads to the registered host.
func FuzzRedirects(f *testing.F) {
	client := auth.Client{RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]:1/cb?x=y", "http://localhost", "https://app.example/cb"}}
	for _, seed := range append([]string{
		"http://127.0.0.1:80/cb", "http://127.0.0.1:80@evil/cb", "http://[::1]:80/cb?x=y", "http://localhost:1",
		"http://localhost:1#", "http://127.0.0.1:99999/cb",
	}, client.RedirectURIs...) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if !login.Redirects(client, uri) {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q was taken and is no URL: %v", uri, err)
		}
		for _, registered := range client.RedirectURIs {
			want, _ := url.Parse(registered)
			if u.Scheme == want.Scheme && u.Hostname() == want.Hostname() && u.User == nil &&
				u.EscapedPath() == want.EscapedPath() && u.RawQuery == want.RawQuery && u.Fragment == "" && !strings.Contains(uri, "#") {
				return
			}
		}
		t.Fatalf("%q was taken and leads to %s", uri, u.Host)
	})
}

func TestAnAuthorizationIsRefused(t *testing.T) {
	w := newWorld(t)
	client, _ := w.Client(t.Context(), browserApp)
	key := w.Key()
	good := login.AuthorizeRequest{StartRequest: login.StartRequest{Client: client}, RedirectURI: client.RedirectURIs[0]}
	tests := []struct {
		name   string
		change func(*login.AuthorizeRequest)
		err    error
	}{
		{"that is right", func(*login.AuthorizeRequest) {}, nil},
		{"and a second one at the same time", func(*login.AuthorizeRequest) {}, nil},
		{"to another redirect_uri", func(r *login.AuthorizeRequest) { r.RedirectURI += "/" }, login.ErrRedirectURI},
		{"to none", func(r *login.AuthorizeRequest) { r.RedirectURI = "" }, login.ErrRedirectURI},
		{"for a scope that the client has not", func(r *login.AuthorizeRequest) { r.Scopes = auth.Scopes{"admin"} }, login.ErrScope},
		{"for a resource that the client has not", func(r *login.AuthorizeRequest) { r.Resources = []string{"https://x"} }, login.ErrTarget},
		{"for one key by another", func(r *login.AuthorizeRequest) {
			r.KeyThumbprint, r.Proof = "another", w.Proof(key)
		}, login.ErrOtherKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := good
			tt.change(&r)
			g, err := w.Service.Authorize(t.Context(), r)
			if !errors.Is(err, tt.err) || (g.ID != "") != (tt.err == nil) {
				t.Errorf("got grant %q, %v; want %v", g.ID, err, tt.err)
			}
		})
	}
}

// signedInByCode is a person's authorization up to its code.
func signedInByCode(t *testing.T, w *logintest.World, k dpop.Key) (*logintest.Person, logintest.Authorization, secret.Text) {
	t.Helper()
	ada := w.Join("Ada")
	a := w.Ask(browserApp, k)
	w.Approve(ada, a.ID)
	return ada, a, w.Code(ada, a)
}

func TestAnAuthorizationCodeYieldsTokens(t *testing.T) {
	w := newWorld(t)
	ada, a, code := signedInByCode(t, w, logintest.NoKey)
	tokens, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code))
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.UserInfo(t.Context(), w.Access(logintest.NoKey, tokens.Access))
	if err != nil || c.User.ID != ada.User.ID || tokens.Refresh.IsZero() {
		t.Errorf("the token is %q's, %v; want Ada's, and a refresh token", c.User.ID, err)
	}
	if nonce, _ := payload(t, tokens.ID)["nonce"].(string); !strings.HasPrefix(nonce, "n-") {
		t.Errorf("got the nonce %q, want the request's", nonce)
	}
}

func TestAnExchangeIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *logintest.World, r *login.ExchangeRequest)
		err    error
		good   bool // what is right succeeds afterwards
	}{
		{"with another verifier", func(_ *logintest.World, r *login.ExchangeRequest) { r.Verifier = strings.Repeat("w", 43) }, grant.ErrMismatch, false},
		{"without a verifier", func(_ *logintest.World, r *login.ExchangeRequest) { r.Verifier = "" }, grant.ErrMismatch, false},
		{"with another redirect_uri", func(_ *logintest.World, r *login.ExchangeRequest) { r.RedirectURI = "http://127.0.0.1:80/callback" }, grant.ErrMismatch, false},
		{"without a redirect_uri", func(_ *logintest.World, r *login.ExchangeRequest) { r.RedirectURI = "" }, grant.ErrMismatch, false},
		{"too late", func(w *logintest.World, _ *login.ExchangeRequest) { w.Clock.Advance(grant.CodeLife) }, grant.ErrExpired, false},
		{"by another client", func(w *logintest.World, r *login.ExchangeRequest) {
			r.Client = w.AddClient(auth.Client{ID: "evil", Name: "Evil", RedirectURIs: r.Client.RedirectURIs})
		}, grant.ErrForeign, true},
		{"with a guess", func(_ *logintest.World, r *login.ExchangeRequest) {
			id, _, _ := strings.Cut(r.Code.Reveal(), ".")
			r.Code = secret.From(id + ".guess")
		}, grant.ErrForeign, true},
		{"with the grant's name alone", func(_ *logintest.World, r *login.ExchangeRequest) {
			id, _, _ := strings.Cut(r.Code.Reveal(), ".")
			r.Code = secret.From(id)
		}, grant.ErrForeign, true},
		{"with nothing", func(_ *logintest.World, r *login.ExchangeRequest) { r.Code = secret.Text{} }, login.ErrUnknownCode, true},
		{"with chance", func(_ *logintest.World, r *login.ExchangeRequest) { r.Code = secret.Must() }, login.ErrUnknownCode, true},
		{"for a resource that was not granted", func(_ *logintest.World, r *login.ExchangeRequest) { r.Resources = []string{"https://x"} }, login.ErrTarget, true},
		{"for a disabled person", func(w *logintest.World, _ *login.ExchangeRequest) {
			w.Update(func(tx store.Tx) error {
				users, err := tx.Users()
				if err != nil {
					return err
				}
				users[0].Disabled = true
				return tx.SetUser(users[0])
			})
		}, grant.ErrDenied, false},
		{"for a client that was removed", func(w *logintest.World, r *login.ExchangeRequest) {
			w.Update(func(tx store.Tx) error { return tx.RemoveClient(r.Client.ID) })
		}, grant.ErrDenied, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Clock.Stop()
			_, a, code := signedInByCode(t, w, logintest.NoKey)
			good := w.Exchanging(a, logintest.NoKey, code)
			r := good
			tt.change(w, &r)
			got, err := w.Exchange(t.Context(), r)
			if !errors.Is(err, tt.err) || !got.Access.IsZero() {
				t.Errorf("got %v, tokens %t; want %v and none", err, !got.Access.IsZero(), tt.err)
			}
			if _, err := w.Exchange(t.Context(), good); (err == nil) != tt.good {
				t.Errorf("what is right, afterwards: got %v, want success %t", err, tt.good)
			}
		})
	}
}

func TestACodeIsGoodToTheEndOfItsLife(t *testing.T) {
	w := newWorld(t)
	w.Clock.Stop()
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	w.Clock.Advance(grant.CodeLife - time.Microsecond)
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); err != nil {
		t.Errorf("got %v, want tokens", err)
	}
}

func TestACodeDoesNotOutliveItsGrant(t *testing.T) {
	w := newWorld(t)
	w.Clock.Stop()
	ada := w.Join("Ada")
	a := w.Ask(browserApp, logintest.NoKey)
	w.Approve(ada, a.ID)
	w.Clock.Advance(auth.DefaultLifetime - time.Second)
	code := w.Code(ada, a)
	w.Clock.Advance(time.Second)
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); !errors.Is(err, grant.ErrExpired) {
		t.Errorf("got %v, want ErrExpired", err)
	}
}

func TestACodeThatComesAgainEndsTheSession(t *testing.T) {
	w := newWorld(t)
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	tokens, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code))
	if err != nil {
		t.Fatal(err)
	}
	harmless := map[string]func(*login.ExchangeRequest){
		"another client's": func(r *login.ExchangeRequest) {
			r.Client, _ = w.Client(t.Context(), logintest.App)
		},
		"a guess": func(r *login.ExchangeRequest) {
			id, _, _ := strings.Cut(code.Reveal(), ".")
			r.Code = secret.From(id + ".guess")
		},
	}
	for name, change := range harmless {
		r := w.Exchanging(a, logintest.NoKey, code)
		change(&r)
		if _, err := w.Exchange(t.Context(), r); !errors.Is(err, grant.ErrForeign) || !live(t, w, logintest.NoKey, tokens.Access) {
			t.Errorf("%s: got %v, want ErrForeign and no effect", name, err)
		}
	}
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); !errors.Is(err, grant.ErrRedeemed) {
		t.Errorf("its own: got %v, want ErrRedeemed", err)
	}
	if live(t, w, logintest.NoKey, tokens.Access) {
		t.Error("the access token is live after it")
	}
	if _, err := w.Refresh(t.Context(), w.Refreshing(browserApp, logintest.NoKey, tokens.Refresh)); !errors.Is(err, login.ErrRefresh) {
		t.Errorf("the refresh token after it: got %v, want ErrRefresh", err)
	}
}

func TestTheHolderOfTheKeyMayExchangeAgain(t *testing.T) {
	for name, bound := range map[string]bool{"bound by dpop_jkt": true, "bound by the first exchange": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Clock.Stop()
			key, thief := w.Key(), w.Key()
			begin := logintest.NoKey
			if bound {
				begin = key
			}
			ada, a, code := signedInByCode(t, w, begin)
			if bound { // and nobody else spends the code, or voids it
				for _, k := range []dpop.Key{logintest.NoKey, thief} {
					r := w.Exchanging(a, k, code)
					r.Verifier = strings.Repeat("w", 43)
					if _, err := w.Exchange(t.Context(), r); !errors.Is(err, login.ErrKey) {
						t.Errorf("without the key: got %v, want ErrKey", err)
					}
				}
			}
			first, err := w.Exchange(t.Context(), w.Exchanging(a, key, code))
			if err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(grant.RepeatFor - time.Microsecond)
			again, err := w.Exchange(t.Context(), w.Exchanging(a, key, code))
			if err != nil || len(w.Sessions(ada)) != 1 {
				t.Fatalf("a repeat: got %v, %d sessions; want tokens of the one session", err, len(w.Sessions(ada)))
			}
			if !live(t, w, key, first.Access) || !live(t, w, key, again.Access) {
				t.Error("a token of the session is not live")
			}
			w.Clock.Advance(time.Microsecond)
			if _, err := w.Exchange(t.Context(), w.Exchanging(a, key, code)); !errors.Is(err, grant.ErrRedeemed) || live(t, w, key, again.Access) {
				t.Errorf("too late: got %v, want ErrRedeemed and the session ended", err)
			}
		})
	}
}

func TestAStolenCodeEndsTheSessionOfItsOwner(t *testing.T) {
	wrong := map[string]func(w *logintest.World, r *login.ExchangeRequest){
		"without the key":       func(_ *logintest.World, r *login.ExchangeRequest) { r.Proof = dpop.Proof{} },
		"with another key":      func(w *logintest.World, r *login.ExchangeRequest) { r.Proof = w.Proof(w.Key()) },
		"with another verifier": func(_ *logintest.World, r *login.ExchangeRequest) { r.Verifier = strings.Repeat("w", 43) },
	}
	for name, change := range wrong {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			key := w.Key()
			_, a, code := signedInByCode(t, w, logintest.NoKey)
			tokens, err := w.Exchange(t.Context(), w.Exchanging(a, key, code))
			if err != nil {
				t.Fatal(err)
			}
			r := w.Exchanging(a, key, code)
			change(w, &r)
			if got, err := w.Exchange(t.Context(), r); !errors.Is(err, grant.ErrRedeemed) || !got.Access.IsZero() {
				t.Errorf("got %v, want ErrRedeemed and no tokens", err)
			}
			if live(t, w, key, tokens.Access) {
				t.Error("the session lives")
			}
		})
	}
}

func TestFiftyParallelExchangesYieldOneAnswerAndEndIt(t *testing.T) {
	w := newWorld(t)
	ada, a, code := signedInByCode(t, w, logintest.NoKey)
	won := atOnce(t, 50, func() login.ExchangeRequest { return w.Exchanging(a, logintest.NoKey, code) }, w.Exchange, grant.ErrRedeemed)
	if len(won) != 1 || len(w.Sessions(ada)) != 0 {
		t.Errorf("%d were answered, and %d sessions live; want 1 and none", len(won), len(w.Sessions(ada)))
	}
}

func TestFiftyParallelExchangesByTheHolderOfTheKeyYieldOneSession(t *testing.T) {
	w := newWorld(t)
	key := w.Key()
	ada, a, code := signedInByCode(t, w, key)
	won := atOnce(t, 50, func() login.ExchangeRequest { return w.Exchanging(a, key, code) }, w.Exchange)
	if len(won) != 50 || len(w.Sessions(ada)) != 1 {
		t.Errorf("%d were answered, and %d sessions live; want 50 and 1", len(won), len(w.Sessions(ada)))
	}
}

func TestADevicesGrantIsNeverExchangedNorAnAuthorizationRedeemed(t *testing.T) {
	w := newWorld(t)
	ada, a, code := signedInByCode(t, w, logintest.NoKey)
	g, deviceCode := w.Start(browserApp)
	w.Approve(ada, g.ID)
	for name, tok := range map[string]string{"device code": deviceCode.Reveal(), "grant's name": string(g.ID), "grant's name and a secret": string(g.ID) + "." + deviceCode.Reveal()} {
		r := w.Exchanging(a, logintest.NoKey, secret.From(tok))
		if _, err := w.Exchange(t.Context(), r); !errors.Is(err, grant.ErrForeign) && !errors.Is(err, login.ErrUnknownCode) {
			t.Errorf("exchange of a %s: got %v, want it refused", name, err)
		}
	}
	id, own, _ := strings.Cut(code.Reveal(), ".")
	for name, tok := range map[string]string{"code": code.Reveal(), "name": id, "secret": own} {
		if _, err := w.Redeem(t.Context(), w.Request(browserApp, logintest.NoKey), secret.From(tok)); !errors.Is(err, login.ErrUnknownCode) {
			t.Errorf("redeem of a code's %s: got %v, want ErrUnknownCode", name, err)
		}
	}
	if address, err := w.Return(t.Context(), ada.Browser, g.ID); !errors.Is(err, login.ErrNoReturn) || address != "" {
		t.Errorf("return of a device's grant: got %q, %v; want ErrNoReturn", address, err)
	}
}

func TestReturn(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, w *logintest.World, ada *logintest.Person, a logintest.Authorization)
		want string // the error's description; "code": a code; "": none of both
	}{
		{"of what is undecided", func(*testing.T, *logintest.World, *logintest.Person, logintest.Authorization) {}, ""},
		{"while the ceremony is open", func(_ *testing.T, w *logintest.World, ada *logintest.Person, a logintest.Authorization) {
			w.Begin(ada, a.ID)
		}, ""},
		{"after the approval", func(_ *testing.T, w *logintest.World, ada *logintest.Person, a logintest.Authorization) {
			w.Approve(ada, a.ID)
		}, "code"},
		{"after a denial", func(t *testing.T, w *logintest.World, ada *logintest.Person, a logintest.Authorization) {
			if err := w.Deny(t.Context(), ada.Browser, a.ID); err != nil {
				t.Fatal(err)
			}
		}, grant.ErrDenied.Error()},
		{"after it was cancelled", func(t *testing.T, w *logintest.World, _ *logintest.Person, a logintest.Authorization) {
			if err := w.Cancel(t.Context(), browserApp, a.ID); err != nil {
				t.Fatal(err)
			}
		}, grant.ErrCancelled.Error()},
		{"after its time", func(_ *testing.T, w *logintest.World, _ *logintest.Person, _ logintest.Authorization) {
			w.Clock.Advance(auth.DefaultLifetime)
		}, grant.ErrExpired.Error()},
		{"after the approval, and its time", func(_ *testing.T, w *logintest.World, ada *logintest.Person, a logintest.Authorization) {
			w.Approve(ada, a.ID)
			w.Clock.Advance(auth.DefaultLifetime)
		}, grant.ErrExpired.Error()},
		{"after the exchange", func(t *testing.T, w *logintest.World, ada *logintest.Person, a logintest.Authorization) {
			w.Approve(ada, a.ID)
			if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, w.Code(ada, a))); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"after a mismatch voided it", func(t *testing.T, w *logintest.World, ada *logintest.Person, a logintest.Authorization) {
			w.Approve(ada, a.ID)
			r := w.Exchanging(a, logintest.NoKey, w.Code(ada, a))
			r.Verifier = strings.Repeat("w", 43)
			if _, err := w.Exchange(t.Context(), r); !errors.Is(err, grant.ErrMismatch) {
				t.Fatal(err)
			}
		}, grant.ErrDenied.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.Clock.Stop()
			ada := w.Join("Ada")
			a := w.Ask(browserApp, logintest.NoKey)
			tt.do(t, w, ada, a)
			address, err := w.Return(t.Context(), ada.Browser, a.ID)
			if tt.want == "" {
				if !errors.Is(err, login.ErrNoReturn) || address != "" {
					t.Errorf("got %q, %v; want ErrNoReturn", address, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			base, query, _ := strings.Cut(address, "?")
			got, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			want := url.Values{"state": {logintest.State}, "iss": {w.Config.Issuer}}
			if tt.want == "code" {
				want["code"] = got["code"]
				if !strings.HasPrefix(got.Get("code"), string(a.ID)+".") {
					t.Errorf("got the code %q, want one of the grant", got.Get("code"))
				}
			} else {
				want["error"], want["error_description"] = []string{"access_denied"}, []string{tt.want}
			}
			if diff := cmp.Diff(want, got); base != a.RedirectURI || diff != "" {
				t.Errorf("at %s (-want +got):\n%s", base, diff)
			}
		})
	}
}

func TestOnlyTheBrowserThatDecidedReturns(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.Join("Ada"), w.Join("Eve")
	a, denied := w.Ask(browserApp, logintest.NoKey), w.Ask(browserApp, logintest.NoKey)
	w.Approve(ada, a.ID)
	if err := w.Deny(t.Context(), ada.Browser, denied.ID); err != nil {
		t.Fatal(err)
	}
	good := w.Code(ada, a)
	for _, browser := range []auth.BrowserID{eve.Browser, ""} {
		for _, id := range []auth.GrantID{a.ID, denied.ID} {
			if address, err := w.Return(t.Context(), browser, id); !errors.Is(err, login.ErrNoReturn) || address != "" {
				t.Errorf("browser %q: got %q, %v; want ErrNoReturn", browser, address, err)
			}
		}
	}
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, good)); err != nil {
		t.Errorf("the code is void because another browser asked: %v", err)
	}
	if _, err := w.Return(t.Context(), ada.Browser, "no such grant"); !errors.Is(err, login.ErrUnknownCode) {
		t.Errorf("an unknown grant: got %v, want ErrUnknownCode", err)
	}
}

func TestEachReturnVoidsTheCodeBefore(t *testing.T) {
	w := newWorld(t)
	ada, a, first := signedInByCode(t, w, logintest.NoKey)
	second := w.Code(ada, a)
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, first)); !errors.Is(err, grant.ErrForeign) {
		t.Errorf("the first code: got %v, want ErrForeign", err)
	}
	tokens, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, second))
	if err != nil {
		t.Fatalf("the last code: %v", err)
	}
	// The first was never exchanged: that it comes says nothing of the session.
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, first)); !errors.Is(err, grant.ErrForeign) || !live(t, w, logintest.NoKey, tokens.Access) {
		t.Errorf("the first code again: got %v, want ErrForeign and no effect", err)
	}
}

func TestAResponseKeepsTheQueryOfTheRedirectURI(t *testing.T) {
	w := newWorld(t)
	for uri, want := range map[string]string{
		"https://app.example/cb":     "https://app.example/cb?error=e&iss=http%3A%2F%2Flocalhost%3A8080&state=s%26t%3D%23",
		"https://app.example/cb?a=b": "https://app.example/cb?a=b&error=e&iss=http%3A%2F%2Flocalhost%3A8080&state=s%26t%3D%23",
		"com.example.app:/cb":        "com.example.app:/cb?error=e&iss=http%3A%2F%2Flocalhost%3A8080&state=s%26t%3D%23",
	} {
		if got := w.Response(uri, url.Values{"error": {"e"}}, "s&t=#"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := w.Response("https://app.example/cb", url.Values{}, ""); strings.Contains(got, "state") {
		t.Errorf("got %s, want no state where the client sent none", got)
	}
}

func TestACodeIsStoredHashed(t *testing.T) {
	w := newWorld(t)
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	g, err := w.Grant(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if g.Redirect.Code != code.Hash() {
		t.Error("the grant does not keep the hash of the code")
	}
}

func TestAnExchangeThatCannotBeKeptLeavesTheCodeGood(t *testing.T) {
	w := newWorld(t)
	_, a, code := signedInByCode(t, w, logintest.NoKey)
	sound := w.Service.Store
	broken := map[string]store.Store{"session": sessionless{sound}, "refresh token": refreshless{sound}}
	for what, st := range broken {
		w.Service.Store = st
		got, err := w.Exchange(context.Background(), w.Exchanging(a, logintest.NoKey, code))
		if err == nil || !got.Access.IsZero() {
			t.Errorf("no room for a %s: got %v, want the store's failure", what, err)
		}
	}
	w.Service.Store = sound
	if _, err := w.Exchange(t.Context(), w.Exchanging(a, logintest.NoKey, code)); err != nil {
		t.Errorf("afterwards: got %v, want tokens", err)
	}
}
