package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

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
	g, err = f.confirmNumber(r.Context(), g, number, from)
	if isWrongNumber(err) {
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

// confirmNumber brings a number to its grant, within the peer's budget of wrong ones
// over all grants. A number that the grant does not await is refused before that: not
// even for a moment does it hold a place that an honest number may need.
func (f *Face) confirmNumber(ctx context.Context, g grant.Grant, number string, from netip.Addr) (after grant.Grant, err error) {
	if _, err := g.Confirm(f.Login.Now(), g.ClientID, number); err != nil && !isWrongNumber(err) {
		return g, err
	}
	err = f.Budgets.Number(time.Now(), from, isWrongNumber, func() (err error) {
		after, err = f.Login.ConfirmNumber(ctx, g.ClientID, g.ID, number, from)
		return err
	})
	return after, err
}

func isWrongNumber(err error) bool { return errors.Is(err, grant.ErrNumber) }

// wrongNumber is what a wrong number has made of the grant.
func wrongNumber(g grant.Grant) error {
	if g.NumberFailed() {
		return grant.ErrNumberFailed
	}
	return errNumber{g.TriesLeft()}
}
