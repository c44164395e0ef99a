package resource

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// prove checks that the sender has the key which the token is bound to (RFC 9449
// section 7.1), and uses the proof up.
func (v *Verifier) prove(r *http.Request, now time.Time, token string, t *Token) error {
	proof, err := dpop.Verify(now, r.Header.Values(wire.HeaderDPoP), dpop.Expect{
		Method: r.Method, URL: v.address(r), AccessToken: token,
	})
	if errors.Is(err, dpop.ErrProof) {
		return invalidProof(err.Error())
	}
	if err != nil { // such as for OPTIONS *
		return malformed("the request's target is not one that a DPoP proof can be for")
	}
	if proof.Thumbprint != t.KeyThumbprint {
		return invalidToken("the proof is of another key than the one that the token is bound to")
	}
	if err := v.checkNonce(now, proof, t); err != nil {
		return err
	}
	first, err := v.replays.First(r.Context(), proof.ReplayKey().String(), proof.Expires())
	if err != nil {
		return err
	}
	if !first {
		return invalidProof("the DPoP proof was used before")
	}
	return nil
}

// checkNonce asks for a fresh nonce (RFC 9449 section 9), and has the next one go
// with the answer when the one in use grows old (section 8.2).
func (v *Verifier) checkNonce(now time.Time, proof dpop.Proof, t *Token) error {
	if v.nonces == nil {
		return nil
	}
	current := v.nonces.Issue(now)
	if proof.Nonce != current {
		t.NextNonce = current
	}
	if v.nonces.Fresh(now, proof.Nonce) {
		return nil
	}
	return &Error{
		Status: http.StatusUnauthorized, Code: wire.CodeUseDPoPNonce,
		Description: "the DPoP proof needs the nonce that is in the DPoP-Nonce header",
		Header:      http.Header{http.CanonicalHeaderKey(wire.HeaderDPoPNonce): {current}},
	}
}

// address is the request's URL as its sender knows it. The path is that of the
// request line, for a handler around this one may have cut something from r.URL.
func (v *Verifier) address(r *http.Request) string {
	path := r.URL.EscapedPath()
	if line, err := url.ParseRequestURI(r.RequestURI); err == nil {
		path = line.EscapedPath()
	}
	return v.base + path
}
