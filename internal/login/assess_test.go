package login_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

// look is how the grant stands for the visitor.
func look(t *testing.T, w *logintest.World, v login.Visitor, id auth.GrantID) login.Sight {
	t.Helper()
	sight, err := w.Look(t.Context(), v, id)
	if err != nil {
		t.Fatal(err)
	}
	return sight
}

// finish has the person answer with their passkey.
func finish(t *testing.T, w *logintest.World, p *logintest.Person, v login.Visitor, id auth.GrantID) (login.Approval, error) {
	t.Helper()
	options, err := w.BeginApproval(t.Context(), v, id)
	if err != nil {
		return login.Approval{}, err
	}
	return w.FinishApproval(t.Context(), v, id, p.Get(options))
}

func TestTheRiskOfARequest(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(w *logintest.World, ada *logintest.Person, key dpop.Key)
		origin netip.Addr
		want   risk.Level
		why    []risk.Reason
	}{
		"on the phone's network it is low": {origin: logintest.Home, want: risk.Low},
		"on another network it is medium": {
			origin: logintest.Away, want: risk.Medium, why: []risk.Reason{risk.OtherNetwork},
		},
		"where nothing can be said it is medium": {
			origin: netip.MustParseAddr("2001:db8::1"), want: risk.Medium, why: []risk.Reason{risk.UnknownNetwork},
		},
		"a computer that the account has had before makes another network low": {
			before: func(w *logintest.World, ada *logintest.Person, key dpop.Key) { signInWith(w, ada, key) },
			origin: logintest.Away, want: risk.Low, why: []risk.Reason{risk.OtherNetwork},
		},
		"a network that the account's computers were on makes it low": {
			before: func(w *logintest.World, ada *logintest.Person, _ dpop.Key) {
				g, code := w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
				visitor := ada.From(logintest.Away)
				w.ApproveFrom(ada, visitor, g.ID)
				w.Fetch(logintest.App, logintest.NoKey, code)
			},
			origin: netip.MustParseAddr("198.51.100.77"), want: risk.Low,
		},
		"the computer of somebody else's account is a stranger": {
			before: func(w *logintest.World, _ *logintest.Person, key dpop.Key) { signInWith(w, w.Join("Eve"), key) },
			origin: logintest.Away, want: risk.Medium, why: []risk.Reason{risk.OtherNetwork},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			ada, key := w.Join("Ada"), w.Key()
			if tt.before != nil {
				tt.before(w, ada, key)
			}
			g, _ := w.StartFrom(logintest.App, tt.origin, key)
			got := look(t, w, ada.Visitor(), g.ID).Risk
			if got.Level != tt.want || !slices.Equal(got.Reasons, tt.why) {
				t.Errorf("got %s %v, want %s %v", got.Level, got.Reasons, tt.want, tt.why)
			}
		})
	}
}

// signInWith signs a desktop at home in, whose key it is.
func signInWith(w *logintest.World, p *logintest.Person, key dpop.Key) login.Tokens {
	g, code := w.StartFrom(logintest.App, logintest.Home, key)
	w.Approve(p, g.ID)
	return w.Fetch(logintest.App, key, code)
}

func TestWhatAPolicyDemands(t *testing.T) {
	demand := func(d auth.Demand) *auth.Demand { return &d }
	yes := true
	for name, tt := range map[string]struct {
		policy auth.PolicyChange
		origin netip.Addr
		twice  bool // the code is opened in a second browser
		state  grant.State
		err    error
	}{
		"low takes the passkey":                       {origin: logintest.Home, state: grant.Approved},
		"medium takes a number":                       {origin: logintest.Away, state: grant.Verifying},
		"medium takes the passkey if the policy says": {auth.PolicyChange{Medium: demand(auth.DemandPasskey)}, logintest.Away, false, grant.Approved, nil},
		"medium is refused if the policy says":        {auth.PolicyChange{Medium: demand(auth.DemandRefuse)}, logintest.Away, false, grant.Scanned, login.ErrRisky},
		"high is refused":                             {origin: logintest.Away, twice: true, state: grant.Scanned, err: login.ErrRisky},
		"high takes a number if the policy says":      {auth.PolicyChange{High: demand(auth.DemandNumber)}, logintest.Away, true, grant.Verifying, nil},
		"a code opened twice on one network takes one": {
			origin: logintest.Home, twice: true, state: grant.Verifying,
		},
		"an unknown computer is refused if the policy says": {
			auth.PolicyChange{RequireKnownDevice: &yes}, logintest.Home, false, grant.Scanned, login.ErrUnknownDevice,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			w.AddClient(auth.Client{ID: "policed", Name: "Policed", Policy: tt.policy})
			ada := w.Join("Ada")
			g, _ := w.StartFrom("policed", tt.origin, logintest.NoKey)
			scan(t, w, ada.Visitor(), g.ID)
			if tt.twice {
				scan(t, w, logintest.At("another phone"), g.ID)
			}
			_, err := finish(t, w, ada, ada.Visitor(), g.ID)
			if !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if now, err := w.Grant(t.Context(), g.ID); err != nil || now.State != tt.state {
				t.Errorf("the grant is %s (%v), want %s", now.State, err, tt.state)
			}
		})
	}
}

