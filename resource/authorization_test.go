package resource_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/resource"
)

func TestParseAuthorization(t *testing.T) {
	tests := []struct {
		name   string
		values []string
		want   string // empty: nothing for us
		ok     bool
	}{
		{"a bearer token", []string{"Bearer a.b-c_d~e+f/g=="}, "Bearer a.b-c_d~e+f/g==", true},
		{"a DPoP token", []string{"DPoP a.b.c"}, "DPoP a.b.c", true},
		{"a scheme in another case", []string{"bEARER x"}, "Bearer x", true},
		{"DPoP in another case", []string{"dpop x"}, "DPoP x", true},
		{"more than one space", []string{"Bearer   x"}, "Bearer x", true},
		{"no header", nil, "", true},
		{"an empty header", []string{""}, "", true},
		{"another scheme", []string{"Basic YTpi"}, "", true},
		{"a scheme that begins the same", []string{"BearerX x"}, "", true},
		{"a scheme alone", []string{"Bearer"}, "", false},
		{"a scheme and a space", []string{"Bearer "}, "", false},
		{"two headers", []string{"Bearer x", "Bearer x"}, "", false},
		{"two headers, one of which is for others", []string{"Basic YTpi", "Bearer x"}, "", false},
		{"two credentials in one header", []string{"Bearer x, DPoP y"}, "", false},
		{"two tokens", []string{"Bearer x y"}, "", false},
		{"a space after the token", []string{"Bearer x "}, "", false},
		{"a tab for the space", []string{"Bearer\tx"}, "", true},
		{"a parameter", []string{`Bearer token="x"`}, "", false},
		{"only padding", []string{"Bearer =="}, "", false},
		{"padding in the middle", []string{"Bearer a=b"}, "", false},
		{"a letter that is not ASCII", []string{"Bearer ä"}, "", false},
		{"a NUL", []string{"Bearer a\x00b"}, "", false},
		{"bytes that are not UTF-8", []string{"Bearer \xff"}, "", false},
		{"the longest", []string{"Bearer " + strings.Repeat("x", 16<<10-7)}, "Bearer " + strings.Repeat("x", 16<<10-7), true},
		{"too long", []string{"Bearer " + strings.Repeat("x", 16<<10-6)}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := resource.ParseAuthorization(tt.values)
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("got %.40q, %v; want %.40q, ok %t", got, err, tt.want, tt.ok)
			}
		})
	}
}

func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{"Bearer x", "DPoP a.b.c", "bearer  x==", "Basic YTpi", "Bearer", "Bearer x, DPoP y", "dpop\tx", "Bearer \xff", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		printed, err := resource.ParseAuthorization([]string{value})
		if err != nil || printed == "" {
			return
		}
		again, err := resource.ParseAuthorization([]string{printed})
		if err != nil || again != printed {
			t.Fatalf("%q printed as %q reads back as %q, %v", value, printed, again, err)
		}
		// But for the scheme's case and the number of spaces it is what came in.
		scheme, token, _ := strings.Cut(printed, " ")
		if rest, ok := strings.CutSuffix(value, token); !ok || !strings.EqualFold(strings.TrimRight(rest, " "), scheme) {
			t.Fatalf("%q was taken for %q", value, printed)
		}
	})
}

// TestATokenComesInTheHeaderOnly: RFC 9700 section 4.3.2.
func TestATokenComesInTheHeaderOnly(t *testing.T) {
	key := newES256("k")
	v := newIssuer(key).verifier(t)
	token := key.token(good(time.Now()))
	query := request()
	query.URL.RawQuery = "access_token=" + token
	body, err := http.NewRequest(http.MethodPost, audience+"/files", strings.NewReader("access_token="+token))
	if err != nil {
		t.Fatal(err)
	}
	body.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cookie := request()
	cookie.AddCookie(&http.Cookie{Name: "access_token", Value: token})
	for name, r := range map[string]*http.Request{"query": query, "body": body, "cookie": cookie} {
		t.Run(name, func(t *testing.T) { refuses(t, v, r, http.StatusUnauthorized, "") })
	}
	refuses(t, v, request("Bearer "+token, "Bearer "+token), http.StatusBadRequest, "invalid_request")
}
