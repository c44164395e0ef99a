package dpop

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/jws"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// proofType is the typ of every proof (RFC 9449 section 4.2).
const proofType = "dpop+jwt"

// claims are those of RFC 9449 section 4.2, and the times of RFC 7519 section 4.1
// that a careful client may add.
type claims struct {
	ID              string    `json:"jti"`
	Method          string    `json:"htm"`
	URL             string    `json:"htu"`
	IssuedAt        *jws.Date `json:"iat"`
	ExpiresAt       *jws.Date `json:"exp"`
	NotBefore       *jws.Date `json:"nbf"`
	AccessTokenHash *string   `json:"ath"`
	Nonce           string    `json:"nonce"`
}

// Request is what a proof is for. Query and fragment of the URL are left out.
type Request struct {
	Method, URL string
	AccessToken string // at a resource: the token that is sent with the proof
	Nonce       string // the last one that the server gave, if any
}

// Prove returns a new proof for one request: the value of its DPoP header. It
// fails for a zero Key, without a method, and for a URL that is not absolute.
func (k Key) Prove(now time.Time, r Request) (string, error) {
	if k.IsZero() {
		return "", fmt.Errorf("make DPoP proof: %w", errNoKey)
	}
	if r.Method == "" {
		return "", errors.New("make DPoP proof: the request has no method")
	}
	address, err := normal(r.URL)
	if err != nil {
		return "", fmt.Errorf("make DPoP proof: the request's URL is %w", err)
	}
	proof, err := k.sign(payload(now, r, address))
	if err != nil {
		return "", fmt.Errorf("make DPoP proof: %w", err)
	}
	return proof, nil
}

func payload(now time.Time, r Request, address string) map[string]any {
	p := map[string]any{
		"jti": rand.Text(), // 128 bits, more than the 96 of RFC 9449 section 4.2
		"htm": r.Method,
		"htu": address,
		"iat": now.Unix(),
	}
	if r.AccessToken != "" {
		p["ath"] = tokenHash(r.AccessToken)
	}
	if r.Nonce != "" {
		p["nonce"] = r.Nonce
	}
	return p
}

func (k Key) sign(payload map[string]any) (string, error) {
	text, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType(proofType)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.private}, options)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// tokenHash is the ath of RFC 9449 section 4.2.
func tokenHash(accessToken string) string { return secret.From(accessToken).Hash().String() }

// Proof is a proof that was verified.
type Proof struct {
	Thumbprint string    // of the key that signed (RFC 7638): a bound token's jkt
	Nonce      string    // the client's; whether it is fresh is for Nonces
	IssuedAt   time.Time // by the client's clock

	id string // jti
}

// ReplayKey is the same for the same proof only. Of two proofs with one jti by one
// key, the second is a replay (RFC 9449 section 11.1).
func (p Proof) ReplayKey() secret.Hash {
	return secret.From("dpop " + p.Thumbprint + " " + p.id).Hash()
}

// Expires is when the same proof is refused for its age, in whole seconds: from
// then on its ReplayKey need not be remembered.
func (p Proof) Expires() time.Time {
	return p.IssuedAt.Add(MaxAge).Truncate(time.Second).Add(time.Second)
}
