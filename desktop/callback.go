package desktop

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	maxCode        = 4 << 10 // bytes
	maxErrorCode   = 64
	maxDescription = 200
)

// callback is an authorization response (RFC 6749 section 4.1.2): a code, or why
// there is none.
type callback struct {
	code secret.Text
	err  error
}

// expected is what tells our authorization response from another.
type expected struct {
	state  secret.Text
	issuer string
	named  bool // the server says that it names itself (RFC 9207 section 3)
}

// errForged: whoever sent this does not know what our browser was told.
var errForged = errors.New("not the answer to this sign-in")

// errMixedUp: the answer is to our question and not from the server that was asked
// (RFC 9207 section 2.4).
var errMixedUp = errors.New("the browser came back from another server than was asked: start a new sign-in, and tell the server's operator if it happens again")

// parse reads the query of a request to the redirect URI. Its error is errForged,
// and then the wait for ours goes on.
func (e expected) parse(rawQuery string) (callback, error) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return callback{}, errForged
	}
	for _, values := range q {
		if len(values) > 1 { // RFC 6749 section 3.1
			return callback{}, errForged
		}
	}
	if subtle.ConstantTimeCompare([]byte(q.Get(wire.ParamState)), []byte(e.state.Reveal())) != 1 {
		return callback{}, errForged
	}
	switch code := q.Get(wire.ParamCode); {
	case (e.named || q.Has(wire.ParamIssuer)) && q.Get(wire.ParamIssuer) != e.issuer:
		return callback{err: errMixedUp}, nil
	case q.Has(wire.ParamError):
		return callback{err: refusalOfBrowser(q)}, nil
	case code == "" || len(code) > maxCode:
		return callback{}, errForged
	default:
		return callback{code: secret.From(code)}, nil
	}
}

// refusalOfBrowser is the error response of RFC 6749 section 4.1.2.1. It came
// through a browser, so that only plain words of it are repeated.
func refusalOfBrowser(q url.Values) error {
	code := plain(q.Get(wire.ParamError), maxErrorCode)
	e := &OAuthError{Code: code, Description: plain(q.Get(wire.ParamErrorDescription), maxDescription)}
	switch code {
	case wire.CodeAccessDenied:
		if e.Description == wire.DescriptionExpired {
			return ErrExpired
		}
		return ErrDenied
	case wire.CodeServerError, wire.CodeUnavailable:
		return fmt.Errorf("%w: %w", ErrOffline, e)
	}
	return e
}

// plain is a text of the characters that RFC 6749 section 4.1.2.1 allows, cut to a
// length.
func plain(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}
