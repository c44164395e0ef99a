package token

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// IDClaims is what an ID token says (OpenID Connect Core section 2).
type IDClaims struct {
	Issuer    string
	Subject   string
	Audience  string // the client's ID
	Nonce     string // the client's own; empty: none
	SessionID string // sid; empty: none
	// The times are told in whole seconds, rounded down.
	IssuedAt  time.Time
	ExpiresAt time.Time
	AuthTime  time.Time // zero: not told
}

// idWire is the payload of an ID token.
type idWire struct {
	Issuer     string   `json:"iss"`
	Subject    string   `json:"sub"`
	Audience   string   `json:"aud"`
	ExpiresAt  int64    `json:"exp"`
	IssuedAt   int64    `json:"iat"`
	AuthTime   int64    `json:"auth_time,omitempty"`
	Nonce      string   `json:"nonce,omitempty"`
	ACR        string   `json:"acr"`
	AMR        []string `json:"amr"`
	AccessHash string   `json:"at_hash,omitempty"`
	SessionID  string   `json:"sid,omitempty"`
}

// SignID makes an ID token, bound by at_hash to the access token that it is
// handed out with; the empty string is none. Errors are those of SignAccess.
func (r *Ring) SignID(now time.Time, c IDClaims, accessToken string) (string, error) {
	if err := c.complete(); err != nil {
		return "", fmt.Errorf("sign ID token: %w", err)
	}
	s, err := r.signer(now)
	if err != nil {
		return "", fmt.Errorf("sign ID token: %w", err)
	}
	w := c.wire()
	w.AccessHash = accessHash(s.algorithm(), accessToken)
	tok, err := s.compact(s.idHeader, w)
	if err != nil {
		return "", fmt.Errorf("sign ID token: %w", err)
	}
	return tok, nil
}

// OpenID verifies that an ID token is this server's own, by the rules of OpenAccess:
// a client brings one back to name a person (OpenID Connect Core section 3.1.2.1).
// That it has ended does not matter.
func (r *Ring) OpenID(now time.Time, tok, issuer string) (IDClaims, error) {
	var w idWire
	if err := r.open(now, tok, idType, &w); err != nil {
		return IDClaims{}, err
	}
	c := w.claims()
	if c.Issuer != issuer || c.complete() != nil {
		return IDClaims{}, refuse("it is not of this issuer")
	}
	return c, nil
}

func idType(typ string) bool { return strings.EqualFold(typ, typeID) }

func (w idWire) claims() IDClaims {
	return IDClaims{
		Issuer:    w.Issuer,
		Subject:   w.Subject,
		Audience:  w.Audience,
		Nonce:     w.Nonce,
		SessionID: w.SessionID,
		IssuedAt:  date(w.IssuedAt),
		ExpiresAt: date(w.ExpiresAt),
		AuthTime:  date(w.AuthTime),
	}
}

func (c IDClaims) complete() error {
	return require(
		claim{"iss", c.Issuer != ""},
		claim{"sub", c.Subject != ""},
		claim{"aud", c.Audience != ""},
		claim{"exp", !c.ExpiresAt.IsZero()},
		claim{"iat", !c.IssuedAt.IsZero()},
	)
}

func (c IDClaims) wire() idWire {
	return idWire{
		Issuer:    c.Issuer,
		Subject:   c.Subject,
		Audience:  c.Audience,
		ExpiresAt: seconds(c.ExpiresAt),
		IssuedAt:  seconds(c.IssuedAt),
		AuthTime:  seconds(c.AuthTime),
		Nonce:     c.Nonce,
		ACR:       ACR,
		AMR:       AMR(),
		SessionID: c.SessionID,
	}
}

// accessHash is the at_hash of OpenID Connect Core section 3.1.3.6: the left half
// of the hash that the algorithm of the ID token uses. That of Ed25519 is SHA-512
// (RFC 8032 section 5.1).
func accessHash(alg Algorithm, accessToken string) string {
	if accessToken == "" {
		return ""
	}
	if alg == EdDSA {
		sum := sha512.Sum512([]byte(accessToken))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
