package desktop_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
)

func TestARedirectDoesNotCarryTheTokenAway(t *testing.T) {
	cases := []struct {
		name     string
		location string
		status   int      // of the response that the app gets
		holders  []string // the URLs that got the token
	}{
		{"on the same host it is followed", "/there", 200, []string{"localhost:8080/here", "localhost:8080/there"}},
		{"to the same host in full too", "http://localhost:8080/there", 200, []string{"localhost:8080/here", "localhost:8080/there"}},
		{"to another host it is not", "http://api.localhost:8080/there", 307, []string{"localhost:8080/here"}},
		{"to another port it is not", "http://localhost:9090/there", 307, []string{"localhost:8080/here"}},
		{"to another scheme it is not", "https://localhost:8080/there", 307, []string{"localhost:8080/here"}},
		{"to plain http elsewhere it is not", "http://api.example.com/there", 307, []string{"localhost:8080/here"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			session(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
				var holders []string
				f.onOther = func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.Header.Get("Authorization"), fakeToken) {
						holders = append(holders, r.Host+r.URL.Path)
					}
					if r.URL.Path == "/here" {
						http.Redirect(w, r, tc.location, http.StatusTemporaryRedirect)
					}
				}
				res, err := s.HTTPClient().Get(f.issuer + "/here")
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != tc.status {
					t.Errorf("status: got %s, want %d", res.Status, tc.status)
				}
				if diff := cmp.Diff(tc.holders, holders); diff != "" {
					t.Errorf("who got the token (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestACircleOfRedirectsEnds(t *testing.T) {
	session(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		asked := 0
		f.onOther = func(w http.ResponseWriter, r *http.Request) {
			asked++
			http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
		}
		if res, err := s.HTTPClient().Get(f.issuer + "/here"); err == nil || asked != 10 {
			t.Errorf("got %v, %v after %d requests, want an error after 10", res, err, asked)
		}
	})
}

// paper is a body that knows whether it was closed.
type paper struct {
	io.Reader
	closed bool
}

func (p *paper) Close() error { p.closed = true; return nil }

func TestTheTokenDoesNotTravelInTheClear(t *testing.T) {
	session(t, func(t *testing.T, f *fake, _ *network, _ *desktop.Client, s *desktop.Session, _ *memory) {
		var hosts []string
		f.onOther = func(_ http.ResponseWriter, r *http.Request) { hosts = append(hosts, r.Host) }
		body := &paper{Reader: strings.NewReader("x")}
		_, err := s.HTTPClient().Post("http://api.example.com/", "text/plain", body)
		if err == nil || !strings.Contains(err.Error(), "want https") {
			t.Errorf("http elsewhere: got %v, want a refusal", err)
		}
		if !body.closed {
			t.Error("the body was left open")
		}
		res, err := s.HTTPClient().Get("http://127.0.0.1:8080/")
		if err != nil {
			t.Fatalf("http on this computer: %v", err)
		}
		res.Body.Close()
		if !slices.Equal(hosts, []string{"127.0.0.1:8080"}) {
			t.Errorf("asked %v, want this computer only", hosts)
		}
	})
}
