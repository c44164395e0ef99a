package login_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

const browser auth.BrowserID = "a new phone"

// invite hands out an invitation, for an existing account when user is set.
func invite(w *logintest.World, user auth.UserID, name string) secret.Text {
	token := secret.Must()
	now := w.Clock.Now().UTC().Truncate(time.Microsecond)
	w.Update(func(tx store.Tx) error {
		return tx.AddInvitation(auth.Invitation{
			Hash: token.Hash(), UserID: user, Name: name, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		})
	})
	return token
}

// join runs a whole creation in a browser.
func join(t *testing.T, w *logintest.World, b auth.BrowserID, r login.JoinRequest) (*passkeytest.Phone, login.Joined, error) {
	t.Helper()
	phone := passkeytest.NewPhone(t, w.Issuer)
	handle, options, err := w.BeginJoin(t.Context(), b, r)
	if err != nil {
		return phone, login.Joined{}, err
	}
	joined, err := w.FinishJoin(t.Context(), logintest.At(b), handle, phone.Create(options))
	return phone, joined, err
}

func TestANewAccountHasTenRecoveryCodes(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	seen := make(map[string]bool)
	for _, c := range ada.RecoveryCodes {
		seen[login.FormatRecoveryCode(c)] = true
	}
	if len(seen) != 10 {
		t.Errorf("got %d different codes, want 10", len(seen))
	}
	account, err := w.Account(t.Context(), ada.Browser)
	if err != nil || account.RecoveryCodes != 10 || len(account.Passkeys) != 1 {
		t.Errorf("the account has %d codes and %d passkeys, %v; want 10 and 1", account.RecoveryCodes, len(account.Passkeys), err)
	}
}

