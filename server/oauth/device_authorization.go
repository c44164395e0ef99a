package oauth

import (
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// deviceAuthorization begins a grant (RFC 8628 section 3.1 and 3.2). A DPoP proof, or
// dpop_jkt, binds it to a key.
func (f *Face) deviceAuthorization(w http.ResponseWriter, r *http.Request) error {
	request, err := f.wish(w, r)
	if err != nil {
		return err
	}
	g, deviceCode, err := f.Login.Start(r.Context(), request)
	if err != nil {
		return err
	}
	complete, err := f.verificationURIComplete(r.Context(), g.Code)
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, wire.DeviceAuthorization{
		DeviceCode:              deviceCode.Reveal(),
		UserCode:                g.Code.String(),
		VerificationURI:         f.verificationURI(),
		VerificationURIComplete: complete,
		ExpiresIn:               int(g.ExpiresAt.Sub(g.CreatedAt).Seconds()),
		Interval:                int(g.Interval.Seconds()),
		PushURI:                 f.pushURI(),
	})
	return nil
}

// wish reads the request of a device, and what proves it.
func (f *Face) wish(w http.ResponseWriter, r *http.Request) (login.StartRequest, error) {
	body, err := readForm(w, r)
	if err != nil {
		return login.StartRequest{}, err
	}
	client, err := f.client(r, body)
	if err != nil {
		return login.StartRequest{}, err
	}
	request, err := f.admit(r, client)
	if err != nil {
		return request, err
	}
	if request, err = startRequest(request, body); err != nil {
		return request, err
	}
	request.Proof, err = f.proof(r, secret.Text{})
	return request, err
}

// admit begins a request of the client, within its budget and the peer's.
func (f *Face) admit(r *http.Request, client auth.Client) (login.StartRequest, error) {
	from := peer.Address(r)
	crowded, err := f.Budgets.Start(time.Now(), from, string(client.ID))
	return login.StartRequest{Client: client, Origin: from, Crowded: crowded}, err
}

// maxNonce bounds the client's nonce, in bytes: it stands in every ID token.
const maxNonce = 512

// startRequest adds what a device authorization and an authorization request have in common.
func startRequest(s login.StartRequest, body form) (_ login.StartRequest, err error) {
	s.Nonce = body.get(wire.ParamNonce)
	s.Device = auth.Device{
		Name:       body.get(wire.ParamDeviceName),
		Platform:   body.get(wire.ParamDevicePlatform),
		AppVersion: body.get(wire.ParamAppVersion),
	}
	if len(s.Nonce) > maxNonce {
		return s, errRequest(wire.ParamNonce + " is too long")
	}
	if s.Scopes, err = auth.ParseScopes(body.get(wire.ParamScope)); err != nil {
		return s, err
	}
	if s.Resources, err = body.resources(); err != nil {
		return s, err
	}
	s.KeyThumbprint, err = keyThumbprint(body)
	return s, err
}
