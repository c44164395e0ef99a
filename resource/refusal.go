package resource

import (
	"fmt"
	"io"
	"maps"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// Error is a request that is refused, ready to be answered.
type Error struct {
	Status int // 400, 401, 403, or 503 when it could not be decided
	// Code is that of RFC 6750 section 3.1 or RFC 9449. It is empty when the request
	// brought no token, and with 503.
	Code string
	// Description is for the developer of the client. It holds no secret.
	Description string
	// Header is what the answer carries: WWW-Authenticate for each scheme that is
	// taken, and where they apply DPoP-Nonce and Retry-After.
	Header http.Header

	// cause is for the log.
	cause error
}

func (e *Error) Error() string {
	text := fmt.Sprintf("resource: %d", e.Status)
	for _, part := range []string{e.Code, e.Description} {
		if part != "" {
			text += ": " + part
		}
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap is why it could not be decided, with 503.
func (e *Error) Unwrap() error { return e.cause }

// Respond answers the request with the error.
func (e *Error) Respond(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, e.Header)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	text := http.StatusText(e.Status)
	if e.Description != "" {
		text += ": " + e.Description
	}
	_, _ = io.WriteString(w, text+"\n") // whoever asked may be gone
}

// malformed is a request that no token could mend (RFC 6750 section 3.1).
func malformed(description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: wire.CodeInvalidRequest, Description: description}
}

// anonymous is a request without a token. It gets no error code (RFC 6750 section
// 3.1).
func anonymous() *Error { return &Error{Status: http.StatusUnauthorized} }

func invalidToken(description string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidToken, Description: description}
}

func invalidProof(description string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: wire.CodeInvalidDPoPProof, Description: description}
}

func insufficientScope() *Error {
	return &Error{
		Status: http.StatusForbidden, Code: wire.CodeInsufficientScope,
		Description: "the token lacks a scope that this needs",
	}
}

// unavailable is a token that may be good, but this cannot be told now: the client
// is to keep it and to try again.
func unavailable(cause error) *Error {
	return &Error{
		Status: http.StatusServiceUnavailable, Description: "the token cannot be verified at the moment",
		Header: http.Header{"Retry-After": {retryAfter}}, cause: cause,
	}
}

// retryAfter is in seconds: by then the server has been asked again.
const retryAfter = "5"
