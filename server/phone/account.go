package phone

import (
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/mobileweb"
)

func (f *Face) signIn(w http.ResponseWriter, r *http.Request) error {
	f.welcome(w, r)
	query := r.URL.Query()
	f.show(w, r, http.StatusOK, mobileweb.SignIn{Again: query.Has("again"), Next: landingOf(query.Get("next"))})
	return nil
}

func (f *Face) signInBegin(w http.ResponseWriter, r *http.Request) error {
	if err := f.Budgets.SignIn(time.Now(), peer.Address(r)); err != nil {
		return err
	}
	handle, options, err := f.Login.BeginSignIn(r.Context(), f.welcome(w, r).id())
	if err != nil {
		return err
	}
	return respondBegun(w, handle, options)
}

func (f *Face) signInFinish(w http.ResponseWriter, r *http.Request) error {
	var in answered
	if err := read(w, r, &in); err != nil {
		return err
	}
	if _, err := f.Login.FinishSignIn(r.Context(), f.browser(r).visitor(r), secret.From(in.Ceremony), in.Credential); err != nil {
		return err
	}
	respond(w, http.StatusOK, location{Location: f.at("/" + landingOf(in.Next))})
	return nil
}

// landingOf is where a sign-in leads: one of the two pages, whatever it was asked for.
func landingOf(next string) string {
	if next == "devices" {
		return next
	}
	return "account"
}

// signOutHere makes this phone a stranger and leads back to the sign-in that
// waits, which then takes any passkey.
func (f *Face) signOutHere(w http.ResponseWriter, r *http.Request) error {
	b := f.browser(r)
	if err := f.Login.Forget(r.Context(), b.id()); err != nil {
		return err
	}
	next := f.at("/signin")
	if id, err := b.opened(r.PostFormValue("for")); err == nil {
		next = f.at("/confirm/" + b.opening(id))
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

func (f *Face) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := f.Login.Forget(r.Context(), f.browser(r).id()); err != nil {
		return err
	}
	http.Redirect(w, r, f.at("/signin"), http.StatusSeeOther)
	return nil
}

func (f *Face) account(w http.ResponseWriter, r *http.Request) error {
	a, err := f.Login.Account(r.Context(), f.browser(r).id())
	if errors.Is(err, login.ErrSignInFirst) {
		http.Redirect(w, r, f.at("/signin"), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	f.show(w, r, http.StatusOK, accountPage(a))
	return nil
}

func accountPage(a login.Account) mobileweb.Account {
	page := mobileweb.Account{Name: a.User.Name, RecoveryCodesLeft: a.RecoveryCodes}
	for _, p := range a.Passkeys {
		page.Passkeys = append(page.Passkeys, mobileweb.Passkey{
			ID:       base64.RawURLEncoding.EncodeToString(p.ID),
			Label:    provider(p.AAGUID),
			Created:  p.CreatedAt,
			LastUsed: p.LastUsedAt,
		})
	}
	number(page.Passkeys)
	return page
}

func (f *Face) passkeyBegin(w http.ResponseWriter, r *http.Request) error {
	return f.beginJoin(w, r, login.JoinRequest{Another: true})
}

func (f *Face) passkeyFinish(w http.ResponseWriter, r *http.Request) error {
	if _, _, _, err := f.endJoin(w, r); err != nil {
		return err
	}
	respond(w, http.StatusOK, location{Location: f.at("/account")})
	return nil
}

func (f *Face) passkeyRemove(w http.ResponseWriter, r *http.Request) error {
	id, err := base64.RawURLEncoding.DecodeString(r.PathValue("id"))
	if err != nil {
		return errNotFound
	}
	if err := f.Login.RemovePasskey(r.Context(), f.browser(r).visitor(r), id); err != nil {
		return err
	}
	http.Redirect(w, r, f.at("/account"), http.StatusSeeOther)
	return nil
}

func (f *Face) newRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	codes, err := f.Login.NewRecoveryCodes(r.Context(), f.browser(r).visitor(r))
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, location{Location: f.at("/recovery-codes"), RecoveryCodes: plain(codes)})
	return nil
}
