package phone

import (
	"context"
	"errors"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// What was just done, as it stands in the address of the list.
const (
	saidSignedOut    = "signed-out"
	saidAllSignedOut = "all-signed-out"
	saidReported     = "reported"
	saidConfirmed    = "confirmed"
)

var said = map[string]mobileweb.ComputersSaid{
	saidSignedOut:    mobileweb.SaidSignedOut,
	saidAllSignedOut: mobileweb.SaidAllSignedOut,
	saidReported:     mobileweb.SaidReported,
	saidConfirmed:    mobileweb.SaidConfirmed,
}

// computers lists the desktops that are signed in, for who has just proved a passkey.
func (f *Face) computers(w http.ResponseWriter, r *http.Request) error {
	list, err := f.Login.Computers(r.Context(), f.browser(r).visitor(r))
	if errors.Is(err, login.ErrSignInFirst) {
		f.proveFirst(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	page := mobileweb.Computers{Name: list.User.Name, Said: said[r.URL.Query().Get("done")]}
	for _, c := range list.List {
		page.List = append(page.List, computerOf(c))
	}
	f.show(w, r, http.StatusOK, page)
	return nil
}

// proveFirst leads to the passkey, and from there to the list.
func (f *Face) proveFirst(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, f.at("/signin?next=devices"), http.StatusSeeOther)
}

func computerOf(c login.Computer) mobileweb.Computer {
	row := mobileweb.Computer{
		ID:          string(c.Session.ID),
		AppName:     c.Client.Name,
		DeviceName:  c.Session.Device.Name,
		Platform:    c.Session.Device.Platform,
		Place:       c.Place.Name,
		First:       c.Session.CreatedAt,
		Last:        c.Session.RotatedAt,
		Bound:       c.Session.KeyThumbprint != "",
		Unconfirmed: c.Unconfirmed,
	}
	if c.Session.Origin.IsValid() {
		row.Address = c.Session.Origin.String()
	}
	return row
}

// onComputer does something about one of the desktops and leads back to the list,
// which says what was done.
func (f *Face) onComputer(do func(context.Context, login.Visitor, auth.SessionID) error, done string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := do(r.Context(), f.browser(r).visitor(r), auth.SessionID(r.PathValue("id")))
		return f.backToComputers(w, r, err, done)
	}
}

func (f *Face) signOutEverywhere(w http.ResponseWriter, r *http.Request) error {
	_, err := f.Login.SignOutComputers(r.Context(), f.browser(r).visitor(r))
	return f.backToComputers(w, r, err, saidAllSignedOut)
}

func (f *Face) backToComputers(w http.ResponseWriter, r *http.Request, err error, done string) error {
	if errors.Is(err, login.ErrSignInFirst) {
		f.proveFirst(w, r)
		return nil
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, f.at(wire.PathComputers)+"?done="+done, http.StatusSeeOther)
	return nil
}
