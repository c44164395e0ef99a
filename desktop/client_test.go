package desktop_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestNewChecksTheConfiguration(t *testing.T) {
	cases := []struct {
		name   string
		cfg    desktop.Config
		faults []string // none: it is good
	}{
		{"https", desktop.Config{Issuer: "https://login.example.com", ClientID: "app"}, nil},
		{"https with a path", desktop.Config{Issuer: "https://example.com/login", ClientID: "app"}, nil},
		{"http on localhost", desktop.Config{Issuer: "http://localhost:8080", ClientID: "app"}, nil},
		{"http on a loopback address", desktop.Config{Issuer: "http://[::1]:8080", ClientID: "app"}, nil},
		{"http elsewhere", desktop.Config{Issuer: "http://login.example.com", ClientID: "app"}, []string{"https"}},
		{"http on a host that only begins like localhost", desktop.Config{Issuer: "http://localhost.example.com", ClientID: "app"}, []string{"https"}},
		{"a query", desktop.Config{Issuer: "https://login.example.com?a=b", ClientID: "app"}, []string{"URL"}},
		{"credentials", desktop.Config{Issuer: "https://u:p@login.example.com", ClientID: "app"}, []string{"URL"}},
		{"a bad scope", desktop.Config{Issuer: "https://login.example.com", ClientID: "app", Scopes: []string{`a"b`}}, []string{"scope"}},
		{"nothing at all", desktop.Config{}, []string{"issuer", "client ID"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := desktop.New(tc.cfg)
			if len(tc.faults) == 0 && err != nil {
				t.Fatalf("got %v, want no error", err)
			}
			for _, fault := range tc.faults {
				if err == nil || !strings.Contains(err.Error(), fault) {
					t.Errorf("got %v, want it to speak of %q", err, fault)
				}
			}
		})
	}
}

func TestAnIssuerMayHaveAPath(t *testing.T) {
	f := newFake()
	srv := f.serve(t)
	f.issuer = srv.URL + "/tenant"
	l := start(t, f.client(t, transport(t)))
	awaitPush(t, l)
	f.set(wire.StateApproved)
	signedIn(t, l)
}

func TestMetadataThatIsNotTheIssuersIsRefused(t *testing.T) {
	cases := []struct {
		name string
		doc  func(*wire.Metadata)
	}{
		{"another issuer", func(m *wire.Metadata) { m.Issuer = "https://evil.example" }},
		{"the issuer with a slash more", func(m *wire.Metadata) { m.Issuer += "/" }},
		{"no device endpoint", func(m *wire.Metadata) { m.DeviceAuthorizationEndpoint = "" }},
		{"tokens in the clear", func(m *wire.Metadata) { m.TokenEndpoint = "http://login.example.com/token" }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake()
			f.serve(t)
			f.metadata = tc.doc
			_, err := f.client(t, transport(t)).Start(t.Context())
			if err == nil || errors.Is(err, desktop.ErrOffline) {
				t.Errorf("Start: got %v, want a refusal", err)
			}
			if len(f.starts) != 0 {
				t.Error("the login was started all the same")
			}
		})
	}
}

func TestMetadataIsAskedForOnce(t *testing.T) {
	f := newFake()
	f.serve(t)
	asked := 0
	f.metadata = func(*wire.Metadata) { asked++ }
	c := f.client(t, transport(t))
	for range 2 {
		l := start(t, c)
		l.Cancel()
		<-l.Done()
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
}

func TestStartSaysWhyItFailed(t *testing.T) {
	t.Run("nobody there", func(t *testing.T) {
		f := newFake()
		f.serve(t).Close()
		if _, err := f.client(t, transport(t)).Start(t.Context()); !errors.Is(err, desktop.ErrOffline) {
			t.Errorf("got %v, want ErrOffline", err)
		}
	})
	t.Run("an unknown client", func(t *testing.T) {
		f := newFake()
		f.serve(t)
		c, err := desktop.New(desktop.Config{Issuer: f.issuer, ClientID: "stranger", HTTPClient: &http.Client{Transport: transport(t)}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Start(t.Context())
		var refused *desktop.OAuthError
		if !errors.As(err, &refused) || refused.Code != wire.CodeInvalidClient {
			t.Errorf("got %v, want invalid_client", err)
		}
	})
	t.Run("an answer without a code", func(t *testing.T) {
		f := newFake()
		f.serve(t)
		f.onStart = func(w httpWriter, _ *httpRequest) bool {
			answer(w, http.StatusOK, wire.DeviceAuthorization{DeviceCode: "x", ExpiresIn: 5})
			return true
		}
		if _, err := f.client(t, transport(t)).Start(t.Context()); err == nil {
			t.Error("got a login, want an error")
		}
	})
}
