package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/jws"
)

// ErrToken is what every refusal of an access token is: it is not one that this
// server signed, or no longer to be known.
var ErrToken = errors.New("the access token is not valid")

// maxToken is the size in bytes beyond which nothing is parsed.
const maxToken = 16 << 10

// AccessClaims is what an access token says (RFC 9068 section 2.2).
type AccessClaims struct {
	Issuer   string
	Subject  string
	ClientID string
	ID       string // jti
	// Audience are the resources that it is for (RFC 8707).
	Audience  []string
	SessionID string // sid; empty: none
	Scope     string // empty: none
	// The times are told in whole seconds, rounded down.
	IssuedAt  time.Time
	ExpiresAt time.Time
	AuthTime  time.Time // zero: not told
	// KeyThumbprint is that of the DPoP key which the token is bound to (cnf.jkt,
	// RFC 9449 section 6.1); empty: a bearer token.
	KeyThumbprint string
}

// accessWire is the payload of an access token.
type accessWire struct {
	Issuer       string        `json:"iss"`
	ExpiresAt    int64         `json:"exp"`
	Audience     jws.Audience  `json:"aud"`
	Subject      string        `json:"sub"`
	ClientID     string        `json:"client_id"`
	IssuedAt     int64         `json:"iat"`
	ID           string        `json:"jti"`
	AuthTime     int64         `json:"auth_time,omitempty"`
	ACR          string        `json:"acr"`
	AMR          []string      `json:"amr"`
	Scope        string        `json:"scope,omitempty"`
	SessionID    string        `json:"sid,omitempty"`
	Confirmation *confirmation `json:"cnf,omitempty"`
}

// confirmation is the cnf of RFC 7800 section 3.1.
type confirmation struct {
	Thumbprint string `json:"jkt"` // RFC 9449 section 6.1
}

// SignAccess makes an access token. It is an error, and nothing is signed, when
// one of the seven claims is missing that RFC 9068 section 2.2 requires; without
// a key that signs at the time the error is ErrNoSigner.
func (r *Ring) SignAccess(now time.Time, c AccessClaims) (string, error) {
	if err := c.complete(); err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	s, err := r.signer(now)
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	tok, err := s.compact(s.accessHeader, c.wire())
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	return tok, nil
}

func (c AccessClaims) complete() error {
	return require(
		claim{"iss", c.Issuer != ""},
		claim{"exp", !c.ExpiresAt.IsZero()},
		claim{"aud", len(c.Audience) > 0 && !slices.Contains(c.Audience, "")},
		claim{"sub", c.Subject != ""},
		claim{"client_id", c.ClientID != ""},
		claim{"iat", !c.IssuedAt.IsZero()},
		claim{"jti", c.ID != ""},
	)
}

func (c AccessClaims) wire() accessWire {
	w := accessWire{
		Issuer:    c.Issuer,
		ExpiresAt: seconds(c.ExpiresAt),
		Audience:  c.Audience,
		Subject:   c.Subject,
		ClientID:  c.ClientID,
		IssuedAt:  seconds(c.IssuedAt),
		ID:        c.ID,
		AuthTime:  seconds(c.AuthTime),
		ACR:       ACR,
		AMR:       AMR(),
		Scope:     c.Scope,
		SessionID: c.SessionID,
	}
	if c.KeyThumbprint != "" {
		w.Confirmation = &confirmation{c.KeyThumbprint}
	}
	return w
}

func (w accessWire) claims() AccessClaims {
	c := AccessClaims{
		Issuer:    w.Issuer,
		Subject:   w.Subject,
		ClientID:  w.ClientID,
		ID:        w.ID,
		Audience:  w.Audience,
		SessionID: w.SessionID,
		Scope:     w.Scope,
		IssuedAt:  date(w.IssuedAt),
		ExpiresAt: date(w.ExpiresAt),
		AuthTime:  date(w.AuthTime),
	}
	if w.Confirmation != nil {
		c.KeyThumbprint = w.Confirmation.Thumbprint
	}
	return c
}

// OpenAccess verifies that an access token is this server's own: that it is
// signed, in the compact form and with the key's own algorithm, by a key that has
// not expired, that it is an access token (RFC 9068 section 4) and of this
// issuer. All else is ErrToken. That it has ended is the caller's to see, for an
// ended one can still be revoked.
func (r *Ring) OpenAccess(now time.Time, tok, issuer string) (AccessClaims, error) {
	var w accessWire
	if err := r.open(now, tok, jws.IsAccess, &w); err != nil {
		return AccessClaims{}, err
	}
	c := w.claims()
	if c.Issuer != issuer || c.complete() != nil {
		return AccessClaims{}, refuse("it is not of this issuer")
	}
	return c, nil
}

// open verifies a token of one of the ring's keys and of a fitting typ, and reads
// its claims.
func (r *Ring) open(now time.Time, tok string, fits func(typ string) bool, claims any) error {
	if len(tok) > maxToken || strings.ContainsFunc(tok, notCompact) {
		return refuse("it is not a JWT")
	}
	signed, err := jose.ParseSignedCompact(tok, accepted())
	if err != nil {
		return refuse("it is not a JWT signed with one of the server's algorithms")
	}
	payload, err := r.verify(now, signed, fits)
	if err != nil {
		return err
	}
	if json.Unmarshal(payload, claims) != nil {
		return refuse("its claims cannot be read")
	}
	return nil
}

// verify returns the payload of a token of one of the ring's keys.
func (r *Ring) verify(now time.Time, signed *jose.JSONWebSignature, fits func(typ string) bool) ([]byte, error) {
	h := signed.Signatures[0].Protected // the compact form has one
	if typ, ok := h.ExtraHeaders[jose.HeaderType].(string); !ok || !fits(typ) {
		return nil, refuse("its typ is of another kind of token")
	}
	s, ok := r.byID[h.KeyID]
	if !ok || expired(s.key, now) {
		return nil, refuse("its key is not one of the server's")
	}
	if h.Algorithm != s.key.Algorithm {
		return nil, refuse("its alg is not that of its key")
	}
	payload, err := signed.Verify(s.public)
	if err != nil {
		return nil, refuse("its signature is wrong")
	}
	return payload, nil
}

// notCompact reports a character that the compact form does not have. The
// decoder of base64 skips line ends, so that one token would have many texts.
func notCompact(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		return false
	}
	return true
}

func refuse(why string) error { return fmt.Errorf("%w: %s", ErrToken, why) }
