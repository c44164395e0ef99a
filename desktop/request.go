package desktop

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/qrauthd/qrauthd/internal/dpop"
)

// request is a question to the server. Secrets go into the form or the header and
// never into the URL.
type request struct {
	endpoint string
	form     url.Values // of a POST; nil: a GET
	tokens   *tokens    // whose access token authorizes it; nil: nothing does
	key      dpop.Key   // proves possession; zero: nothing is proved
}

// build makes the request anew, with a proof of its own: each is good for once
// (RFC 9449 section 4.2).
func (c *Client) build(q request, to peer) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if q.form != nil {
		method, body = http.MethodPost, strings.NewReader(q.form.Encode())
	}
	r, err := http.NewRequest(method, q.endpoint, body)
	if err != nil {
		return nil, err
	}
	if q.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	access := ""
	if q.tokens != nil {
		access = q.tokens.access
		r.Header.Set("Authorization", q.tokens.kind+" "+access)
	}
	return r, to.attach(r, q.key, access, c.wall())
}

// send asks the server, and once more, at once, when it wants another proof. It
// returns ErrOffline when there is no answer, and the ctx's error when it was the
// caller who gave up.
func (c *Client) send(ctx context.Context, q request) (reply, error) {
	u, err := url.Parse(q.endpoint)
	if err != nil {
		return reply{}, err
	}
	to := c.proofs.of(u)
	for last := q.key.IsZero(); ; last = true {
		r, err := c.build(q, to)
		if err != nil {
			return reply{}, err
		}
		res, err := c.do(ctx, r)
		if err != nil || last {
			return res, err
		}
		second, ok := c.proofs.mended(u, to, res.proofError(), res.header, c.wall())
		if !ok {
			return res, nil
		}
		to = second
	}
}

// post sends a form that nothing has to be proved for.
func (c *Client) post(ctx context.Context, endpoint string, form url.Values) (reply, error) {
	return c.send(ctx, request{endpoint: endpoint, form: form})
}

// do makes one request, bounded in time.
func (c *Client) do(ctx context.Context, r *http.Request) (reply, error) {
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r.Header.Set("Accept", "application/json")
	res, err := c.http.Do(r.WithContext(bounded))
	if err != nil {
		return reply{}, unreachable(ctx, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return reply{}, unreachable(ctx, err)
	}
	c.proofs.learn(r.URL, res.Header)
	return reply{res.StatusCode, res.Header, body}, nil
}
