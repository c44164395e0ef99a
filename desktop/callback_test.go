package desktop

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/secret"
)

func FuzzCallback(f *testing.F) {
	f.Add("code=c&state=s&iss=https%3A%2F%2Flogin.example.com")
	f.Add("error=access_denied&state=s&iss=https%3A%2F%2Flogin.example.com")
	f.Add("error=access_denied&error_description=the+grant+has+expired&state=s&iss=https%3A%2F%2Flogin.example.com")
	f.Add("code=c&state=x")
	f.Add("code=c&code=d&state=s")
	f.Add("state=s&error=%00&error_description=%22%5c%1b")
	f.Add("%zz")
	want := expected{state: secret.From("s"), issuer: "https://login.example.com", named: true}
	f.Fuzz(func(t *testing.T, query string) {
		c, err := want.parse(query)
		q, _ := url.ParseQuery(query)
		switch {
		case err != nil:
			if !errors.Is(err, errForged) {
				t.Errorf("got %v", err)
			}
		case q.Get("state") != "s":
			t.Errorf("%q passes without the state", query)
		case c.err == nil && (q.Get("iss") != want.issuer || c.code.Reveal() != q.Get("code") || c.code.IsZero()):
			t.Errorf("%q passes with the code %q", query, c.code.Reveal())
		case c.err != nil && strings.ContainsFunc(c.err.Error(), func(r rune) bool { return r < 0x20 }):
			t.Errorf("%q makes the error %q", query, c.err)
		}
	})
}
