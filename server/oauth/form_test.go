package oauth

import (
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// posted is a request with the body, of the kind, and with that query in its URL.
func posted(body, kind, query string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Content-Type", kind)
	return r
}

// reference is what net/http takes for the form, and whether it is one.
func reference(r *http.Request) (url.Values, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, maxForm)
	if err != nil || kind != formType || r.ParseForm() != nil {
		return nil, false
	}
	_, err = newForm(r.PostForm)
	return r.PostForm, err == nil
}

// FuzzFormAsNetHTTPReadsIt holds readForm to what net/http's own reading lets through.
func FuzzFormAsNetHTTPReadsIt(f *testing.F) {
	for _, kind := range []string{
		formType, formType + "; charset=UTF-8", strings.ToUpper(formType), " " + formType, formType + ";", formType + "; charset", formType + "x",
		formType + "; a=1; a=2", "text/plain", "multipart/form-data; boundary=x", "",
	} {
		f.Add("client_id=a&scope=openid+profile", kind, "")
	}
	for _, body := range []string{
		"", "a", "a=b=c", "=a", "a=%20%2B+", "a=%", "a;b=c", "&&a=1&", "a=1&a=2", "resource=a:b&resource=c:d", "%61=b",
		"a=" + strings.Repeat("x", maxForm-2), "a=" + strings.Repeat("x", maxForm-1),
	} {
		f.Add(body, formType, "")
	}
	for _, query := range []string{"client_id=b", "%zz", "a;b", "a=1&a=2"} {
		f.Add("client_id=a", formType, query)
	}
	f.Fuzz(func(t *testing.T, body, kind, query string) {
		want, ok := reference(posted(body, kind, query))
		got, err := readForm(httptest.NewRecorder(), posted(body, kind, query))
		if (err == nil) != ok {
			t.Fatalf("got %v, want it let through: %t", err, ok)
		}
		if ok && !maps.EqualFunc(got.values, want, slices.Equal[[]string]) {
			t.Fatalf("got %q, want %q", got.values, want)
		}
	})
}
