package dpop

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/jws"
)

const (
	// Skew is what a client's clock may be off by.
	Skew = jws.Skew
	// MaxAge is how old a proof may be by the server's clock: a minute of skew and
	// half a minute on the way.
	MaxAge = 90 * time.Second

	maxProof = 8 << 10 // bytes; one with an RSA key of 4096 bits has under 3 KiB
	maxID    = 256     // bytes of a jti
)

// ErrProof is what every refusal of a proof is. Its text is for the client's
// developer, quotes nothing of the proof, and can be an error_description.
var ErrProof = errors.New("the DPoP proof is not valid")

// Expect is what a proof must be for.
type Expect struct {
	Method string
	// URL is the server's own view of its address (issuer and path), not what the
	// Host header says.
	URL string
	// AccessToken, at a resource, is the token that came with the proof; a request
	// without one is refused before. At the token endpoint there is none, nor a
	// proof that names one.
	AccessToken string
}

// Algorithms are those with which a proof may be signed, for the metadata
// (RFC 9449 section 5.1).
func Algorithms() []string { return jws.Algorithms() }

// Verify checks the values of a request's DPoP header by RFC 9449 section 4.3. Two
// things are left to the caller: that the nonce is fresh, and that the ReplayKey is
// new. Every refusal is ErrProof; another error says that want.URL is no address.
func Verify(now time.Time, header []string, want Expect) (Proof, error) {
	address, err := normal(want.URL)
	if err != nil {
		return Proof{}, fmt.Errorf("verify DPoP proof: the server's own URL is %w", err)
	}
	want.URL = address
	p, err := verify(now, header, want)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return p, nil
}

// verify leaves the signature, which costs the most, for the end.
func verify(now time.Time, header []string, want Expect) (Proof, error) {
	token, err := parse(header)
	if err != nil {
		return Proof{}, err
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return Proof{}, err
	}
	if err := c.check(want); err != nil {
		return Proof{}, err
	}
	if err := c.checkTimes(now); err != nil {
		return Proof{}, err
	}
	thumbprint, err := signer(token)
	if err != nil {
		return Proof{}, err
	}
	return Proof{Thumbprint: thumbprint, Nonce: c.Nonce, IssuedAt: c.IssuedAt.Time, id: c.ID}, nil
}

func parse(header []string) (jws.Token, error) {
	if len(header) != 1 { // section 4.3 item 1
		return jws.Token{}, errors.New("there must be exactly one DPoP header")
	}
	token, err := jws.Parse(header[0], maxProof)
	if err != nil {
		return jws.Token{}, err
	}
	if !strings.EqualFold(token.Type, proofType) { // a media type: RFC 7515 section 4.1.9
		return jws.Token{}, errors.New("its typ is not " + proofType)
	}
	return token, nil
}

// signer returns the thumbprint of the key in the proof, which signed it.
func signer(token jws.Token) (string, error) {
	key, err := token.Key()
	if err != nil {
		return "", err
	}
	if err := token.SignedBy(key); err != nil {
		return "", err
	}
	return jws.Thumbprint(key)
}

// check compares what the proof is for with what it came for.
func (c claims) check(want Expect) error {
	if c.ID == "" || len(c.ID) > maxID {
		return errors.New("its jti must have 1 to 256 bytes")
	}
	if c.Method != want.Method { // methods have a case: RFC 9110 section 9.1
		return errors.New("its htm is not the method of the request")
	}
	if address, err := normal(c.URL); err != nil || address != want.URL {
		return errors.New("its htu is not the address of the request")
	}
	// Without an access token an ath says nothing, and RFC 9449 does not forbid it.
	if tok := want.AccessToken; tok != "" && (c.AccessTokenHash == nil || *c.AccessTokenHash != tokenHash(tok)) {
		return errors.New("its ath is not the hash of the access token")
	}
	return nil
}

func (c claims) checkTimes(now time.Time) error {
	switch {
	case c.IssuedAt == nil:
		return errors.New("it has no iat")
	case c.IssuedAt.After(now.Add(Skew)):
		return errors.New("its iat is in the future")
	case c.IssuedAt.Before(now.Add(-MaxAge)):
		return errors.New("its iat is too long ago")
	case c.NotBefore != nil && c.NotBefore.After(now.Add(Skew)):
		return errors.New("its nbf is in the future")
	case c.ExpiresAt != nil && !c.ExpiresAt.After(now.Add(-Skew)):
		return errors.New("its exp has passed")
	default:
		return nil
	}
}
