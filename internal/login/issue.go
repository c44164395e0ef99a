package login

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/token"
)

// Tokens is what a token request yields.
type Tokens struct {
	Access    secret.Text // a signed JWT (RFC 9068)
	Type      string      // how it is to be used: Bearer or DPoP
	ExpiresIn time.Duration
	Refresh   secret.Text // none without offline_access
	ID        secret.Text // a signed JWT (OpenID Connect Core section 2); none without openid
	Scopes    auth.Scopes
}

// issue is what tokens are made from.
type issue struct {
	keys      *keyring.Set
	client    auth.Client
	session   auth.Session
	scopes    auth.Scopes // the session's, or fewer
	resources []string    // likewise
	key       string      // thumbprint of the DPoP key; empty: bearer tokens
	nonce     string
	wall      time.Time
}

// tokens signs the access token and the ID token. It writes nothing: it comes
// before the transaction, so that a failed signature spends nothing.
func (s *Service) tokens(i issue) (Tokens, error) {
	id, err := secret.New(s.Random)
	if err != nil {
		return Tokens{}, err
	}
	subject := subjectOf(i.keys, i.client, i.session.UserID)
	ends := s.tokenEnd(i)
	access, err := i.keys.SignAccess(i.wall, token.AccessClaims{
		Issuer:        s.Issuer,
		Subject:       subject,
		ClientID:      string(i.client.ID),
		ID:            id.Reveal(),
		Audience:      s.audience(i.resources),
		SessionID:     string(i.session.ID),
		Scope:         i.scopes.String(),
		IssuedAt:      i.wall,
		ExpiresAt:     ends,
		AuthTime:      i.session.AuthTime,
		KeyThumbprint: i.key,
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("sign an access token: %w", err)
	}
	t := Tokens{Access: secret.From(access), Type: tokenType(i.key), ExpiresIn: ends.Sub(i.wall), Scopes: i.scopes}
	if !i.scopes.Has(auth.ScopeOpenID) {
		return t, nil
	}
	idToken, err := i.keys.SignID(i.wall, token.IDClaims{
		Issuer:    s.Issuer,
		Subject:   subject,
		Audience:  string(i.client.ID),
		Nonce:     i.nonce,
		SessionID: string(i.session.ID),
		IssuedAt:  i.wall,
		ExpiresAt: ends,
		AuthTime:  i.session.AuthTime,
	}, access)
	if err != nil {
		return Tokens{}, fmt.Errorf("sign an ID token: %w", err)
	}
	t.ID = secret.From(idToken)
	return t, nil
}

// tokenEnd is when the tokens end: never after the session's absolute limit.
func (s *Service) tokenEnd(i issue) time.Time {
	end, limit := i.wall.Add(s.AccessLifetime), i.session.CreatedAt.Add(s.SessionLifetime)
	if limit.Before(end) {
		return limit
	}
	return end
}

// audience is whom an access token is for: resources, or the issuer where none are
// named (RFC 9068 section 3).
func (s *Service) audience(resources []string) []string {
	if len(resources) == 0 {
		return []string{s.Issuer}
	}
	return resources
}

// subjectOf is the person's name in tokens: stable, and where the client is
// pairwise one that no other client knows (OpenID Connect Core section 8.1).
func subjectOf(keys *keyring.Set, client auth.Client, user auth.UserID) string {
	if !client.Pairwise {
		return string(user)
	}
	mac := hmac.New(sha256.New, keys.Subjects)
	fmt.Fprintf(mac, "%d %s %s", len(client.ID), client.ID, user)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// family is what all refresh tokens of a session begin with, so that a token
// which is stored no more still tells whose it was. It proves nothing by itself.
func family(keys *keyring.Set, id auth.SessionID) secret.Text {
	mac := hmac.New(sha256.New, keys.Families)
	mac.Write([]byte(id))
	return secret.From(base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

// newRefresh makes a refresh token of the session: its family, a dot, and chance.
func (s *Service) newRefresh(keys *keyring.Set, id auth.SessionID) (secret.Text, error) {
	own, err := secret.New(s.Random)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.From(family(keys, id).Reveal() + "." + own.Reveal()), nil
}

// familyOf reads the family's part of what may be a refresh token.
func familyOf(refresh secret.Text) (secret.Text, bool) {
	family, own, ok := strings.Cut(refresh.Reveal(), ".")
	return secret.From(family), ok && family != "" && own != "" && !strings.Contains(own, ".")
}

// ends is when a session is over that was begun at one time and is used at another.
func (s *Service) ends(session auth.Session, used time.Time) time.Time {
	idle, absolute := used.Add(s.SessionIdle), session.CreatedAt.Add(s.SessionLifetime)
	if session.Family.IsZero() {
		idle = used.Add(s.AccessLifetime)
	}
	if idle.Before(absolute) {
		return idle
	}
	return absolute
}
