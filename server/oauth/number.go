package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// deviceConfirmation takes the number from a desktop that has no socket open. The
// client proves who it is as at the token endpoint.
func (f *Face) deviceConfirmation(w http.ResponseWriter, r *http.Request) error {
	body, err := readForm(w, r)
	if err != nil {
		return err
	}
	client, err := f.client(r, body)
	if err != nil {
		return err
	}
	deviceCode, err := body.need(wire.ParamDeviceCode)
	if err != nil {
		return err
	}
	number, err := body.number()
	if err != nil {
		return err
	}
	from := peer.Address(r)
	g, err := f.Login.GrantOf(r.Context(), client.ID, secret.From(deviceCode))
	if err != nil {
		return f.guessed(err, from)
	}
	g, err = f.confirmNumber(r.Context(), client.ID, g.ID, number, from)
	if errors.Is(err, grant.ErrNumber) {
		return wrongNumber(g)
	}
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, wire.DeviceConfirmation{State: wire.StateApproved})
	return nil
}

// number reads what the person has typed on the desktop.
func (f form) number() (string, error) {
	text, err := f.need(wire.ParamNumber)
	if err != nil {
		return "", err
	}
	number, err := wire.ParseNumber(text)
	if err != nil {
		return "", errRequest(wire.ParamNumber + ": " + err.Error())
	}
	return number, nil
}

// confirmNumber brings a number to its grant, within the peer's budget over all grants.
func (f *Face) confirmNumber(ctx context.Context, client auth.ClientID, id auth.GrantID, number string, from netip.Addr) (grant.Grant, error) {
	if err := f.Budgets.Number(time.Now(), from); err != nil {
		return grant.Grant{}, err
	}
	return f.Login.ConfirmNumber(ctx, client, id, number, from)
}

// wrongNumber is what a wrong number has made of the grant.
func wrongNumber(g grant.Grant) error {
	if g.NumberFailed() {
		return grant.ErrNumberFailed
	}
	return errNumber{g.TriesLeft()}
}
