package desktop

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestWhatASecondProofGoesBy(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	const hour = time.Hour
	for _, tc := range []struct {
		name   string
		known  peer // by other requests, meanwhile
		first  peer
		code   string
		answer http.Header
		second peer
		ok     bool
	}{
		{"a nonce, the first", peer{"n", 0}, peer{}, wire.CodeUseDPoPNonce, header(wire.HeaderDPoPNonce, "n"), peer{"n", 0}, true},
		{"a nonce of its own beside a newer one", peer{"newer", 0}, peer{"old", hour}, wire.CodeUseDPoPNonce, header(wire.HeaderDPoPNonce, "n"), peer{"n", hour}, true},
		{"the nonce that was sent", peer{"n", 0}, peer{"n", 0}, wire.CodeUseDPoPNonce, header(wire.HeaderDPoPNonce, "n"), peer{}, false},
		{"no nonce", peer{"newer", 0}, peer{}, wire.CodeUseDPoPNonce, header(), peer{}, false},
		{"a nonce without measure", peer{}, peer{}, wire.CodeUseDPoPNonce, header(wire.HeaderDPoPNonce, strings.Repeat("n", maxNonce+1)), peer{}, false},
		{"the server's clock", peer{}, peer{"n", 0}, wire.CodeInvalidDPoPProof, header("Date", at(hour)), peer{"n", hour}, true},
		{"the server's clock, which another request has learned", peer{"", hour}, peer{}, wire.CodeInvalidDPoPProof, header("Date", at(hour)), peer{"", hour}, true},
		{"the server's clock and a nonce", peer{}, peer{"n", 0}, wire.CodeInvalidDPoPProof, header("Date", at(hour), wire.HeaderDPoPNonce, "m"), peer{"m", hour}, true},
		{"a clock as it was reckoned with", peer{}, peer{"", hour}, wire.CodeInvalidDPoPProof, header("Date", at(hour)), peer{}, false},
		{"another error", peer{}, peer{}, wire.CodeInvalidToken, header("Date", at(hour), wire.HeaderDPoPNonce, "n"), peer{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := &url.URL{Scheme: "https", Host: "login.example.com"}
			p := &proofs{}
			p.change(u, func(known *peer) { *known = tc.known })
			second, ok := p.mended(u, tc.first, tc.code, tc.answer, now)
			if ok != tc.ok {
				t.Fatalf("got %v, want %v", ok, tc.ok)
			}
			if diff := cmp.Diff(tc.second, second, cmp.AllowUnexported(peer{})); ok && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
