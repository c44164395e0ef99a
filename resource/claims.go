package resource

import (
	"context"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/jws"
)

// Skew is how far this computer's clock and the server's may differ.
const Skew = jws.Skew

// claims are those of RFC 9068 section 2.2, and sid of OpenID Connect Front-Channel
// Logout section 3.
type claims struct {
	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  jws.Audience `json:"aud"`
	ExpiresAt *jws.Date    `json:"exp"`
	NotBefore *jws.Date    `json:"nbf"`
	IssuedAt  *jws.Date    `json:"iat"`
	AuthTime  *jws.Date    `json:"auth_time"`
	ID        string       `json:"jti"`
	ClientID  string       `json:"client_id"`
	SessionID string       `json:"sid"`
	Scope     string       `json:"scope"`
	ACR       string       `json:"acr"`
	AMR       []string     `json:"amr"`
	Bound     *struct {
		KeyThumbprint string `json:"jkt"`
	} `json:"cnf"`
}

// open verifies the token itself, by RFC 9068 section 4: how it came is for the
// caller. The error is an *Error, or that of the keyring.
func (v *Verifier) open(ctx context.Context, now time.Time, raw string) (*Token, error) {
	signed, err := jws.Parse(raw, maxAuthorization)
	if err != nil {
		return nil, invalidToken("the token cannot be read: " + err.Error())
	}
	if !jws.IsAccess(signed.Type) {
		return nil, invalidToken("the token is not an access token: its typ is not " + jws.TypeAccess)
	}
	key, err := v.keys.find(ctx, now, signed.KeyID)
	if err != nil {
		return nil, err
	}
	if err := signed.SignedBy(key); err != nil {
		return nil, invalidToken("the token is not the issuer's: " + err.Error())
	}
	var c claims
	if err := signed.Claims(&c); err != nil {
		return nil, invalidToken("the token's claims are not those of RFC 9068")
	}
	if err := v.check(now, c); err != nil {
		return nil, err
	}
	return c.token(), nil
}

// check refuses claims that are not for here and now.
func (v *Verifier) check(now time.Time, c claims) error {
	switch {
	case c.Issuer != v.issuer:
		return invalidToken("the token is another issuer's")
	case !c.Audience.Has(v.audience):
		return invalidToken("the token is not for this resource: ask for one with resource=" + v.audience)
	case c.Subject == "" || c.ClientID == "" || c.ID == "" || c.ExpiresAt == nil || c.IssuedAt == nil:
		return invalidToken("the token lacks a claim of RFC 9068")
	case c.Bound != nil && c.Bound.KeyThumbprint == "":
		return invalidToken("the token is bound in a way that is not known here")
	case !now.Before(c.ExpiresAt.Add(Skew)):
		return invalidToken("the token has expired")
	case early(now, c.IssuedAt) || early(now, c.NotBefore):
		return invalidToken("the token is not valid yet")
	}
	return nil
}

func early(now time.Time, from *jws.Date) bool {
	return from != nil && now.Before(from.Add(-Skew))
}

func (c claims) token() *Token {
	t := &Token{
		Subject:   c.Subject,
		ClientID:  c.ClientID,
		ID:        c.ID,
		SessionID: c.SessionID,
		Audience:  c.Audience,
		Scopes:    strings.Fields(c.Scope),
		IssuedAt:  c.IssuedAt.Time,
		ExpiresAt: c.ExpiresAt.Time,
		ACR:       c.ACR,
		AMR:       c.AMR,
	}
	if c.AuthTime != nil {
		t.AuthTime = c.AuthTime.Time
	}
	if c.Bound != nil {
		t.KeyThumbprint = c.Bound.KeyThumbprint
	}
	return t
}
