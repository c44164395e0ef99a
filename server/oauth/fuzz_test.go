package oauth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzForm holds readForm to its word: no panic, no parameter twice, and every
// refusal a request error.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"client_id=a", "a=1&a=2", "%", "a=%zz", "&&&", "client_id=a;b=c", strings.Repeat("a", 1<<15)} {
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
			if len(list) != 1 {
				t.Fatalf("%q came %d times and was let through", name, len(list))
			}
		}
	})
}