func scan(t *testing.T, w *logintest.World, v login.Visitor, id auth.GrantID) {
	t.Helper()
	if err := w.Scan(t.Context(), v, id); err != nil {
		t.Fatal(err)
	}
}

func TestAStrangersBrowserIsJudgedWhenThePasskeyTellsWhoItIs(t *testing.T) {
	w := logintest.New(t)
	yes := true
	w.AddClient(auth.Client{ID: "strict", Name: "Strict", Policy: auth.PolicyChange{RequireKnownDevice: &yes}})
	ada := w.Join("Ada")
	g, _ := w.Start("strict")
	if err := w.Forget(t.Context(), ada.Browser); err != nil {
		t.Fatal(err)
	}
	options := w.Begin(ada, g.ID) // nobody is known yet, so nothing speaks against it
	if _, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, ada.Get(options)); !errors.Is(err, login.ErrUnknownDevice) {
		t.Fatalf("got %v, want ErrUnknownDevice", err)
	}
	if got := look(t, w, ada.Visitor(), g.ID); !errors.Is(got.Refusal, login.ErrUnknownDevice) || got.State != grant.Confirming {
		t.Errorf("the page now: got %v, %s; want the refusal, and a grant that can be denied", got.Refusal, got.State)
	}
}

func TestRiskyScopesAreCutForGood(t *testing.T) {
	w := logintest.New(t)
	reduced, passkey := auth.Scopes{"openid", "offline_access"}, auth.DemandPasskey
	w.AddClient(auth.Client{
		ID: "careful", Name: "Careful", Scopes: auth.Scopes{"openid", "files.write", "offline_access"},
		Policy: auth.PolicyChange{ReducedScopes: &reduced, Medium: &passkey},
	})
	ada := w.Join("Ada")
	g, code := w.StartFrom("careful", logintest.Away, logintest.NoKey)
	if got := look(t, w, ada.Visitor(), g.ID).Scopes; !slices.Equal(got, reduced) {
		t.Errorf("the page shows %v, want %v", got, reduced)
	}
	w.Approve(ada, g.ID)
	tokens, err := w.Redeem(t.Context(), w.Request("careful", logintest.NoKey), code)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tokens.Scopes, reduced) {
		t.Errorf("the tokens have %v, want %v", tokens.Scopes, reduced)
	}
	again := w.Refreshing("careful", logintest.NoKey, tokens.Refresh)
	again.Scopes = auth.Scopes{"files.write"}
	if _, err := w.Refresh(t.Context(), again); !errors.Is(err, login.ErrScope) {
		t.Errorf("a refresh for more: got %v, want ErrScope", err)
	}
}

