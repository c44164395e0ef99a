package desktop

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// maxHops is net/http's own bound, which a CheckRedirect of our own takes away.
const maxHops = 10

// guarded keeps the access token off the network where others can read along.
// It stands before what adds the token.
type guarded struct{ next http.RoundTripper }

// RoundTrip refuses a URL that secrets may not travel to.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if secure(r.URL) {
		return g.next.RoundTrip(r)
	}
	closeBody(r)
	return nil, fmt.Errorf("the access token stays here: want https for %q (http is for localhost only)", r.URL.Host)
}

// stayHome is a CheckRedirect that follows within the first request's origin.
// Each hop gets the token anew, so any other answer is the caller's to look at.
func stayHome(r *http.Request, via []*http.Request) error {
	if !sameOrigin(r.URL, via[0].URL) {
		return http.ErrUseLastResponse
	}
	if len(via) >= maxHops {
		return errors.New("the server redirects in a circle: gave up after 10 redirects")
	}
	return nil
}

// sameOrigin compares to the letter: a port that only one of them spells out
// makes two.
func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }
