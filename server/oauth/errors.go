package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// errRequest is a request that RFC 6749 section 5.2 calls invalid. Its text is
// for the client's developer.
type errRequest string

func (e errRequest) Error() string { return string(e) }

// errNumber is a number that was not the one on the phone.
type errNumber struct{ triesLeft int }

func (e errNumber) Error() string { return grant.ErrNumber.Error() }

// errResource is an error of a protected resource, which challenges (RFC 6750
// section 3, RFC 9449 section 7.1).
type errResource struct{ cause error }

func (e errResource) Error() string { return e.cause.Error() }
func (e errResource) Unwrap() error { return e.cause }

var (
	errGrantType = errors.New("grant_type must be authorization_code, refresh_token or " + wire.GrantTypeDeviceCode)
	errNoToken   = errors.New("no access token in the Authorization header")
	errCodeOver  = errors.New("the authorization code has expired or was taken back")
)

// What Retry-After says while the storage cannot be used, and while it has too much
// to do.
const (
	storageRetry  = 5 * time.Second
	overloadRetry = time.Second
)

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
	{login.ErrNetwork, wire.CodeUnauthorizedClient, http.StatusBadRequest, "this client may not be started from this network"},
	{errGrantType, wire.CodeUnsupportedGrantType, http.StatusBadRequest, errGrantType.Error()},
	{login.ErrScope, wire.CodeInvalidScope, http.StatusBadRequest, "this client may not ask for one of these scopes"},
	{login.ErrTarget, wire.CodeInvalidTarget, http.StatusBadRequest, "this client may not ask for one of these resources"},
	{errResponseType, wire.CodeUnsupportedResponseType, http.StatusBadRequest, errResponseType.Error()},
	{login.ErrHint, wire.CodeLoginRequired, http.StatusBadRequest, login.ErrHint.Error()},
	{errPrompt, wire.CodeLoginRequired, http.StatusBadRequest, errPrompt.Error()},
	{errRequestObj, wire.CodeRequestUnsupported, http.StatusBadRequest, errRequestObj.Error()},
	{errRequestURI, wire.CodeRequestURIUnsupported, http.StatusBadRequest, errRequestURI.Error()},
	{dpop.ErrProof, wire.CodeInvalidDPoPProof, http.StatusBadRequest, dpop.ErrProof.Error()},
	{login.ErrProofNeeded, wire.CodeInvalidDPoPProof, http.StatusBadRequest, "a DPoP proof is needed here"},
	{login.ErrOtherKey, wire.CodeInvalidDPoPProof, http.StatusBadRequest, login.ErrOtherKey.Error()},
	{login.ErrReplay, wire.CodeInvalidDPoPProof, http.StatusBadRequest, "the DPoP proof was used before: make a new one for each request"},
	{login.ErrNonce, wire.CodeUseDPoPNonce, http.StatusBadRequest, "put the nonce of the DPoP-Nonce header into the DPoP proof"},
	{login.ErrKey, wire.CodeInvalidGrant, http.StatusBadRequest, "bound to a DPoP key, of which no proof came"},
	{login.ErrReuse, wire.CodeInvalidGrant, http.StatusBadRequest, "the refresh token was used before, so the session is over: sign in again"},
	{login.ErrRefresh, wire.CodeInvalidGrant, http.StatusBadRequest, "the refresh token is unknown, spent or over"},
	{errCodeOver, wire.CodeInvalidGrant, http.StatusBadRequest, errCodeOver.Error()},
	{login.ErrElsewhere, wire.CodeInvalidGrant, http.StatusBadRequest, "the code came to another network than the browser is on: sign in by the QR code"},
	{grant.ErrMismatch, wire.CodeInvalidGrant, http.StatusBadRequest, grant.ErrMismatch.Error()},
	{auth.ErrScopeSyntax, wire.CodeInvalidScope, http.StatusBadRequest, auth.ErrScopeSyntax.Error()},
	{
		grant.ErrVerifying, wire.CodeAuthorizationPending, http.StatusBadRequest,
		"the phone shows a number: have the person type it on the device, and send it by the push channel or to device_confirmation_endpoint",
	},
	{grant.ErrPending, wire.CodeAuthorizationPending, http.StatusBadRequest, ""},
	{login.ErrSlowDown, wire.CodeSlowDown, http.StatusBadRequest, "poll 5 seconds less often from now on"},
	{grant.ErrNumberFailed, wire.CodeAccessDenied, http.StatusBadRequest, "too many wrong numbers were typed on the device, so nobody was signed in"},
	{grant.ErrNoNumber, wire.CodeInvalidRequest, http.StatusBadRequest, "no number is awaited: the phone shows none"},
	{grant.ErrApproved, wire.CodeInvalidRequest, http.StatusBadRequest, "no number is awaited: the sign-in is approved, so ask for the tokens"},
	{grant.ErrDenied, wire.CodeAccessDenied, http.StatusBadRequest, "the sign-in was denied"},
	{grant.ErrCancelled, wire.CodeAccessDenied, http.StatusBadRequest, "the sign-in was cancelled on the device"},
	{grant.ErrExpired, wire.CodeExpiredToken, http.StatusBadRequest, "the device code has expired; start again when the person asks for it"},
	{grant.ErrRedeemed, wire.CodeInvalidGrant, http.StatusBadRequest, "the code was used already"},
	{grant.ErrForeign, wire.CodeInvalidGrant, http.StatusBadRequest, "the code is unknown"},
	{login.ErrUnknownCode, wire.CodeInvalidGrant, http.StatusBadRequest, "the code is unknown"},
	{login.ErrScopeMissing, wire.CodeInsufficientScope, http.StatusForbidden, "the access token has not the scope openid"},
	{login.ErrUnknownToken, wire.CodeInvalidToken, http.StatusUnauthorized, "the access token is unknown, expired or revoked"},
	{store.ErrUnavailable, wire.CodeUnavailable, http.StatusServiceUnavailable, "the server cannot reach its storage at the moment; try again"},
	{store.ErrOverloaded, wire.CodeUnavailable, http.StatusServiceUnavailable, "the server has too much to do at the moment; try again"},
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
	over, overBudget := errors.AsType[*budget.Spent](err)
	_, atResource := errors.AsType[errResource](err)
	switch {
	case overBudget:
		retryAfter(w, over.RetryAfter())
	case errors.Is(err, store.ErrOverloaded):
		gate.TurnAway(w)
		retryAfter(w, overloadRetry)
	case status == http.StatusServiceUnavailable:
		retryAfter(w, storageRetry)
	case atResource && status < http.StatusInternalServerError:
		if status == http.StatusBadRequest {
			status = http.StatusUnauthorized
		}
		challenge(w, r, body)
	case body.Code == wire.CodeInvalidClient:
		w.Header().Set("WWW-Authenticate", `Basic realm="qrauthd", charset="UTF-8"`)
	}
	if body.Code == "" {
		w.WriteHeader(status)
		return
	}
	respond(w, status, body)
}

// challenge says how to come to the resource: by the scheme that was tried, or by
// either one where there was no token, and then with no error code (RFC 6750
// section 3.1, RFC 9449 section 7.1).
func challenge(w http.ResponseWriter, r *http.Request, e wire.Error) {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	bound := strings.EqualFold(scheme, wire.TokenTypeDPoP)
	for _, scheme := range []string{wire.TokenTypeBearer, wire.TokenTypeDPoP} {
		var params []string
		if scheme == wire.TokenTypeDPoP {
			params = append(params, fmt.Sprintf("algs=%q", strings.Join(dpop.Algorithms(), " ")))
		}
		if e.Code != "" && bound == (scheme == wire.TokenTypeDPoP) {
			params = append(params, fmt.Sprintf("error=%q, error_description=%q", e.Code, e.Description))
		}
		w.Header().Add("WWW-Authenticate", strings.TrimSpace(scheme+" "+strings.Join(params, ", ")))
	}
}

func (f *Face) explain(r *http.Request, err error) (wire.Error, int) {
	if r.Context().Err() != nil {
		return wire.Error{Code: wire.CodeUnavailable}, http.StatusRequestTimeout // to nobody: the peer is gone
	}
	if request, ok := errors.AsType[errRequest](err); ok {
		return wire.Error{Code: wire.CodeInvalidRequest, Description: string(request)}, http.StatusBadRequest
	}
	if number, ok := errors.AsType[errNumber](err); ok {
		return wire.Error{Code: wire.CodeIncorrectNumber, Description: number.Error(), TriesLeft: number.triesLeft}, http.StatusBadRequest
	}
	if _, ok := errors.AsType[*budget.Spent](err); ok {
		return wire.Error{Code: wire.CodeUnavailable, Description: "too many requests; wait as Retry-After says"}, http.StatusTooManyRequests
	}
	if errors.Is(err, errNoToken) {
		return wire.Error{}, http.StatusUnauthorized
	}
	for _, c := range causes {
		if errors.Is(err, c.cause) {
			if errors.Is(err, store.ErrUnavailable) {
				f.Log.ErrorContext(r.Context(), "storage unavailable", slog.Any("error", err))
			}
			return wire.Error{Code: c.code, Description: describe(err, c.text), State: stateOf(err)}, c.status
		}
	}
	f.Log.ErrorContext(r.Context(), "unexpected error", slog.String("path", r.URL.Path), slog.Any("error", err))
	return wire.Error{Code: wire.CodeServerError, Description: "something broke on the server"}, http.StatusInternalServerError
}

// explainByRedirect is explain for an error that a browser takes back to the client.
func (f *Face) explainByRedirect(r *http.Request, err error) wire.Error {
	e, _ := f.explain(r, err)
	if errors.Is(err, login.ErrNetwork) {
		// unauthorized_client would say there that the client may never ask for a code
		// (RFC 6749 section 4.1.2.1).
		e.Code = wire.CodeAccessDenied
	}
	return e
}

// stateOf is what an error tells of the grant beside its code.
func stateOf(err error) wire.State {
	if errors.Is(err, grant.ErrVerifying) {
		return wire.StateVerifying
	}
	return ""
}

// maxDescription bounds an error_description, in bytes.
const maxDescription = 200

// describe is the cause's text, but for proofs and assertions, whose makers need to
// know which of their many rules was broken.
func describe(err error, text string) string {
	if errors.Is(err, dpop.ErrProof) || errors.Is(err, assertion.ErrAssertion) {
		return printable(err.Error(), maxDescription)
	}
	return text
}

func retryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(wire.RetryAfter(d)))
}

// respond writes one JSON body. Links in it are spelled as they are; an error may
// quote what a stranger sent.
func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(status >= http.StatusBadRequest)
	_ = e.Encode(body) // the peer is gone; there is nobody to tell
}
