package oauth

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// form is the body of a request, each parameter at most once.
type form struct{ values url.Values }

// maxForm bounds a request's body, in bytes. The server's own bound may be lower.
const maxForm = 16 << 10

const formType = "application/x-www-form-urlencoded"

const errUnreadable = errRequest("the body cannot be parsed as a form, or is too large")

// readForm parses the body, and only the body: parameters in the query count for
// nothing, since what is in a URL ends up in logs.
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	if !isForm(r.Header.Get("Content-Type")) {
		return form{}, errRequest("the body must be " + formType)
	}
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
		return form{}, errUnreadable // it counts for nothing, but it must be one
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return form{}, errUnreadable
	}
	values, err := url.ParseQuery(string(text))
	if err != nil {
		return form{}, errUnreadable
	}
	return newForm(values)
}

// isForm reports whether the Content-Type is that of a form, whatever parameters it has.
func isForm(contentType string) bool {
	if contentType == formType {
		return true // as nearly all say it
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == formType
}

// newForm checks parameters: one that comes twice is an error, but for the one that
// may (RFC 8707 section 2); an empty one counts as left out, an unknown one is
// ignored (RFC 6749 section 3.1, RFC 8628 section 3.1).
func newForm(values url.Values) (form, error) {
	for name, list := range values {
		if len(list) > 1 && name != wire.ParamResource {
			return form{}, errRequest("a parameter is repeated: " + printable(name, maxName))
		}
	}
	return form{values}, nil
}

func (f form) get(name string) string { return f.values.Get(name) }

// resources are what the request asks a token for (RFC 8707 section 2): absolute
// URIs without a fragment.
func (f form) resources() ([]string, error) {
	var list []string
	for _, text := range f.values[wire.ParamResource] {
		if text == "" || slices.Contains(list, text) {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || !u.IsAbs() || strings.Contains(text, "#") {
			return nil, login.ErrTarget
		}
		list = append(list, text)
	}
	return list, nil
}

// need returns a parameter that must be there.
func (f form) need(name string) (string, error) {
	v := f.get(name)
	if v == "" {
		return "", errRequest("a parameter is missing: " + name)
	}
	return v, nil
}

// maxName bounds a parameter's name in an error_description, in bytes.
const maxName = 32

// printable cuts a peer's text to what RFC 6749 section 5.2 lets an
// error_description hold, and to so many bytes.
func printable(s string, most int) string {
	b := make([]byte, 0, most)
	for i := 0; i < len(s) && len(b) < most; i++ {
		if c := s[i]; c >= 0x20 && c <= 0x7e && c != '"' && c != '\\' {
			b = append(b, c)
		}
	}
	return string(b)
}
