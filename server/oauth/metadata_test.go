package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/token"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func (s *server) metadata() (m wire.Metadata) {
	s.t.Helper()
	a := record(s.face.Metadata(), wire.WellKnownMetadata)
	if err := json.Unmarshal(a.Body.Bytes(), &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func TestMetadata(t *testing.T) {
	s := serve(t, budget.Limits{})
	m := s.metadata()
	for name, pair := range map[string][2]string{
		"issuer":                        {m.Issuer, issuer},
		"authorization_endpoint":        {m.AuthorizationEndpoint, issuer + "/authorize"},
		"token_endpoint":                {m.TokenEndpoint, issuer + "/token"},
		"device_authorization_endpoint": {m.DeviceAuthorizationEndpoint, issuer + "/device_authorization"},
		"device_push_endpoint":          {m.DevicePushEndpoint, "ws://localhost:8080/push"},
		"device_confirmation_endpoint":  {m.DeviceConfirmationEndpoint, issuer + "/device_confirmation"},
		"jwks_uri":                      {m.JWKSURI, issuer + "/jwks"},
		"revocation_endpoint":           {m.RevocationEndpoint, issuer + "/revoke"},
		"introspection_endpoint":        {m.IntrospectionEndpoint, issuer + "/introspect"},
		"userinfo_endpoint":             {m.UserInfoEndpoint, issuer + "/userinfo"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", name, pair[0], pair[1])
		}
	}
	for name, pair := range map[string][2][]string{
		"response_types_supported":              {m.ResponseTypesSupported, {"code"}},
		"response_modes_supported":              {m.ResponseModesSupported, {"query"}},
		"code_challenge_methods_supported":      {m.ChallengeMethodsSupported, {"S256"}},
		"id_token_signing_alg_values_supported": {m.IDTokenAlgorithms, {"ES256"}},
		"acr_values_supported":                  {m.ACRValuesSupported, {"phr"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
	if !m.ResponseIssParameter || m.ClaimsParameter || m.RequestParameter || m.RequestURIParameter {
		t.Errorf("iss %t, claims %t, request %t, request_uri %t; want only iss", m.ResponseIssParameter, m.ClaimsParameter, m.RequestParameter, m.RequestURIParameter)
	}
	text := record(s.face.Metadata(), wire.WellKnownMetadata).Body.String()
	for _, said := range []string{`"request_parameter_supported":false`, `"request_uri_parameter_supported":false`} {
		if !strings.Contains(text, said) {
			t.Errorf("%s is not said, and its default is another", said)
		}
	}
	if slices.Contains(m.DPoPAlgorithms, "none") || strings.Contains(text, `"HS`) {
		t.Error("an algorithm is advertised that proves nothing")
	}
}

func TestEveryAdvertisedClaimIsTold(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	m := s.metadata()
	tok := a.signIn(url.Values{"nonce": {"n1"}, "scope": {strings.Join(m.ScopesSupported, " ")}})
	told := s.open(tok.IDToken).claims
	var info map[string]any
	if err := json.Unmarshal(a.userInfo(tok).body, &info); err != nil {
		t.Fatal(err)
	}
	for _, name := range m.ClaimsSupported {
		if told[name] == nil && info[name] == nil {
			t.Errorf("%s is advertised, and neither in the ID token nor at userinfo", name)
		}
	}
	for name := range told {
		if !slices.Contains(m.ClaimsSupported, name) {
			t.Errorf("%s is in the ID token, and not advertised", name)
		}
	}
}

// keySet is the published set, with the private members that it must not have.
func (s *server) keySet() *jose.JSONWebKeySet {
	s.t.Helper()
	set := new(jose.JSONWebKeySet)
	got := s.send(http.MethodGet, wire.PathJWKS, "")
	if err := json.Unmarshal(got.body, set); err != nil || got.StatusCode != http.StatusOK {
		s.t.Fatalf("jwks: %s %s", got.Status, got.body)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() || k.Use != "sig" || k.KeyID == "" || k.Algorithm == "" {
			s.t.Errorf("a key that is not public, or without use, kid or alg: %s", got.body)
		}
	}
	return set
}

func TestThePublishedKeysMayBeKeptAWhile(t *testing.T) {
	s := serve(t, budget.Limits{})
	got := s.send(http.MethodGet, wire.PathJWKS, "")
	if cache := got.Header.Get("Cache-Control"); cache != "public, max-age=300" || got.Header.Get("Pragma") != "" {
		t.Errorf("got Cache-Control %q, Pragma %q; want max-age=300 and none", cache, got.Header.Get("Pragma"))
	}
	if kind := got.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/j") {
		t.Errorf("got Content-Type %q, want JSON", kind)
	}
	if head := s.send(http.MethodHead, wire.PathJWKS, ""); head.StatusCode != http.StatusOK || len(head.body) != 0 {
		t.Errorf("HEAD: got %s with %d bytes, want 200 with none", head.Status, len(head.body))
	}
}

// TestAKeyIsPublishedBeforeItSigns, and the old one until its tokens have ended.
func TestAKeyIsPublishedBeforeItSigns(t *testing.T) {
	s := serve(t, budget.Limits{})
	a := s.web()
	tok := a.signIn(nil)
	old := s.open(tok.AccessToken).header.KeyID
	if n := len(s.keySet().Keys); n != 1 {
		t.Fatalf("%d keys at the beginning, want 1", n)
	}
	s.Clock.Advance(keyring.DefaultRotation)
	s.tend()
	tok = a.signIn(nil)
	kept := s.keySet() // as a verifier keeps it
	if len(kept.Keys) != 2 || s.open(tok.AccessToken).header.KeyID != old {
		t.Fatalf("%d keys, signed by the old one: %t; want 2 and the old one", len(kept.Keys), s.open(tok.AccessToken).header.KeyID == old)
	}
	s.Clock.Advance(token.PublishLead)
	s.tend()
	next := a.signIn(nil)
	kid := s.open(next.AccessToken).header.KeyID
	if kid == old || len(kept.Key(kid)) != 1 {
		t.Errorf("signed by the old key: %t; the new one was published before: %t", kid == old, len(kept.Key(kid)) == 1)
	}
	if got := a.userInfo(next); got.StatusCode != http.StatusOK {
		t.Errorf("userinfo with the new key's token: got %s, want 200", got.Status)
	}
	last := a.signIn(nil)
	s.Clock.Advance(time.Duration(tok.ExpiresIn)*time.Second - time.Minute)
	s.tend()
	if len(s.keySet().Key(old)) != 1 {
		t.Error("the old key is gone while its tokens live")
	}
	s.Clock.Advance(2 * time.Hour)
	s.tend()
	if len(s.keySet().Key(old)) != 0 {
		t.Error("the old key is still published when all its tokens have ended")
	}
	if got := a.refresh(last.RefreshToken, nil); got.StatusCode != http.StatusOK {
		t.Errorf("a refresh after the rotation: got %s %s, want 200", got.Status, got.body)
	}
}

func (s *server) tend() {
	s.t.Helper()
	if err := s.Service.Keys.Tend(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}