func TestAnUnconfirmedComputerHasReducedScopesForAWhile(t *testing.T) {
	reduced, window := auth.Scopes{"openid"}, time.Hour
	all := auth.Scopes{"openid", "files.write", "offline_access"}
	for name, tt := range map[string]struct {
		meanwhile func(t *testing.T, w *logintest.World, ada *logintest.Person)
		want      auth.Scopes // after a refresh
		next      auth.Scopes // of the same computer's next sign-in
	}{
		"while nobody says anything":    {func(*testing.T, *logintest.World, *logintest.Person) {}, reduced, reduced},
		"until its time is over":        {func(_ *testing.T, w *logintest.World, _ *logintest.Person) { w.Clock.Advance(window) }, all, all},
		"until the person says so":      {confirmAll, all, all},
		"though the policy has changed": {forgetPolicy, reduced, all},
	} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			w.AddClient(auth.Client{
				ID: "careful", Name: "Careful", Scopes: all,
				Policy: auth.PolicyChange{ReducedScopes: &reduced, Unconfirmed: &window},
			})
			ada := w.Join("Ada")
			key := w.Key()
			tokens := w.SignIn(ada, "careful", key)
			if !slices.Equal(tokens.Scopes, reduced) {
				t.Fatalf("at first: got %v, want %v", tokens.Scopes, reduced)
			}
			tt.meanwhile(t, w, ada)
			next, err := w.Refresh(t.Context(), w.Refreshing("careful", key, tokens.Refresh))
			if err != nil || !slices.Equal(next.Scopes, tt.want) {
				t.Errorf("after a refresh: got %v, %v; want %v", next.Scopes, err, tt.want)
			}
			if second := w.SignIn(ada, "careful", key); !slices.Equal(second.Scopes, tt.next) {
				t.Errorf("the same computer's next sign-in: got %v, want %v", second.Scopes, tt.next)
			}
		})
	}
}

func confirmAll(t *testing.T, w *logintest.World, ada *logintest.Person) {
	for _, c := range w.Sessions(ada) {
		if err := w.ConfirmComputer(t.Context(), ada.Visitor(), c.ID); err != nil {
			t.Error(err)
		}
	}
}

func forgetPolicy(_ *testing.T, w *logintest.World, _ *logintest.Person) {
	w.Update(func(tx store.Tx) error {
		c, err := tx.Client("careful")
		if err != nil {
			return err
		}
		c.Policy = auth.PolicyChange{}
		return tx.SetClient(c)
	})
	w.Clock.Advance(3 * time.Second) // for what the service remembers of clients
}

func TestASignInMayBeStartedOnlyFromTheNetworksOfThePolicy(t *testing.T) {
	w := logintest.New(t)
	networks := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	c := w.AddClient(auth.Client{ID: "office", Name: "Office", Policy: auth.PolicyChange{Networks: &networks}})
	if _, _, err := w.Service.Start(t.Context(), login.StartRequest{Client: c, Origin: logintest.Away}); !errors.Is(err, login.ErrNetwork) {
		t.Errorf("from elsewhere: got %v, want ErrNetwork", err)
	}
	if _, _, err := w.Service.Start(t.Context(), login.StartRequest{Client: c, Origin: logintest.Home}); err != nil {
		t.Errorf("from there: got %v, want no error", err)
	}
	w.AddressesUnsure = true
	if _, _, err := w.Service.Start(t.Context(), login.StartRequest{Client: c, Origin: logintest.Home}); !errors.Is(err, login.ErrNetwork) {
		t.Errorf("from what may be a proxy's address: got %v, want ErrNetwork", err)
	}
}

func TestABrowsersOwnSignInAsksForNoNumber(t *testing.T) {
	w := logintest.New(t)
	w.AddClient(auth.Client{ID: "web", Name: "Web", RedirectURIs: []string{"http://127.0.0.1/callback"}})
	ada := w.Join("Ada")
	a := w.Ask("web", logintest.NoKey)
	approval, err := finish(t, w, ada, ada.From(logintest.Away), a.ID)
	if err != nil || approval.Grant.State != grant.Approved {
		t.Errorf("got %s, %v; want it approved", approval.Grant.State, err)
	}
}

func TestBehindAProxyThatNobodyNamedNothingIsKnownOfPlaces(t *testing.T) {
	w := logintest.New(t)
	w.AddressesUnsure = true
	ada := w.Join("Ada")
	g, _ := w.Start(logintest.App)
	sight := look(t, w, ada.Visitor(), g.ID)
	want := risk.Assessment{Level: risk.Medium, Reasons: []risk.Reason{risk.UnknownNetwork}}
	if diff := cmp.Diff(want, sight.Risk); diff != "" || sight.Placed {
		t.Errorf("placed %t, and the risk is other than wanted:\n%s", sight.Placed, diff)
	}
	g, code := w.Start(logintest.App)
	w.ApproveFrom(ada, ada.Visitor(), g.ID)
	w.Fetch(logintest.App, logintest.NoKey, code)
	w.Update(func(tx store.Tx) error {
		if known, err := tx.FamiliarsOf(ada.User.ID); err != nil || len(known) > 0 {
			t.Errorf("got %v, %v; want nothing remembered of the proxy's network", known, err)
		}
		return nil
	})
}

