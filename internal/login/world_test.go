package login_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/token"
)

// accessClaims is what the access token says, verified as this server does.
func accessClaims(t *testing.T, w *logintest.World, tok secret.Text) token.AccessClaims {
	t.Helper()
	set, err := w.Keys.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := set.OpenAccess(w.Clock.Now(), tok.Reveal(), w.Config.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// payload is what a JWT says, unverified.
func payload(t *testing.T, tok secret.Text) map[string]any {
	t.Helper()
	parts := strings.Split(tok.Reveal(), ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts, want a JWT", len(parts))
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(b, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func cut(refresh secret.Text) (family, own string, ok bool) {
	return strings.Cut(refresh.Reveal(), ".")
}

var errRefreshless = errors.New("no room for a refresh token")

// refreshless is a store that fails to keep refresh tokens, and nothing else.
type refreshless struct{ store.Store }

func (s refreshless) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(refreshlessTx{tx}) })
}

type refreshlessTx struct{ store.Tx }

func (refreshlessTx) AddRefresh(auth.Refresh) error { return errRefreshless }

// header is the header of a JWT, which names its key.
func header(t *testing.T, tok secret.Text) string {
	t.Helper()
	name, _, ok := strings.Cut(tok.Reveal(), ".")
	if !ok {
		t.Fatal("not a JWT")
	}
	return name
}

// verifies checks the signature of a JWT as anybody may who has the JWK Set.
func verifies(set []byte, tok string) error {
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(set, &keys); err != nil {
		return err
	}
	signed, err := jose.ParseSignedCompact(tok, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		return err
	}
	_, err = signed.Verify(&keys)
	return err
}
