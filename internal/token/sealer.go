package token

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// Why keys do not open. Test with errors.Is.
var (
	// ErrSealed: the key is sealed, and there is no key file to open it with.
	ErrSealed = errors.New("the server's keys are sealed: set key_file to the file that they were sealed with")
	// ErrWrongSeal: the key was sealed with another key file, or its record was changed.
	ErrWrongSeal = errors.New("the server's keys do not open with this key file: " +
		"set key_file to the file that they were sealed with; if it is that one, the stored keys were changed: restore a backup")
	// ErrPlanted: the key is not sealed, and others are.
	ErrPlanted = errors.New("it is not sealed although the server's other keys are: " +
		"somebody wrote it to the database who had no key file; find out who, and restore a backup or delete this key from the table keys")
)

const (
	minSealSecret = 32 // bytes
	sealLabel     = "qrauthd key seal v1"
)

// Sealer encrypts keys at rest with the operator's key file, so that a stolen
// database or backup signs nothing. A nil Sealer is that of an operator who has
// no key file: it seals nothing and opens only what is not sealed.
type Sealer struct{ aead cipher.AEAD }

// NewSealer makes a Sealer from the content of the key file. White space around
// it is ignored, so that an editor's last newline makes no other key. What is
// left must have 32 bytes at least.
func NewSealer(secret []byte) (*Sealer, error) {
	secret = bytes.TrimSpace(secret)
	if len(secret) < minSealSecret {
		return nil, fmt.Errorf("the key file has %d bytes, and %d are needed: "+
			"make one with `openssl rand -base64 32 > FILE`, and set key_file to FILE", len(secret), minSealSecret)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, sealLabel, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the sealing key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive the sealing key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive the sealing key: %w", err)
	}
	return &Sealer{aead}, nil
}

// Seal encrypts the key's material. A nil Sealer leaves the key as it is, and so
// does every Sealer one that is sealed already.
func (s *Sealer) Seal(k auth.Key) (auth.Key, error) {
	if s == nil || k.Sealed {
		return k, nil
	}
	if len(k.Material) == 0 {
		return auth.Key{}, fmt.Errorf("seal key %s: there is nothing to seal", k.ID)
	}
	k.Material, k.Sealed = s.aead.Seal(nil, nil, k.Material, sealedWith(k)), true
	return k, nil
}

// check tells a key that was put beside sealed ones by somebody who could not seal
// it. Where none is sealed the key file is new, and all are the server's own. The
// error is ErrPlanted.
func (s *Sealer) check(keys []auth.Key) error {
	isSealed := func(k auth.Key) bool { return k.Sealed }
	if s == nil || !slices.ContainsFunc(keys, isSealed) {
		return nil
	}
	for _, k := range keys {
		if !k.Sealed {
			return fmt.Errorf("key %s: %w", k.ID, ErrPlanted)
		}
	}
	return nil
}

// Open decrypts the key's material; a key that is not sealed stays as it is.
// The errors are ErrSealed and ErrWrongSeal.
func (s *Sealer) Open(k auth.Key) (auth.Key, error) {
	if !k.Sealed {
		return k, nil
	}
	if s == nil {
		return auth.Key{}, fmt.Errorf("open key %s: %w", k.ID, ErrSealed)
	}
	material, err := s.aead.Open(nil, nil, k.Material, sealedWith(k))
	if err != nil {
		return auth.Key{}, fmt.Errorf("open key %s: %w", k.ID, ErrWrongSeal)
	}
	k.Material, k.Sealed = material, false
	return k, nil
}

// Format redacts, whatever the verb.
func (s *Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[sealer]") }

// sealedWith is the associated data: whoever can write to the database can put
// no key in another one's place. Its parts have their lengths before them, so
// that no two keys have the same. The times are not among them: they change.
func sealedWith(k auth.Key) []byte {
	var b []byte
	for _, part := range []string{string(k.ID), string(k.Use), k.Algorithm} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}
