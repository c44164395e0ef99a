package desktop

import (
	"errors"
	"io"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// carrier sends the session's access token with each request, and a proof where
// it is bound to a key (RFC 9449 section 7).
type carrier struct{ session *Session }

// RoundTrip sends the request, and once more, if the body can be sent again, when
// the server wants another proof or does not know the access token: the server of the
// session may have taken it back, and then the renewal tells what is left.
func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	held, err := c.session.fresh(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	res, err := c.send(r, r.Body, held)
	if err != nil || !repeatable(r) || !c.takenBack(res, held) {
		return res, err
	}
	newer, err := c.session.renewed(r.Context(), held)
	switch {
	case errors.Is(err, ErrSignedOut):
		discard(res)
		return nil, err
	case err != nil:
		return res, nil
	}
	discard(res)
	body, err := again(r)
	if err != nil {
		return nil, err
	}
	return c.send(r, body, newer)
}

// takenBack reports whether the answer says that the access token is not known, of
// one that can be renewed and was not just now: a server that knows none of them must
// not have each request renew the session.
func (c carrier) takenBack(res *http.Response, held *tokens) bool {
	return res.StatusCode == http.StatusUnauthorized && held.refresh != "" && !held.young(c.session.client.wall()) &&
		challengeError(res.Header, held.kind) == wire.CodeInvalidToken
}

// send sends the request with the token, and once more with another proof.
func (c carrier) send(r *http.Request, body io.ReadCloser, held *tokens) (*http.Response, error) {
	to := c.session.client.proofs.of(r.URL)
	for last := c.session.key.IsZero() || !repeatable(r); ; last = true {
		res, err := c.once(r, body, held, to)
		if err != nil || last {
			return res, err
		}
		second, ok := c.mended(r, res, to)
		if !ok {
			return res, nil
		}
		to = second
		discard(res)
		if body, err = again(r); err != nil {
			return nil, err
		}
	}
}

// once sends a copy: a RoundTripper leaves the request as it is.
func (c carrier) once(r *http.Request, body io.ReadCloser, held *tokens, to peer) (*http.Response, error) {
	own := r.Clone(r.Context())
	own.Body = body
	own.Header.Set("Authorization", held.kind+" "+held.access)
	client := c.session.client
	if err := to.attach(own, c.session.key, held.access, client.wall()); err != nil {
		closeBody(own)
		return nil, err
	}
	res, err := c.base().RoundTrip(own)
	if err == nil {
		client.proofs.learn(r.URL, res.Header)
	}
	return res, err
}

func (c carrier) base() http.RoundTripper {
	if t := c.session.client.http.Transport; t != nil {
		return t
	}
	return http.DefaultTransport
}

// mended reports whether another proof may be taken (RFC 9449 section 9), and what it
// goes by.
func (c carrier) mended(r *http.Request, res *http.Response, first peer) (second peer, ok bool) {
	if res.StatusCode != http.StatusUnauthorized {
		return first, false
	}
	client := c.session.client
	code := challengeError(res.Header, wire.TokenTypeDPoP)
	return client.proofs.mended(r.URL, first, code, res.Header, client.wall())
}

// repeatable reports whether the body can be sent again.
func repeatable(r *http.Request) bool {
	return r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
}

// again is the body anew.
func again(r *http.Request) (io.ReadCloser, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return r.Body, nil
	}
	return r.GetBody()
}

// discard ends a response that nobody reads, so that its connection can serve the
// next request.
func discard(res *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	res.Body.Close()
}

// closeBody does what a RoundTripper does on errors too.
func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}
