package oauth

import (
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// deviceAuthorization begins a grant (RFC 8628 section 3.1 and 3.2).
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
	scopes, err := auth.ParseScopes(body.get(wire.ParamScope))
	if err != nil {
		return err
	}
	g, deviceCode, err := f.Login.Start(r.Context(), login.StartRequest{
		Client: client,
		Scopes: scopes,
		Device: auth.Device{
			Name:       body.get(wire.ParamDeviceName),
			Platform:   body.get(wire.ParamDevicePlatform),
			AppVersion: body.get(wire.ParamAppVersion),
		},
		Origin: peer.Address(r),
	})
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
