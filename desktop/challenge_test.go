package desktop

import (
	"net/http"
	"testing"
)

func TestChallengeErrorReadsOnlyItsOwnScheme(t *testing.T) {
	cases := []struct {
		name  string
		lines []string
		want  string
	}{
		{"no challenge", nil, ""},
		{"our server's", []string{`Bearer error="invalid_token", error_description="it is unknown, expired or revoked"`}, "invalid_token"},
		{"after a realm", []string{`Bearer realm="a", error="invalid_token"`}, "invalid_token"},
		{"in other letters and spaces", []string{`bearer realm="a" ,  ERROR = invalid_token`}, "invalid_token"},
		{"after another challenge", []string{`Negotiate, Basic realm="a", Bearer error="invalid_token"`}, "invalid_token"},
		{"on a line of its own", []string{`Negotiate abc==`, `Bearer error="invalid_token"`}, "invalid_token"},
		{"another error", []string{`Bearer error="insufficient_scope"`}, "insufficient_scope"},
		{"no error", []string{`Bearer`}, ""},
		{"another scheme's error", []string{`DPoP error="invalid_token"`}, ""},
		{"another scheme's after a Bearer", []string{`Bearer realm="a", DPoP algs="ES256", error="invalid_token"`}, ""},
		{"a realm that quotes it", []string{`Basic realm="Bearer error=invalid_token"`}, ""},
		{"a realm with a comma that quotes it", []string{`Bearer realm="a, error=\"invalid_token\""`}, ""},
		{"a realm that never ends", []string{`Bearer realm="a, error=invalid_token`}, ""},
		{"a description that speaks of it", []string{`Bearer error_description="error=invalid_token"`}, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := challengeError(http.Header{"Www-Authenticate": tc.lines}, "Bearer"); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestADPoPChallengeIsNoBearers(t *testing.T) {
	h := http.Header{"Www-Authenticate": {`Bearer error="invalid_token", DPoP algs="ES256 EdDSA", error="use_dpop_nonce"`}}
	if got := challengeError(h, "DPoP"); got != "use_dpop_nonce" {
		t.Errorf("got %q", got)
	}
}