func TestJoinIsRefused(t *testing.T) {
	tests := []struct {
		name    string
		request func(w *logintest.World, ada *logintest.Person) login.JoinRequest
		err     error
	}{
		{"without a name", func(*logintest.World, *logintest.Person) login.JoinRequest {
			return login.JoinRequest{Name: " \u202e\n"}
		}, login.ErrName},
		{"with a name that is too long", func(*logintest.World, *logintest.Person) login.JoinRequest {
			return login.JoinRequest{Name: strings.Repeat("é", 65)}
		}, login.ErrNameTooLong},
		{"when registration is closed and nobody invited", func(w *logintest.World, _ *logintest.Person) login.JoinRequest {
			w.OpenRegistration = false
			return login.JoinRequest{Name: "Eve"}
		}, login.ErrJoinClosed},
		{"with an invitation that was never handed out", func(*logintest.World, *logintest.Person) login.JoinRequest {
			return login.JoinRequest{Name: "Eve", Invitation: secret.Must()}
		}, login.ErrInvitation},
		{"with an invitation that has expired", func(w *logintest.World, _ *logintest.Person) login.JoinRequest {
			inv := invite(w, "", "Bob")
			w.Clock.Advance(time.Hour)
			return login.JoinRequest{Invitation: inv}
		}, login.ErrInvitation},
		{"with an invitation for a disabled account", func(w *logintest.World, ada *logintest.Person) login.JoinRequest {
			inv := invite(w, ada.User.ID, "")
			disable(w, ada.User)
			return login.JoinRequest{Invitation: inv}
		}, login.ErrNoAccount},
		{"with a recovery code that nobody has", func(*logintest.World, *logintest.Person) login.JoinRequest {
			return login.JoinRequest{RecoveryCode: login.ParseRecoveryCode("AAAAA-AAAAA-AAAAA-AAAAA")}
		}, login.ErrRecoveryCode},
		{"with a recovery code of a disabled account", func(w *logintest.World, ada *logintest.Person) login.JoinRequest {
			disable(w, ada.User)
			return login.JoinRequest{RecoveryCode: ada.RecoveryCodes[0]}
		}, login.ErrNoAccount},
		{"for another passkey in a stranger's browser", func(*logintest.World, *logintest.Person) login.JoinRequest {
			return login.JoinRequest{Another: true}
		}, login.ErrSignInFirst},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := logintest.New(t)
			ada := w.Join("Ada")
			if _, _, err := join(t, w, browser, tt.request(w, ada)); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
}

func TestAnInvitationWorksOnce(t *testing.T) {
	w := logintest.New(t)
	w.OpenRegistration = false
	inv := invite(w, "", "Bob")
	if got, err := w.Invited(t.Context(), inv); err != nil || got != (login.Invited{Name: "Bob"}) {
		t.Fatalf("the page shows %+v, %v; want Bob, new", got, err)
	}
	handles, answers := make([]secret.Text, 5), make([][]byte, 5)
	for i := range handles { // all begin before one has ended
		handle, options, err := w.BeginJoin(t.Context(), browser, login.JoinRequest{Invitation: inv})
		if err != nil {
			t.Fatal(err)
		}
		handles[i], answers[i] = handle, passkeytest.NewPhone(t, w.Issuer).Create(options)
	}
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for i, handle := range handles {
		answer := answers[i]
		all.Go(func() {
			switch _, err := w.FinishJoin(t.Context(), logintest.At(browser), handle, answer); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, login.ErrInvitation):
				lost.Add(1)
			default:
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != 4 {
		t.Errorf("%d joined and %d were refused, want 1 and 4", won.Load(), lost.Load())
	}
	if _, err := w.Invited(t.Context(), inv); !errors.Is(err, login.ErrInvitation) {
		t.Errorf("afterwards: got %v, want ErrInvitation", err)
	}
	var users []auth.User
	w.Update(func(tx store.Tx) (err error) { users, err = tx.Users(); return err })
	if len(users) != 1 {
		t.Errorf("%d accounts were made, want 1", len(users))
	}
}

func TestANameOfOnesOwnWinsOverTheInvitations(t *testing.T) {
	w := logintest.New(t)
	_, joined, err := join(t, w, browser, login.JoinRequest{Name: "Robert", Invitation: invite(w, "", "Bob")})
	if err != nil || joined.User.Name != "Robert" {
		t.Errorf("got %q, %v; want Robert", joined.User.Name, err)
	}
}

func TestAnInvitationWithoutANameAsksForOne(t *testing.T) {
	w := logintest.New(t)
	if got, err := w.Invited(t.Context(), invite(w, "", "")); err != nil || got.Existing {
		t.Errorf("got %+v, %v; want a new account without a name yet", got, err)
	}
}

func TestRecovery(t *testing.T) {
	tests := []struct {
		name    string
		request func(w *logintest.World, ada *logintest.Person) login.JoinRequest
		left    int // recovery codes
	}{
		{"by a recovery code, typed as people type", func(_ *logintest.World, ada *logintest.Person) login.JoinRequest {
			typed := strings.ToLower(strings.ReplaceAll(login.FormatRecoveryCode(ada.RecoveryCodes[3]), "-", " "))
			return login.JoinRequest{RecoveryCode: login.ParseRecoveryCode(typed)}
		}, 9},
		{"by an operator's invitation for the account", func(w *logintest.World, ada *logintest.Person) login.JoinRequest {
			return login.JoinRequest{Invitation: invite(w, ada.User.ID, "")}
		}, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := logintest.New(t)
			ada := w.Join("Ada")
			w.OpenRegistration = false
			request := tt.request(w, ada)
			phone, joined, err := join(t, w, browser, request)
			if err != nil {
				t.Fatal(err)
			}
			if joined.User.ID != ada.User.ID || len(joined.RecoveryCodes) != 0 {
				t.Errorf("got %q with %d new codes, want the same account and its old codes", joined.User.Name, len(joined.RecoveryCodes))
			}
			account, err := w.Account(t.Context(), browser)
			if err != nil || len(account.Passkeys) != 2 || account.RecoveryCodes != tt.left {
				t.Errorf("got %d passkeys and %d codes, %v; want 2 and %d", len(account.Passkeys), account.RecoveryCodes, err, tt.left)
			}
			g, _ := w.Start(logintest.App)
			w.Approve(&logintest.Person{Phone: phone, Browser: browser}, g.ID)
			if _, _, err := join(t, w, browser, request); err == nil {
				t.Error("the same leave worked twice")
			}
		})
	}
}

func TestAJoinThatFailsConsumesItsCeremonyAndNothingElse(t *testing.T) {
	w := logintest.New(t)
	inv := invite(w, "", "Bob")
	phone := passkeytest.NewPhone(t, w.Issuer)
	handle, options, err := w.BeginJoin(t.Context(), browser, login.JoinRequest{Invitation: inv})
	if err != nil {
		t.Fatal(err)
	}
	good := phone.Create(options)
	if _, err := w.FinishJoin(t.Context(), logintest.At(browser), handle, []byte("{}")); !errors.Is(err, login.ErrPasskey) {
		t.Fatalf("a bad answer: got %v, want ErrPasskey", err)
	}
	if _, err := w.FinishJoin(t.Context(), logintest.At(browser), handle, good); !errors.Is(err, login.ErrCeremony) {
		t.Errorf("a good answer afterwards: got %v, want ErrCeremony", err)
	}
	if _, err := w.Invited(t.Context(), inv); err != nil {
		t.Errorf("the invitation is gone: %v", err)
	}
}

func TestACeremonyBelongsToItsBrowserAndItsKind(t *testing.T) {
	w := logintest.New(t)
	phone := passkeytest.NewPhone(t, w.Issuer)
	handle, options, err := w.BeginJoin(t.Context(), browser, login.JoinRequest{Name: "Bob"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.FinishJoin(t.Context(), logintest.At("another browser"), handle, phone.Create(options)); !errors.Is(err, login.ErrCeremony) {
		t.Errorf("another browser: got %v, want ErrCeremony", err)
	}
	handle, options, err = w.BeginJoin(t.Context(), browser, login.JoinRequest{Name: "Bob"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.FinishSignIn(t.Context(), logintest.At(browser), handle, phone.Create(options)); !errors.Is(err, login.ErrCeremony) {
		t.Errorf("another kind: got %v, want ErrCeremony", err)
	}
	handle, options, err = w.BeginJoin(t.Context(), browser, login.JoinRequest{Name: "Bob"})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(passkey.Timeout)
	if _, err := w.FinishJoin(t.Context(), logintest.At(browser), handle, phone.Create(options)); !errors.Is(err, login.ErrCeremony) {
		t.Errorf("after its time: got %v, want ErrCeremony", err)
	}
}

func TestSignIn(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	if _, err := w.Account(t.Context(), browser); !errors.Is(err, login.ErrSignInFirst) {
		t.Fatalf("a stranger's browser: got %v, want ErrSignInFirst", err)
	}
	handle, options, err := w.BeginSignIn(t.Context(), browser)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := w.FinishSignIn(t.Context(), logintest.At(browser), handle, ada.Get(options)); err != nil || who.ID != ada.User.ID {
		t.Fatalf("got %q, %v; want Ada", who.Name, err)
	}
	if a, err := w.Account(t.Context(), browser); err != nil || a.User.Name != "Ada" {
		t.Errorf("the account: got %q, %v; want Ada's", a.User.Name, err)
	}
	if err := w.Forget(t.Context(), browser); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Account(t.Context(), browser); !errors.Is(err, login.ErrSignInFirst) {
		t.Errorf("after signing out: got %v, want ErrSignInFirst", err)
	}
	if err := w.Forget(t.Context(), browser); err != nil {
		t.Errorf("signing out twice: %v", err)
	}
}

func TestChangingPasskeysTakesAFreshProof(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	account, err := w.Account(t.Context(), ada.Browser)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RemovePasskey(t.Context(), ada.Visitor(), account.Passkeys[0].ID); !errors.Is(err, login.ErrLastPasskey) {
		t.Errorf("the last passkey: got %v, want ErrLastPasskey", err)
	}
	if _, _, err := join(t, w, ada.Browser, login.JoinRequest{Another: true}); err != nil {
		t.Fatalf("another passkey, fresh: %v", err)
	}
	eve := w.Join("Eve")
	if err := w.RemovePasskey(t.Context(), eve.Visitor(), account.Passkeys[0].ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another account's passkey: got %v, want ErrNotFound", err)
	}
	w.Clock.Advance(11 * time.Minute)
	if _, _, err := join(t, w, ada.Browser, login.JoinRequest{Another: true}); !errors.Is(err, login.ErrSignInFirst) {
		t.Errorf("another passkey, stale: got %v, want ErrSignInFirst", err)
	}
	if err := w.RemovePasskey(t.Context(), ada.Visitor(), account.Passkeys[0].ID); !errors.Is(err, login.ErrSignInFirst) {
		t.Errorf("removing, stale: got %v, want ErrSignInFirst", err)
	}
	if _, err := w.NewRecoveryCodes(t.Context(), ada.Visitor()); !errors.Is(err, login.ErrSignInFirst) {
		t.Errorf("new codes, stale: got %v, want ErrSignInFirst", err)
	}
	handle, options, err := w.BeginSignIn(t.Context(), ada.Browser)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.FinishSignIn(t.Context(), ada.Visitor(), handle, ada.Get(options)); err != nil {
		t.Fatal(err)
	}
	if err := w.RemovePasskey(t.Context(), ada.Visitor(), account.Passkeys[0].ID); err != nil {
		t.Errorf("removing one of two, fresh: %v", err)
	}
}

func TestALostPhoneIsForgotten(t *testing.T) {
	forgotten := func(w *logintest.World, b auth.BrowserID) bool {
		_, err := w.Account(t.Context(), b)
		return errors.Is(err, login.ErrSignInFirst)
	}
	t.Run("when its passkey is removed on another", func(t *testing.T) {
		w := logintest.New(t)
		ada := w.Join("Ada")
		if _, _, err := join(t, w, browser, login.JoinRequest{Invitation: invite(w, ada.User.ID, "")}); err != nil {
			t.Fatal(err)
		}
		handle, options, err := w.BeginSignIn(t.Context(), ada.Browser)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.FinishSignIn(t.Context(), ada.Visitor(), handle, ada.Get(options)); err != nil {
			t.Fatal(err)
		}
		account, err := w.Account(t.Context(), browser)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RemovePasskey(t.Context(), logintest.At(browser), account.Passkeys[0].ID); err != nil {
			t.Fatal(err)
		}
		if !forgotten(w, ada.Browser) || forgotten(w, browser) {
			t.Error("want the lost phone forgotten and the one at hand known")
		}
	})
	t.Run("when its owner comes back by a recovery code", func(t *testing.T) {
		w := logintest.New(t)
		ada := w.Join("Ada")
		if _, _, err := join(t, w, browser, login.JoinRequest{RecoveryCode: ada.RecoveryCodes[0]}); err != nil {
			t.Fatal(err)
		}
		if !forgotten(w, ada.Browser) || forgotten(w, browser) {
			t.Error("want the lost phone forgotten and the one at hand known")
		}
	})
}

func TestNewRecoveryCodesVoidTheOldOnes(t *testing.T) {
	w := logintest.New(t)
	ada := w.Join("Ada")
	codes, err := w.NewRecoveryCodes(t.Context(), ada.Visitor())
	if err != nil || len(codes) != 10 {
		t.Fatalf("got %d codes, %v; want 10", len(codes), err)
	}
	if _, _, err := join(t, w, browser, login.JoinRequest{RecoveryCode: ada.RecoveryCodes[0]}); !errors.Is(err, login.ErrRecoveryCode) {
		t.Errorf("an old code: got %v, want ErrRecoveryCode", err)
	}
	if _, _, err := join(t, w, browser, login.JoinRequest{RecoveryCode: codes[0]}); err != nil {
		t.Errorf("a new code: %v", err)
	}
}
