package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// errRequest is a request that RFC 6749 section 5.2 calls invalid. Its text is
// for the client's developer.
type errRequest string

func (e errRequest) Error() string { return string(e) }

// errBudget is a request over its budget.
type errBudget struct{ wait time.Duration }

func (e errBudget) Error() string { return "too many requests" }

var (
	errGrantType = errors.New("grant_type must be " + wire.GrantTypeDeviceCode)
	errNoBearer  = errors.New("no bearer token in the Authorization header")
)

// storageRetry is what Retry-After says while the storage cannot be used.
const storageRetry = 5 * time.Second

// causes pairs each cause with its code, in the order of the token endpoint's
// section of the specifications. The first that matches counts.
var causes = []struct {
	cause  error
	code   string
	status int
	text   string
}{
	{login.ErrUnknownClient, wire.CodeInvalidClient, http.StatusUnauthorized, "this client_id is not registered here"},
	{login.ErrClientAuth, wire.CodeInvalidClient, http.StatusUnauthorized, "client authentication failed"},
	{errGrantType, wire.CodeUnsupportedGrantType, http.StatusBadRequest, errGrantType.Error()},
	{login.ErrScope, wire.CodeInvalidScope, http.StatusBadRequest, "this client may not ask for one of these scopes"},
	{auth.ErrScopeSyntax, wire.CodeInvalidScope, http.StatusBadRequest, auth.ErrScopeSyntax.Error()},
	{grant.ErrPending, wire.CodeAuthorizationPending, http.StatusBadRequest, ""},
	{login.ErrSlowDown, wire.CodeSlowDown, http.StatusBadRequest, "poll 5 seconds less often from now on"},
	{grant.ErrDenied, wire.CodeAccessDenied, http.StatusBadRequest, "the sign-in was denied"},
	{grant.ErrCancelled, wire.CodeAccessDenied, http.StatusBadRequest, "the sign-in was cancelled on the device"},
	{grant.ErrExpired, wire.CodeExpiredToken, http.StatusBadRequest, "the device code has expired; start again when the person asks for it"},
	{grant.ErrRedeemed, wire.CodeInvalidGrant, http.StatusBadRequest, "the device code was used already"},
	{grant.ErrForeign, wire.CodeInvalidGrant, http.StatusBadRequest, "the device code is unknown"},
	{login.ErrUnknownCode, wire.CodeInvalidGrant, http.StatusBadRequest, "the device code is unknown"},
	{login.ErrUnknownToken, wire.CodeInvalidToken, http.StatusUnauthorized, "the access token is unknown, expired or revoked"},
	{store.ErrUnavailable, wire.CodeUnavailable, http.StatusServiceUnavailable, "the server cannot reach its storage at the moment; try again"},
}

// handler is an endpoint that leaves its errors to answer.
type handler func(http.ResponseWriter, *http.Request) error

// answer turns an endpoint into an http.Handler. Nothing on this face may be
// cached (RFC 6749 section 5.1, RFC 8628 section 3.2).
func (f *Face) answer(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Pragma", "no-cache")
		if err := h(w, r); err != nil {
			f.fail(w, r, err)
		}
	})
}

// fail writes the response that the cause calls for.
func (f *Face) fail(w http.ResponseWriter, r *http.Request, err error) {
	body, status := f.explain(r, err)
	var over errBudget
	switch {
	case errors.As(err, &over):
		retryAfter(w, over.wait)
	case status == http.StatusServiceUnavailable:
		retryAfter(w, storageRetry)
	case errors.Is(err, errNoBearer):
		// RFC 6750 section 3.1: no error code where there was no token.
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusUnauthorized)
		return
	case body.Code == wire.CodeInvalidToken:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer error=%q, error_description=%q", body.Code, body.Description))
	case body.Code == wire.CodeInvalidClient:
		w.Header().Set("WWW-Authenticate", `Basic realm="qrauthd", charset="UTF-8"`)
	}
	respond(w, status, body)
}

func (f *Face) explain(r *http.Request, err error) (wire.Error, int) {
	var request errRequest
	var over errBudget
	switch {
	case r.Context().Err() != nil:
		return wire.Error{Code: wire.CodeUnavailable}, http.StatusRequestTimeout // to nobody: the peer is gone
	case errors.As(err, &request):
		return wire.Error{Code: wire.CodeInvalidRequest, Description: string(request)}, http.StatusBadRequest
	case errors.As(err, &over):
		return wire.Error{Code: wire.CodeUnavailable, Description: "too many requests; wait as Retry-After says"}, http.StatusTooManyRequests
	case errors.Is(err, errNoBearer):
		return wire.Error{}, http.StatusUnauthorized
	}
	for _, c := range causes {
		if errors.Is(err, c.cause) {
			if c.status >= http.StatusInternalServerError {
				f.Log.ErrorContext(r.Context(), "storage unavailable", slog.Any("error", err))
			}
			return wire.Error{Code: c.code, Description: c.text}, c.status
		}
	}
	f.Log.ErrorContext(r.Context(), "unexpected error", slog.String("path", r.URL.Path), slog.Any("error", err))
	return wire.Error{Code: wire.CodeServerError, Description: "something broke on the server"}, http.StatusInternalServerError
}

func retryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(wire.RetryAfter(d)))
}

// respond writes one JSON body.
func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the peer is gone; there is nobody to tell
}