func TestAComputerOfAnotherClientIsNewToThisOne(t *testing.T) {
	w := logintest.New(t)
	yes, reduced, window := true, auth.Scopes{"openid"}, time.Hour
	w.AddClient(auth.Client{ID: "strict", Name: "Strict", Policy: auth.PolicyChange{RequireKnownDevice: &yes}})
	w.AddClient(auth.Client{ID: "careful", Name: "Careful", Policy: auth.PolicyChange{ReducedScopes: &reduced, Unconfirmed: &window}})
	ada, key := w.Join("Ada"), w.Key()
	signInWith(w, ada, key) // for a client that demands nothing
	g, _ := w.StartFrom("strict", logintest.Home, key)
	if _, err := finish(t, w, ada, ada.Visitor(), g.ID); !errors.Is(err, login.ErrUnknownDevice) {
		t.Errorf("where a known device is required: got %v, want ErrUnknownDevice", err)
	}
	if got := w.SignIn(ada, "careful", key); !slices.Equal(got.Scopes, reduced) {
		t.Errorf("where a new one is unconfirmed: got %v, want %v", got.Scopes, reduced)
	}
}

func TestAKnownDeviceIsOneThatSignedInByItsOwnBrowser(t *testing.T) {
	for name, tt := range map[string]struct {
		origin, app netip.Addr
		err         error // of the exchange
		known       bool
	}{
		"on one network":                       {logintest.Home, logintest.Couch, nil, true},
		"but not where it cannot be told":      {logintest.Home, netip.MustParseAddr("2001:db8::9"), nil, false},
		"and not by a code that somebody took": {logintest.Home, logintest.Away, login.ErrElsewhere, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			yes := true
			w.AddClient(auth.Client{
				ID: "strict", Name: "Strict", RedirectURIs: []string{"http://127.0.0.1/callback"},
				Policy: auth.PolicyChange{RequireKnownDevice: &yes},
			})
			ada, key := w.Join("Ada"), w.Key()
			a := w.Ask("strict", key)
			w.Approve(ada, a.ID)
			exchange := w.Exchanging(a, key, w.Code(ada, a))
			exchange.Address = tt.app
			if _, err := w.Exchange(t.Context(), exchange); !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			g, _ := w.StartFrom("strict", logintest.Home, key)
			_, err := finish(t, w, ada, ada.Visitor(), g.ID)
			if known := err == nil; known != tt.known || !known && !errors.Is(err, login.ErrUnknownDevice) {
				t.Errorf("its QR code after that: got %v, want it known: %t", err, tt.known)
			}
			if sessions := w.Sessions(ada); tt.err == nil && (len(sessions) != 1 || sessions[0].Origin != tt.app) {
				t.Errorf("got %d sessions, want one at the app's address", len(sessions))
			}
		})
	}
}

func TestWhoOpensACodeAfterTheClaimIsNoRiskToIt(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, _ := w.Start(logintest.App)
	options := w.Begin(ada, g.ID)
	scan(t, w, logintest.At("another phone"), g.ID)
	if sight := look(t, w, ada.Visitor(), g.ID); !sight.Grant.OpenedTwice || sight.Risk.Level != risk.Low {
		t.Errorf("got opened twice %t, %v; want the warning, and a low risk", sight.Grant.OpenedTwice, sight.Risk)
	}
	if a, err := w.FinishApproval(t.Context(), ada.Visitor(), g.ID, ada.Get(options)); err != nil || a.Grant.State != grant.Approved {
		t.Errorf("got %s, %v; want it approved", a.Grant.State, err)
	}
}

func TestARefusedClaimStillTellsOfTheSecondBrowser(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, _ := w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
	scan(t, w, logintest.At("the first phone"), g.ID)
	if _, err := w.BeginApproval(t.Context(), ada.Visitor(), g.ID); !errors.Is(err, login.ErrRisky) {
		t.Fatalf("got %v, want ErrRisky", err)
	}
	if now, _ := w.Grant(t.Context(), g.ID); !now.OpenedTwice || now.ClaimedBy != "" {
		t.Errorf("got opened twice %t, claimed by %q; want it noted, and nobody's", now.OpenedTwice, now.ClaimedBy)
	}
}
