package resource

import (
	"context"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Skew is how far this computer's clock and the server's may differ.
const Skew = time.Minute

// claims are those of RFC 9068 section 2.2, and sid of OpenID Connect Front-Channel
// Logout section 3.
type claims struct {
	Issuer    string           `json:"iss"`
	Subject   string           `json:"sub"`
	Audience  jwt.Audience     `json:"aud"`
	ExpiresAt *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	IssuedAt  *jwt.NumericDate `json:"iat"`
	AuthTime  *jwt.NumericDate `json:"auth_time"`
	ID        string           `json:"jti"`
	ClientID  string           `json:"client_id"`
	SessionID string           `json:"sid"`
	Scope     string           `json:"scope"`
	ACR       string           `json:"acr"`
	AMR       []string         `json:"amr"`
	Bound     *struct {
		KeyThumbprint string `json:"jkt"`
	} `json:"cnf"`
}

// algorithms are the asymmetric ones: with a symmetric one the public key would be
// the secret, and with none there is no signature (RFC 8725 sections 2.1 and 3.2).
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	}
}

// open verifies the token itself, by RFC 9068 section 4: how it came is for the
// caller. The error is an *Error, or that of the keyring.
func (v *Verifier) open(ctx context.Context, now time.Time, raw string) (*Token, error) {
	signed, err := jwt.ParseSigned(raw, algorithms())
	if err != nil {
		return nil, invalidToken("the token is not a JWT that is signed with an asymmetric algorithm")
	}
	header := signed.Headers[0]
	if !isAccessToken(header) {
		return nil, invalidToken("the token is not an access token: its typ is not at+jwt")
	}
	key, err := v.keys.find(ctx, now, header.KeyID)
	if err != nil {
		return nil, err
	}
	if key.Algorithm != "" && key.Algorithm != header.Algorithm {
		return nil, invalidToken("the token's alg is not that of its key")
	}
	var c claims
	if err := signed.Claims(key.Key, &c); err != nil {
		return nil, invalidToken("the token's signature or its claims are not valid")
	}
	if err := v.check(now, c); err != nil {
		return nil, err
	}
	return c.token(), nil
}

// isAccessToken is what keeps an ID token or any other JWT of the server's from
// being taken for an access token (RFC 9068 section 4).
func isAccessToken(h jose.Header) bool {
	typ, _ := h.ExtraHeaders[jose.HeaderType].(string)
	return strings.TrimPrefix(strings.ToLower(typ), "application/") == "at+jwt"
}

// check refuses claims that are not for here and now.
func (v *Verifier) check(now time.Time, c claims) error {
	switch {
	case c.Issuer != v.issuer:
		return invalidToken("the token is another issuer's")
	case !c.Audience.Contains(v.audience):
		return invalidToken("the token is not for this resource: ask for one with resource=" + v.audience)
	case c.Subject == "" || c.ClientID == "" || c.ID == "" || c.ExpiresAt == nil || c.IssuedAt == nil:
		return invalidToken("the token lacks a claim of RFC 9068")
	case c.Bound != nil && c.Bound.KeyThumbprint == "":
		return invalidToken("the token is bound in a way that is not known here")
	case !now.Before(c.ExpiresAt.Time().Add(Skew)):
		return invalidToken("the token has expired")
	case early(now, c.IssuedAt) || early(now, c.NotBefore):
		return invalidToken("the token is not valid yet")
	}
	return nil
}

func early(now time.Time, from *jwt.NumericDate) bool {
	return from != nil && now.Before(from.Time().Add(-Skew))
}

func (c claims) token() *Token {
	t := &Token{
		Subject:   c.Subject,
		ClientID:  c.ClientID,
		ID:        c.ID,
		SessionID: c.SessionID,
		Audience:  c.Audience,
		Scopes:    strings.Fields(c.Scope),
		IssuedAt:  c.IssuedAt.Time(),
		ExpiresAt: c.ExpiresAt.Time(),
		AuthTime:  c.AuthTime.Time(),
		ACR:       c.ACR,
		AMR:       c.AMR,
	}
	if c.Bound != nil {
		t.KeyThumbprint = c.Bound.KeyThumbprint
	}
	return t
}
