package login_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
)

func TestWhatTheAuditLogTells(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(t *testing.T, w *logintest.World, ada *logintest.Person)
		want []auth.EventType
	}{
		"nothing of what is only begun": {
			func(_ *testing.T, w *logintest.World, _ *logintest.Person) { w.Start(logintest.App) }, nil,
		},
		"a sign-in": {
			func(_ *testing.T, w *logintest.World, ada *logintest.Person) { signInWith(w, ada, w.Key()) },
			[]auth.EventType{auth.EventApproved, auth.EventSignedIn},
		},
		"one with a number, wrong at first": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := awaiting(t, w, ada)
				_, _ = w.ConfirmNumber(t.Context(), logintest.App, g.ID, another(g.Number), logintest.Away)
				_, _ = w.ConfirmNumber(t.Context(), logintest.App, g.ID, g.Number, logintest.Away)
			},
			[]auth.EventType{auth.EventApproved, auth.EventNumberWrong, auth.EventConfirmed},
		},
		"three wrong numbers": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := awaiting(t, w, ada)
				for range grant.NumberTries {
					_, _ = w.ConfirmNumber(t.Context(), logintest.App, g.ID, another(g.Number), logintest.Away)
				}
			},
			[]auth.EventType{auth.EventApproved, auth.EventNumberWrong, auth.EventNumberWrong, auth.EventNumberWrong, auth.EventDenied},
		},
		"a code that a second browser opens, once": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := w.Start(logintest.App)
				scan(t, w, ada.Visitor(), g.ID)
				scan(t, w, logintest.At("another"), g.ID)
				scan(t, w, logintest.At("a third"), g.ID)
			},
			[]auth.EventType{auth.EventOpenedTwice},
		},
		"a browser that would decide what another has claimed": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := w.Start(logintest.App)
				w.Begin(ada, g.ID)
				_, _ = w.BeginApproval(t.Context(), logintest.At("another"), g.ID)
			},
			[]auth.EventType{auth.EventClaimRefused},
		},
		"what a stranger repeats, once": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := w.Start(logintest.App)
				w.Begin(ada, g.ID)
				for range 3 {
					_, _ = w.BeginApproval(t.Context(), logintest.At("another"), g.ID)
					_ = w.Deny(t.Context(), logintest.At("another"), g.ID)
					w.Begin(ada, g.ID)
					_, _ = w.FinishApproval(t.Context(), ada.Visitor(), g.ID, []byte("{}"))
				}
			},
			[]auth.EventType{auth.EventClaimRefused, auth.EventPasskeyFailed},
		},
		"an answer that does not hold": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := w.Start(logintest.App)
				w.Begin(ada, g.ID)
				_, _ = w.FinishApproval(t.Context(), ada.Visitor(), g.ID, []byte("{}"))
			},
			[]auth.EventType{auth.EventPasskeyFailed},
		},
		"a denial": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := w.Start(logintest.App)
				_ = w.Deny(t.Context(), ada.Visitor(), g.ID)
			},
			[]auth.EventType{auth.EventDenied},
		},
		"what the policy refuses": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
				scan(t, w, ada.Visitor(), g.ID)
				scan(t, w, logintest.At("another"), g.ID)
				_, _ = w.BeginApproval(t.Context(), ada.Visitor(), g.ID)
			},
			[]auth.EventType{auth.EventOpenedTwice, auth.EventRefused},
		},
		"a cancel by the desktop after somebody opened it": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				g, _ := w.Start(logintest.App)
				scan(t, w, ada.Visitor(), g.ID)
				_ = w.Cancel(t.Context(), logintest.App, g.ID, logintest.Home)
				_ = w.Cancel(t.Context(), logintest.App, g.ID, logintest.Home)
			},
			[]auth.EventType{auth.EventCancelled},
		},
		"the ends of sessions": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				tokens := w.SignIn(ada, logintest.App, logintest.NoKey)
				_ = w.Revoke(t.Context(), logintest.App, tokens.Access, logintest.Home)
				tokens = w.SignIn(ada, logintest.App, logintest.NoKey)
				_, _ = w.Refresh(t.Context(), w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh))
				_, _ = w.Refresh(t.Context(), w.Refreshing(logintest.App, logintest.NoKey, tokens.Refresh))
				w.SignIn(ada, logintest.App, logintest.NoKey)
				_ = w.ReportComputer(t.Context(), ada.Visitor(), w.Sessions(ada)[0].ID)
			},
			[]auth.EventType{
				auth.EventApproved, auth.EventSignedIn, auth.EventSignedOut,
				auth.EventApproved, auth.EventSignedIn, auth.EventReused,
				auth.EventApproved, auth.EventSignedIn, auth.EventReported,
			},
		},
		"a passkey that does not hold, at the account's door": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				handle, _, _ := w.BeginSignIn(t.Context(), ada.Browser)
				_, _ = w.FinishSignIn(t.Context(), ada.Visitor(), handle, []byte("{}"))
			},
			[]auth.EventType{auth.EventPhoneRefused},
		},
		"what people do with their account": {
			func(t *testing.T, w *logintest.World, ada *logintest.Person) {
				handle, options, _ := w.BeginSignIn(t.Context(), ada.Browser)
				_, _ = w.FinishSignIn(t.Context(), ada.Visitor(), handle, ada.Get(options))
				_, _ = w.NewRecoveryCodes(t.Context(), ada.Visitor())
			},
			[]auth.EventType{auth.EventPhoneSignedIn, auth.EventCodesRenewed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := logintest.New(t)
			ada := w.Join("Ada")
			before := len(w.Audited()) // the account's creation
			tt.do(t, w, ada)
			var got []auth.EventType
			for _, r := range w.Audited()[before:] {
				got = append(got, r.Type)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAnAuditRecordSaysWhoWhatFromWhereAndByWhichClient(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	key := w.Key()
	g, code := w.StartFrom(logintest.App, logintest.Away, key)
	w.ApproveFrom(ada, ada.Visitor(), g.ID)
	w.Fetch(logintest.App, key, code)
	records := w.Audited()
	approved, signedIn := records[len(records)-3], records[len(records)-1]

	if approved.Type != auth.EventApproved || approved.Actor != auth.ActorPerson || approved.ClientID != logintest.App ||
		approved.Risk != "medium" || !slices.Equal(approved.Reasons, []string{"other_network"}) {
		t.Errorf("got %+v", approved)
	}
	want := auth.Personal{
		UserID: ada.User.ID, UserName: "Ada", GrantID: g.ID, Browser: ada.Browser,
		Address: logintest.Couch, DesktopOrigin: logintest.Away, DeviceName: "ALICE-PC", KeyThumbprint: key.Thumbprint(),
	}
	if got := personal(t, approved); got.Passkey == "" || without(got) != want {
		t.Errorf("got %+v, want %+v and a passkey", got, want)
	}
	want.SessionID, want.Browser, want.Address = w.Sessions(ada)[0].ID, "", logintest.Home
	if got := personal(t, signedIn); signedIn.Actor != auth.ActorDesktop || without(got) != want {
		t.Errorf("got %s, %+v; want the desktop, %+v", signedIn.Actor, got, want)
	}
}

func personal(t *testing.T, r auth.AuditRecord) (p auth.Personal) {
	t.Helper()
	if err := json.Unmarshal(r.Personal, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func without(p auth.Personal) auth.Personal {
	p.Passkey = ""
	return p
}

func TestTheAuditLogHasNoSecretsInIt(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	g, code := w.StartFrom(logintest.App, logintest.Away, logintest.NoKey)
	approval, err := finish(t, w, ada, ada.Visitor(), g.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ConfirmNumber(t.Context(), logintest.App, g.ID, approval.Grant.Number, logintest.Away); err != nil {
		t.Fatal(err)
	}
	tokens := w.Fetch(logintest.App, logintest.NoKey, code)
	link, _ := w.LinkKey(t.Context(), g.Code)
	_ = w.Revoke(t.Context(), logintest.App, tokens.Access, logintest.Home)
	text, err := json.Marshal(w.Audited())
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{
		"device code": code.Reveal(), "user code": string(g.Code), "link key": link,
		"access token": tokens.Access.Reveal(), "refresh token": tokens.Refresh.Reveal(), "ID token": tokens.ID.Reveal(),
		"recovery code": ada.RecoveryCodes[0].Reveal(),
	} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the %s is in the log", name)
		}
	}
}

func TestALinkKeyIsThatOfItsCode(t *testing.T) {
	w := logintest.New(t)
	g, _ := w.Start(logintest.App)
	sight, err := w.Open(t.Context(), logintest.At("phone"), g.Code)
	if err != nil || len(sight.LinkKey) != 8 {
		t.Fatalf("got %q, %v; want a key of eight characters", sight.LinkKey, err)
	}
	other, _ := w.Start(logintest.App)
	for name, tt := range map[string]struct {
		service *login.Service
		key     string
		want    bool
	}{
		"its own":             {w.Service, sight.LinkKey, true},
		"at another node":     {w.Node(), sight.LinkKey, true},
		"none":                {w.Service, "", false},
		"a part of it":        {w.Service, sight.LinkKey[:7], false},
		"in another case":     {w.Service, strings.ToUpper(sight.LinkKey) + "x", false},
		"that of another one": {w.Service, look(t, w, logintest.At("phone"), other.ID).LinkKey, false},
	} {
		if got, err := tt.service.LinkHolds(t.Context(), g.Code, tt.key); got != tt.want || err != nil {
			t.Errorf("%s: got %t, %v; want %t", name, got, err, tt.want)
		}
	}
}
