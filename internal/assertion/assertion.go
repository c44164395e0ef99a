// Package assertion verifies who a client is by what it signed with its private
// key: private_key_jwt (RFC 7523 section 3, OpenID Connect Core section 9).
//
// It keeps nothing: that an assertion was used before is for the caller to
// remember, by Assertion.ReplayKey until Assertion.Expires.
package assertion

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/jws"
	"github.com/qrauthd/qrauthd/internal/secret"
)

const (
	// Skew is what a client's clock may be off by.
	Skew = jws.Skew
	// MaxLife is how far ahead an assertion may expire, and how long ago it may
	// have been issued.
	MaxLife = time.Hour

	maxAssertion = 16 << 10 // bytes
	maxID        = 256      // bytes of a jti
)

// ErrAssertion is what every refusal of an assertion is. Its text is for the
// client's developer, quotes nothing of the assertion, and can be an
// error_description.
var ErrAssertion = errors.New("the client assertion is not valid")

// claims are those of RFC 7523 section 3.
type claims struct {
	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  jws.Audience `json:"aud"`
	ExpiresAt *jws.Date    `json:"exp"`
	NotBefore *jws.Date    `json:"nbf"`
	IssuedAt  *jws.Date    `json:"iat"`
	ID        string       `json:"jti"`
}

// Algorithms are those with which an assertion may be signed, for the metadata
// (RFC 8414 section 2).
func Algorithms() []string { return jws.Algorithms() }

// Subject reads whom an assertion claims to come from, unverified: to find the
// client whose keys will tell. The error is ErrAssertion.
func Subject(assertion string) (string, error) {
	_, c, err := parse(assertion)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrAssertion, err)
	}
	if c.Subject == "" {
		return "", fmt.Errorf("%w: it has no sub", ErrAssertion)
	}
	return c.Subject, nil
}

// Expect is what an assertion must say, and the keys that its client has.
type Expect struct {
	ClientID string
	// Audiences are the names by which this server is meant: the issuer, the token
	// endpoint, the endpoint that was called. An assertion has one of them at least,
	// and no other: whoever else it names could bring it here (RFC 7523bis).
	Audiences []string
	Keys      []byte // a JWK Set from ParseKeys
}

// Assertion is an assertion that was verified.
type Assertion struct {
	clientID, id string
	expiresAt    time.Time
}

// ReplayKey is the same for the same assertion only. Of two with one jti by one
// client, the second is a replay (RFC 7523 section 3 item 7).
func (a Assertion) ReplayKey() secret.Hash {
	client := secret.From(a.clientID).Hash() // of one length, whatever the ID has in it
	return secret.From("assertion " + client.String() + " " + a.id).Hash()
}

// Expires is when the same assertion is refused for its age, in whole seconds:
// from then on its ReplayKey need not be remembered.
func (a Assertion) Expires() time.Time {
	return a.expiresAt.Add(Skew).Truncate(time.Second).Add(time.Second)
}

// Verify checks an assertion by RFC 7523 section 3. That the ReplayKey is new is
// left to the caller. The error is ErrAssertion.
func Verify(now time.Time, assertion string, want Expect) (Assertion, error) {
	a, err := verify(now, assertion, want)
	if err != nil {
		return Assertion{}, fmt.Errorf("%w: %w", ErrAssertion, err)
	}
	return a, nil
}

// verify leaves the signature, which costs the most, for the end.
func verify(now time.Time, assertion string, want Expect) (Assertion, error) {
	token, c, err := parse(assertion)
	if err != nil {
		return Assertion{}, err
	}
	if err := c.check(want); err != nil {
		return Assertion{}, err
	}
	if err := c.checkTimes(now); err != nil {
		return Assertion{}, err
	}
	if err := signedByOne(token, want.Keys); err != nil {
		return Assertion{}, err
	}
	return Assertion{clientID: c.Subject, id: c.ID, expiresAt: c.ExpiresAt.Time}, nil
}

func parse(assertion string) (jws.Token, claims, error) {
	token, err := jws.Parse(assertion, maxAssertion)
	if err != nil {
		return jws.Token{}, claims{}, err
	}
	if !isType(token.Type) {
		return jws.Token{}, claims{}, errors.New("its typ is that of something else")
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return jws.Token{}, claims{}, err
	}
	return token, c, nil
}

// isType keeps out what the same key may have signed for another purpose, such as
// a DPoP proof (RFC 8725 section 3.11). Most clients send JWT or nothing.
func isType(typ string) bool {
	switch strings.ToLower(typ) {
	case "", "jwt", "client-authentication+jwt":
		return true
	default:
		return false
	}
}

func (c claims) check(want Expect) error {
	switch {
	case want.ClientID == "" || c.Issuer != want.ClientID || c.Subject != want.ClientID:
		return errors.New("its iss and its sub are not both the client_id")
	case !want.isMeant(c.Audience):
		return errors.New("its aud is not this server alone")
	case c.ID == "" || len(c.ID) > maxID:
		return errors.New("its jti must have 1 to 256 bytes")
	default:
		return nil
	}
}

func (e Expect) isMeant(audience jws.Audience) bool {
	isOther := func(name string) bool { return !jws.Audience(e.Audiences).Has(name) }
	return len(audience) > 0 && !slices.ContainsFunc(audience, isOther)
}

func (c claims) checkTimes(now time.Time) error {
	switch {
	case c.ExpiresAt == nil:
		return errors.New("it has no exp")
	case !c.ExpiresAt.After(now.Add(-Skew)):
		return errors.New("its exp has passed")
	case c.ExpiresAt.After(now.Add(MaxLife)):
		return errors.New("its exp is more than an hour ahead")
	case c.NotBefore != nil && c.NotBefore.After(now.Add(Skew)):
		return errors.New("its nbf is in the future")
	case c.IssuedAt != nil && c.IssuedAt.After(now.Add(Skew)):
		return errors.New("its iat is in the future")
	case c.IssuedAt != nil && c.IssuedAt.Before(now.Add(-MaxLife)):
		return errors.New("its iat is more than an hour ago")
	default:
		return nil
	}
}

// signedByOne tries the keys that may have signed.
func signedByOne(token jws.Token, set []byte) error {
	keys, err := parseKeys(set)
	if err != nil {
		return errors.New("the client has no usable keys")
	}
	reason := errors.New("the client has no key of its kid and alg")
	for _, k := range keys {
		if !isNamed(k.KeyID, token.KeyID) || !jws.Fits(k, token.Algorithm) {
			continue
		}
		if reason = token.SignedBy(k); reason == nil {
			return nil
		}
	}
	return reason
}

// isNamed reports whether a key may be the one that a kid names (RFC 7515 section
// 4.1.4). A key without a name, such as one from a PEM file, may be any.
func isNamed(key, kid string) bool { return kid == "" || key == "" || key == kid }
