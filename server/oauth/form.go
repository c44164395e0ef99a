package oauth

import (
	"mime"
	"net/http"
	"net/url"
)

// form is the body of a request, each parameter at most once.
type form struct{ values url.Values }

// maxForm bounds a request's body, in bytes. The server's own bound may be lower.
const maxForm = 16 << 10

// readForm parses the body, and only the body: parameters in the query count for
// nothing, since what is in a URL ends up in logs. A parameter that comes twice
// is an error, an empty one counts as left out, an unknown one is ignored
// (RFC 6749 section 3.1, RFC 8628 section 3.1).
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return form{}, errRequest("the body must be application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return form{}, errRequest("the body cannot be parsed as a form, or is too large")
	}
	for name, list := range r.PostForm {
		if len(list) > 1 {
			return form{}, errRequest("a parameter is repeated: " + printable(name))
		}
	}
	return form{r.PostForm}, nil
}

func (f form) get(name string) string { return f.values.Get(name) }

// need returns a parameter that must be there.
func (f form) need(name string) (string, error) {
	v := f.get(name)
	if v == "" {
		return "", errRequest("a parameter is missing: " + name)
	}
	return v, nil
}

// printable cuts a peer's text to what RFC 6749 section 5.2 lets an
// error_description hold.
func printable(s string) string {
	b := make([]byte, 0, 32)
	for i := 0; i < len(s) && len(b) < cap(b); i++ {
		if c := s[i]; c >= 0x20 && c <= 0x7e && c != '"' && c != '\\' {
			b = append(b, c)
		}
	}
	return string(b)
}
