package login_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
)

const browserApp auth.ClientID = "browser-app"

func TestAnAuthorizationIsRefused(t *testing.T) {
	w := newWorld(t)
	client, _ := w.Client(t.Context(), browserApp)
	key := w.Key()
	good := login.AuthorizeRequest{StartRequest: login.StartRequest{Client: client, Origin: logintest.Home}, RedirectURI: client.RedirectURIs[0]}
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
			if err := w.Deny(t.Context(), ada.Visitor(), a.ID); err != nil {
				t.Fatal(err)
			}
		}, grant.ErrDenied.Error()},
		{"after it was cancelled", func(t *testing.T, w *logintest.World, _ *logintest.Person, a logintest.Authorization) {
			if err := w.Cancel(t.Context(), browserApp, a.ID, logintest.Home); err != nil {
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
	if err := w.Deny(t.Context(), ada.Visitor(), denied.ID); err != nil {
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
