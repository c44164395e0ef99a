package oauth

import (
	"encoding/base64"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// The headers of DPoP in the form in which net/http keeps them: nearly every request
// looks for the one and is answered with the other.
var (
	headerDPoP      = http.CanonicalHeaderKey(wire.HeaderDPoP)
	headerDPoPNonce = http.CanonicalHeaderKey(wire.HeaderDPoPNonce)
)

// proof verifies the DPoP proof of a request to the path below the issuer, where one
// came (RFC 9449 section 4.3). At a resource it must speak of the access token. The
// nonce and the proof's use are the login floor's.
func (f *Face) proof(r *http.Request, access secret.Text) (dpop.Proof, error) {
	header := r.Header.Values(headerDPoP)
	if len(header) == 0 {
		return dpop.Proof{}, nil
	}
	return dpop.Verify(f.Login.Wall(), header, dpop.Expect{
		Method:      r.Method,
		URL:         f.issuer + r.URL.Path,
		AccessToken: access.Reveal(),
	})
}

// offerNonce puts the nonce on an answer that the next proof must carry (RFC 9449
// section 8.2). A server that cannot read its keys says so in the answer itself.
func (f *Face) offerNonce(w http.ResponseWriter, r *http.Request) {
	if nonce, err := f.Login.Nonce(r.Context()); err == nil {
		w.Header().Set(headerDPoPNonce, nonce)
	}
}

// noncing is an endpoint whose every answer offers a nonce.
func (f *Face) noncing(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		f.offerNonce(w, r)
		return h(w, r)
	}
}

// keyThumbprint reads dpop_jkt (RFC 9449 section 10).
func keyThumbprint(body form) (string, error) {
	text := body.get(wire.ParamDPoPKey)
	if text == "" {
		return "", nil
	}
	if b, err := base64.RawURLEncoding.Strict().DecodeString(text); err != nil || len(b) != len(secret.Hash{}) {
		return "", errRequest(wire.ParamDPoPKey + " is not the SHA-256 thumbprint of a key")
	}
	return text, nil
}
