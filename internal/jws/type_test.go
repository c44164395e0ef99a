package jws_test

import (
	"testing"

	"github.com/qrauthd/qrauthd/internal/jws"
)

func TestOnlyTheTypOfAnAccessTokenIsOne(t *testing.T) {
	for typ, want := range map[string]bool{
		"at+jwt": true, "AT+JWT": true, "application/at+jwt": true, "Application/AT+jwt": true,
		"": false, "JWT": false, "jwt": false, "dpop+jwt": false, "at+jwt ": false, "at+jwt;x=1": false,
		"application/": false, "application/jwt": false, "application/application/at+jwt": false, "text/at+jwt": false,
	} {
		if got := jws.IsAccess(typ); got != want {
			t.Errorf("%q: got %t, want %t", typ, got, want)
		}
	}
}
