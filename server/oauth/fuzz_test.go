package oauth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// FuzzForm holds readForm to its word: no panic, no parameter twice but the one that
// may, every resource an absolute URI, and every refusal a request error.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"client_id=a", "a=1&a=2", "%", "a=%zz", "&&&", "client_id=a;b=c", strings.Repeat("a", 1<<15),
		"resource=https://a.example&resource=urn:b", "resource=/a", "resource=https://a.example%23b", "resource=&resource=:", "resource=a:%23",
	} {
		f.Add(seed, "application/x-www-form-urlencoded")
	}
	f.Add("{}", "application/json")
	f.Fuzz(func(t *testing.T, body, kind string) {
		r := httptest.NewRequest(http.MethodPost, "/token?client_id=query", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		form, err := readForm(httptest.NewRecorder(), r)
		if err != nil {
			if _, ok := err.(errRequest); !ok {
				t.Fatalf("got %T %v, want a request error", err, err)
			}
			if strings.ContainsAny(err.Error(), "\"\\\n") {
				t.Fatalf("the description %q has characters that RFC 6749 section 5.2 forbids", err)
			}
			return
		}
		for name, list := range form.values {
			if len(list) != 1 && name != wire.ParamResource {
				t.Fatalf("%q came %d times and was let through", name, len(list))
			}
		}
		checkResources(t, form)
	})
}

func checkResources(t *testing.T, form form) {
	list, err := form.resources()
	if err != nil {
		return
	}
	for i, text := range list {
		u, err := url.Parse(text)
		if err != nil || u.Scheme == "" || u.Fragment != "" || strings.Contains(text, "#") {
			t.Fatalf("%q is let through as a resource", text)
		}
		if slices.Contains(list[:i], text) {
			t.Fatalf("%q stands twice in %q", text, list)
		}
	}
}

// FuzzTokenHeader: what is taken for an access token is one, of a scheme that there is.
func FuzzTokenHeader(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "DPoP a.b-c_d~e+f/g==", "bearer  x ", "Bearer", "Bearer ", "Basic eA==", "Bearer a b", "Bearer a,b", "Bearer\tx", "DPoP \x00", "BearerX y", "Bearer ü"} {
		f.Add(seed)
	}
	const token68 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="
	f.Fuzz(func(t *testing.T, header string) {
		scheme, tok, err := authorization([]string{header})
		if err != nil {
			if scheme != "" || !tok.IsZero() {
				t.Fatalf("%q is refused, and yet yields something", header)
			}
			return
		}
		if scheme != wire.TokenTypeBearer && scheme != wire.TokenTypeDPoP {
			t.Fatalf("%q has the scheme %q", header, scheme)
		}
		if text := tok.Reveal(); text == "" || strings.Trim(text, token68) != "" || !strings.HasSuffix(strings.TrimRight(header, " "), " "+text) {
			t.Fatalf("%q yields the token %q", header, text)
		}
		if _, _, err := authorization([]string{header, header}); err == nil {
			t.Fatalf("%q is taken twice", header)
		}
	})
}

// FuzzBasicHeader: what is taken prints back the same.
func FuzzBasicHeader(f *testing.F) {
	for _, seed := range [][2]string{{"a", "b"}, {"back end", "p:w d%"}, {"ü", "+&="}, {"", ""}, {"%", "%2"}} {
		r := httptest.NewRequest(http.MethodPost, "/token", nil)
		r.SetBasicAuth(url.QueryEscape(seed[0]), url.QueryEscape(seed[1]))
		f.Add(r.Header.Get("Authorization"))
		r.SetBasicAuth(seed[0], seed[1])
		f.Add(r.Header.Get("Authorization"))
	}
	f.Add("Basic !")
	f.Add("Bearer YTpi")
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodPost, "/token", nil)
		r.Header.Set("Authorization", header)
		id, sec, err := basic(r)
		if err != nil {
			return
		}
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(sec))
		if again, same, err := basic(r); again != id || same != sec || err != nil {
			t.Fatalf("%q is %q and %q, and then %q and %q, %v", header, id, sec, again, same, err)
		}
	})
}
