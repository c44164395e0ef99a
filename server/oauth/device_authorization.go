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
	if wait := f.starts.Take(time.Now(), peer.Address(r)); wait > 0 {
		return errBudget{wait}
	}
	body, err := readForm(w, r)
	if err != nil {
		return err
	}
	client, err := f.client(r, body)
	if err != nil {
		return err
	}
	request, err := startRequest(r, body, client)
	if err != nil {
		return err
	}
	if request.Proof, err = f.proof(r, secret.Text{}); err != nil {
		return err
	}
	g, deviceCode, err := f.Login.Start(r.Context(), request)
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, wire.DeviceAuthorization{
		DeviceCode:              deviceCode.Reveal(),
		UserCode:                g.Code.String(),
		VerificationURI:         f.verificationURI(),
		VerificationURIComplete: f.verificationURIComplete(g.Code),
		ExpiresIn:               int(g.ExpiresAt.Sub(g.CreatedAt).Seconds()),
		Interval:                int(g.Interval.Seconds()),
		PushURI:                 f.pushURI(),
	})
	return nil
}

// maxNonce bounds the client's nonce, in bytes: it stands in every ID token.
const maxNonce = 512

// startRequest reads what a device authorization and an authorization request have in common.
func startRequest(r *http.Request, body form, client auth.Client) (s login.StartRequest, err error) {
	s = login.StartRequest{
		Client: client,
		Nonce:  body.get(wire.ParamNonce),
		Device: auth.Device{
			Name:       body.get(wire.ParamDeviceName),
			Platform:   body.get(wire.ParamDevicePlatform),
			AppVersion: body.get(wire.ParamAppVersion),
		},
		Origin: peer.Address(r),
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
