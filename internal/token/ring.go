package token

import (
	"bytes"
	"cmp"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// ErrNoSigner: no key of the ring signs at that time. Plan sees to it that one does.
var ErrNoSigner = errors.New("no key signs at this time")

// Ring is an immutable reading of the server's keys, opened and ready. It is safe
// for use by many goroutines.
type Ring struct {
	signers []*signer // in the order in which they take over
	byID    map[string]*signer
	secret  []byte // of the deriving key; nil: there is none
}

// NewRing opens the keys with the Sealer, which may be nil. Keys of other uses
// are left out; of several deriving keys the oldest is taken. There may be none
// at all, as before the first Plan. The errors are those of Sealer.Open, ErrPlanted,
// and others for a record that holds no fitting key.
func NewRing(keys []auth.Key, s *Sealer) (*Ring, error) {
	r := &Ring{byID: map[string]*signer{}}
	for _, k := range slices.SortedFunc(slices.Values(keys), byAge) {
		if err := r.add(k, s); err != nil {
			return nil, fmt.Errorf("read the server's keys: %w", err)
		}
	}
	if err := s.check(keys); err != nil { // last, for a key file that is mistaken is told first
		return nil, fmt.Errorf("read the server's keys: %w", err)
	}
	slices.SortFunc(r.signers, func(a, b *signer) int { return inOrder(a.key, b.key) })
	return r, nil
}

func byAge(a, b auth.Key) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

func (r *Ring) add(k auth.Key, s *Sealer) error {
	switch k.Use {
	case auth.KeySigns:
		return r.addSigner(k, s)
	case auth.KeyDerives:
		return r.addDeriving(k, s)
	}
	return nil
}

func (r *Ring) addSigner(k auth.Key, s *Sealer) error {
	k, err := s.Open(k)
	if err != nil {
		return err
	}
	sgn, err := newSigner(k)
	if err != nil {
		return fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	r.signers = append(r.signers, sgn)
	r.byID[string(k.ID)] = sgn
	return nil
}

func (r *Ring) addDeriving(k auth.Key, s *Sealer) error {
	k, err := s.Open(k)
	if err != nil {
		return err
	}
	if len(k.Material) != derivingSize {
		return fmt.Errorf("deriving key %s: it has %d bytes, want %d", k.ID, len(k.Material), derivingSize)
	}
	if r.secret == nil {
		r.secret = k.Material
	}
	return nil
}

// signer is the key that signs at the time, or ErrNoSigner.
func (r *Ring) signer(now time.Time) (*signer, error) {
	for _, s := range slices.Backward(r.signers) {
		if signsAt(s.key, now) {
			return s, nil
		}
	}
	return nil, ErrNoSigner
}

// published are the keys that verifiers are to know: the one that signs, those of
// which tokens are still good, and those that are about to sign.
func (r *Ring) published(now time.Time) []*signer {
	var known []*signer
	for _, s := range r.signers {
		if !now.Before(s.key.CreatedAt) && !expired(s.key, now) {
			known = append(known, s)
		}
	}
	return known
}

// JWKS is the JWK Set (RFC 7517 section 5) of the published keys, in JSON.
// Verifiers may keep it for JWKSMaxAge.
func (r *Ring) JWKS(now time.Time) []byte {
	var keys [][]byte
	for _, s := range r.published(now) {
		keys = append(keys, s.jwk)
	}
	return slices.Concat([]byte(`{"keys":[`), bytes.Join(keys, []byte(",")), []byte(`]}`))
}

// Algorithms are those of the published keys, for the metadata.
func (r *Ring) Algorithms(now time.Time) []string {
	var names []string
	for _, s := range r.published(now) {
		if !slices.Contains(names, s.key.Algorithm) {
			names = append(names, s.key.Algorithm)
		}
	}
	return names
}

// Derive computes 32 bytes that are secret, always the same for a label, and tell
// nothing of those of another label. All nodes get the same. It panics when there
// is no deriving key, for anybody could compute what comes of none; Plan makes one.
func (r *Ring) Derive(label string) []byte {
	if r.secret == nil {
		panic("token: a ring without a deriving key derives nothing")
	}
	b, err := hkdf.Key(sha256.New, r.secret, nil, "qrauthd "+label, 32)
	if err != nil {
		panic(err) // only more than 255 hashes are refused
	}
	return b
}

// Format redacts, whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key ring]") }
