package desktop

import (
	"io"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// carrier sends the session's access token with each request, and a proof where
// it is bound to a key (RFC 9449 section 7).
type carrier struct{ session *Session }

// RoundTrip sends the request, and once more when the server wants another proof
// and the body can be sent again.
func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	held, err := c.session.fresh(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	body := r.Body
	for last := c.session.key.IsZero() || !repeatable(r); ; last = true {
		res, err := c.once(r, body, held)
		if err != nil || last || !c.wantsMore(r, res) {
			return res, err
		}
		discard(res)
		if body, err = again(r); err != nil {
			return nil, err
		}
	}
}

// once sends a copy: a RoundTripper leaves the request as it is.
func (c carrier) once(r *http.Request, body io.ReadCloser, held *tokens) (*http.Response, error) {
	own := r.Clone(r.Context())
	own.Body = body
	own.Header.Set("Authorization", held.kind+" "+held.access)
	client := c.session.client
	if err := client.proofs.attach(own, c.session.key, held.access, client.wall()); err != nil {
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

// wantsMore reports whether another proof may be taken (RFC 9449 section 9).
func (c carrier) wantsMore(r *http.Request, res *http.Response) bool {
	if res.StatusCode != http.StatusUnauthorized {
		return false
	}
	client := c.session.client
	code := challengeError(res.Header, wire.TokenTypeDPoP)
	return client.proofs.mended(r.URL, code, res.Header, client.wall())
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
