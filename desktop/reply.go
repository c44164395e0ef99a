package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// maxBody bounds what is read of a response: all that we expect are small.
const maxBody = 64 << 10

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = time.Hour

// reply is a response, read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// get asks, with the access token when there is one.
func (c *Client) get(ctx context.Context, endpoint, accessToken string) (reply, error) {
	req, err := http.NewRequest(http.MethodGet, endpoint, nil)
	if err != nil {
		return reply{}, err
	}
	if accessToken != "" {
		req.Header.Set("Authorization", "Bearer "+accessToken)
	}
	return c.do(ctx, req)
}

// post sends a form. Secrets go into the form and never into the URL.
func (c *Client) post(ctx context.Context, endpoint string, form url.Values) (reply, error) {
	req, err := http.NewRequest(http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(ctx, req)
}

// do returns ErrOffline when there is no answer, and the ctx's error when it
// was the caller who gave up.
func (c *Client) do(ctx context.Context, req *http.Request) (reply, error) {
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req.Header.Set("Accept", "application/json")
	res, err := c.http.Do(req.WithContext(bounded))
	if err != nil {
		return reply{}, unreachable(ctx, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return reply{}, unreachable(ctx, err)
	}
	return reply{res.StatusCode, res.Header, body}, nil
}

func unreachable(ctx context.Context, cause error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("ask the server: %w", ctx.Err())
	}
	return fmt.Errorf("%w: %w", ErrOffline, cause)
}

// decode reads a successful JSON response. A refusal is an *OAuthError;
// anything else, such as a captive portal's page, is as good as no server.
func (r reply) decode(into any) error {
	if r.status != http.StatusOK {
		return r.refusal()
	}
	if err := json.Unmarshal(r.body, into); err != nil {
		return fmt.Errorf("%w: the answer is not the server's: %w", ErrOffline, err)
	}
	return nil
}

// refusal is the error of a response that is not a success.
func (r reply) refusal() error {
	if e, ok := r.oauthError(); ok && !r.temporary(e.Code) {
		return &OAuthError{Code: e.Code, Description: e.Description}
	}
	return fmt.Errorf("%w: it answered %d %s", ErrOffline, r.status, http.StatusText(r.status))
}

// oauthError reads the error response of RFC 6749 section 5.2.
func (r reply) oauthError() (wire.Error, bool) {
	var e wire.Error
	if r.status < 400 || json.Unmarshal(r.body, &e) != nil {
		return wire.Error{}, false
	}
	return e, e.Code != ""
}

// invalidToken reports whether the server says that it does not know the access
// token: in its challenge (RFC 6750 section 3.1), or in the body, where a proxy
// leaves no challenge.
func (r reply) invalidToken() bool {
	e, _ := r.oauthError()
	return bearerError(r.header) == wire.CodeInvalidToken || e.Code == wire.CodeInvalidToken
}

// temporary reports whether the same request may go well later.
func (r reply) temporary(code string) bool {
	return r.status >= 500 || r.status == http.StatusTooManyRequests ||
		code == wire.CodeServerError || code == wire.CodeUnavailable
}

// retryAfter reads the header Retry-After (RFC 9110 section 10.2.3); none, or
// nonsense, is zero.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
