package resource

import (
	"net/http"
	"strings"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// challenge gives a refusal the WWW-Authenticate header (RFC 9110 section 11.6.1):
// one line for each scheme that this API takes, the error on the one that was
// tried. A resource that takes DPoP tokens only does not offer Bearer.
func (v *Verifier) challenge(e *Error, tried string, scopes []string) {
	if e.Status == http.StatusServiceUnavailable {
		return
	}
	if e.Header == nil {
		e.Header = make(http.Header)
	}
	for _, scheme := range v.schemes() {
		params := []string{param("realm", v.audience)}
		if len(scopes) > 0 && (e.Code == "" || e.Code == wire.CodeInsufficientScope) {
			params = append(params, param("scope", strings.Join(scopes, " ")))
		}
		if e.Code != "" && (scheme == tried || tried == "" || len(v.schemes()) == 1) {
			params = append(params, param("error", e.Code), param("error_description", e.Description))
		}
		if scheme == wire.TokenTypeDPoP {
			params = append(params, param("algs", strings.Join(dpop.Algorithms(), " ")))
		}
		e.Header.Add("WWW-Authenticate", scheme+" "+strings.Join(params, ", "))
	}
}

func (v *Verifier) schemes() []string {
	if v.requireDPoP {
		return []string{wire.TokenTypeDPoP}
	}
	return []string{wire.TokenTypeBearer, wire.TokenTypeDPoP}
}

// param is an auth-param. The characters are those that RFC 6750 section 3 allows
// in an error_description, so that there is nothing to escape.
func param(name, value string) string {
	return name + `="` + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '\''
		}
		return r
	}, value) + `"`
}
