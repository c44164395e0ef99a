package logintest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"time"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// AddSecretClient adds a client that has a secret, which it returns.
func (w *World) AddSecretClient(c auth.Client) (auth.Client, secret.Text) {
	w.t.Helper()
	s := secret.Must()
	c.AuthMethod = auth.AuthSecret
	c.Secrets = append(c.Secrets, auth.ClientSecret{Hash: s.Hash(), CreatedAt: w.Clock.Now().UTC().Truncate(time.Microsecond)})
	return w.AddClient(c), s
}

// KeyClient is a client with a private key.
type KeyClient struct {
	auth.Client
	w       *World
	private *ecdsa.PrivateKey
}

// AddKeyClient adds a client that signs assertions.
func (w *World) AddKeyClient(c auth.Client) *KeyClient {
	w.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	c.AuthMethod = auth.AuthPrivateKey
	if c.Keys, err = assertion.ParseKeys([]byte(jwstest.JWK(w.t, private))); err != nil {
		w.t.Fatal(err)
	}
	return &KeyClient{w.AddClient(c), w, private}
}

// Assert makes new credentials. The changes replace claims of the assertion; nil
// leaves one out.
func (c *KeyClient) Assert(changes map[string]any) login.Credentials {
	c.w.t.Helper()
	now := c.w.Clock.Now()
	claims := map[string]any{
		"iss": c.ID, "sub": c.ID, "aud": c.w.Config.Issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return login.Credentials{
		ID:        c.ID,
		Assertion: jwstest.Sign(c.w.t, "ES256", c.private, `{"alg":"ES256"}`, string(payload)),
		Audiences: []string{c.w.Config.Issuer},
	}
}
