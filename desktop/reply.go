package desktop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
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
	if wait := retryAfter(r.header, time.Now()); wait > 0 && r.busy() {
		return &BusyError{wait}
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

// says reports whether the server's error is the code: in its challenge of the
// scheme (RFC 6750 section 3.1, RFC 9449 section 7.1), or in the body, where a proxy
// leaves no challenge.
func (r reply) says(scheme, code string) bool {
	e, _ := r.oauthError()
	return challengeError(r.header, scheme) == code || e.Code == code
}

// proofError is what the server says of the proof, empty when that was not it.
func (r reply) proofError() string {
	for _, code := range []string{wire.CodeUseDPoPNonce, wire.CodeInvalidDPoPProof} {
		if r.status >= http.StatusBadRequest && r.says(wire.TokenTypeDPoP, code) {
			return code
		}
	}
	return ""
}

// busy reports whether the server asks for patience (RFC 9110 section 15.6.4, RFC 6585
// section 4).
func (r reply) busy() bool {
	return r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests
}

// temporary reports whether the same request may go well later.
func (r reply) temporary(code string) bool {
	return r.status >= 500 || r.status == http.StatusTooManyRequests ||
		code == wire.CodeServerError || code == wire.CodeUnavailable ||
		code == wire.CodeUseDPoPNonce // the next request brings the nonce
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
