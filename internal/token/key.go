package token

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/jws"
)

const (
	rsaBits      = jws.MinRSA
	derivingSize = 32 // bytes
)

// errUnfit: the material is not a key of the algorithm that its record names.
var errUnfit = errors.New("the key does not fit its algorithm")

// NewSigningKey makes a key that is published from now on and signs from the
// given time on. Its ID is its thumbprint (RFC 7638), so that no two keys share one.
func NewSigningKey(now, from time.Time, alg Algorithm) (auth.Key, error) {
	private, err := generate(alg)
	if err != nil {
		return auth.Key{}, fmt.Errorf("make signing key: %w", err)
	}
	material, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return auth.Key{}, fmt.Errorf("make signing key: %w", err)
	}
	id, err := thumbprint(private.Public())
	if err != nil {
		return auth.Key{}, fmt.Errorf("make signing key: %w", err)
	}
	return auth.Key{
		ID:        id,
		Use:       auth.KeySigns,
		Algorithm: string(alg),
		Material:  material,
		CreatedAt: stored(now),
		SignsFrom: stored(from),
	}, nil
}

// NewDerivingKey makes the key of Ring.Derive.
func NewDerivingKey(now time.Time) (auth.Key, error) {
	material := make([]byte, derivingSize)
	if _, err := rand.Read(material); err != nil {
		return auth.Key{}, fmt.Errorf("make deriving key: %w", err)
	}
	return auth.Key{
		ID:        auth.KeyID(rand.Text()),
		Use:       auth.KeyDerives,
		Material:  material,
		CreatedAt: stored(now),
		SignsFrom: stored(now),
	}, nil
}

func generate(alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	_, err := ParseAlgorithm(string(alg))
	return nil, err
}

// parse reads the private key of an open record, and refuses one that is not of
// its algorithm or lies under another key's ID.
func parse(k auth.Key) (crypto.Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(k.Material)
	if err != nil {
		return nil, errUnfit // the parser's own words may tell of the key
	}
	private, ok := parsed.(crypto.Signer)
	if !ok || !fits(private, Algorithm(k.Algorithm)) {
		return nil, errUnfit
	}
	switch id, err := thumbprint(private.Public()); {
	case err != nil:
		return nil, err
	case id != k.ID:
		return nil, errors.New("the key is stored under another key's ID")
	}
	return private, nil
}

func fits(private crypto.Signer, alg Algorithm) bool {
	switch k := private.(type) {
	case *ecdsa.PrivateKey:
		return alg == ES256 && k.Curve == elliptic.P256()
	case ed25519.PrivateKey:
		return alg == EdDSA
	case *rsa.PrivateKey:
		return alg == RS256 && k.N.BitLen() >= rsaBits
	}
	return false
}

// thumbprint names a key by its public half (RFC 7638).
func thumbprint(public crypto.PublicKey) (auth.KeyID, error) {
	name, err := jws.Thumbprint(jose.JSONWebKey{Key: public})
	return auth.KeyID(name), err
}

// stored is a time as every store keeps it, so that a key compares equal to
// itself after it was read back.
func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func expired(k auth.Key, now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}

// signsAt reports whether the key may sign; of several, the last one by inOrder does.
func signsAt(k auth.Key, now time.Time) bool {
	return !now.Before(k.SignsFrom) && !expired(k, now)
}

// AnySigns reports whether one of the keys signs at that time.
func AnySigns(keys []auth.Key, now time.Time) bool {
	return slices.ContainsFunc(keys, func(k auth.Key) bool { return k.Use == auth.KeySigns && signsAt(k, now) })
}

// inOrder compares keys by who takes over from whom.
func inOrder(a, b auth.Key) int {
	return cmp.Or(a.SignsFrom.Compare(b.SignsFrom), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}
