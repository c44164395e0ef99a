package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/qrauthd/qrauthd/internal/grant"
)

// linkKeySize is how much of the HMAC a link carries, in bytes: 48 bits, where each
// wrong one is a guess that is counted.
const linkKeySize = 6

// LinkKey is what a link with the user code carries so that it shows to be this
// server's: whoever follows it did not guess the code.
func (s *Service) LinkKey(ctx context.Context, code grant.UserCode) (string, error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, keys.Links)
	mac.Write([]byte(code))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:linkKeySize]), nil
}

// LinkHolds reports whether the key is the one of the code's link.
func (s *Service) LinkHolds(ctx context.Context, code grant.UserCode, key string) (bool, error) {
	want, err := s.LinkKey(ctx, code)
	return err == nil && hmac.Equal([]byte(key), []byte(want)), err
}
