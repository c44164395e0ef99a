package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"
)

// nonceBucket is how long the same nonce is issued.
const nonceBucket = 2 * time.Minute

// Nonces are the server's nonces (RFC 9449 section 8). They are kept nowhere: each
// is a MAC over a bucket of time, by a key that all nodes share, so that a proof
// cannot be made long before it is used. They are no secret, and the same for
// everybody. The zero Nonces issues none and takes none.
type Nonces struct {
	of   func(bucket int64) string // a closure, so that no printer finds the key
	last *atomic.Pointer[issued]   // what Issue returned last, for every answer carries one
}

// issued is the nonce of a bucket.
type issued struct {
	bucket int64
	nonce  string
}

// NewNonces makes nonces by a key of 32 random bytes. By no key there are none.
func NewNonces(key []byte) Nonces {
	if len(key) == 0 {
		return Nonces{}
	}
	key = slices.Clone(key)
	of := func(bucket int64) string {
		mac := hmac.New(sha256.New, key)
		_ = binary.Write(mac, binary.BigEndian, bucket) // a hash takes all
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return Nonces{of, new(atomic.Pointer[issued])}
}

// Issue returns the nonce of now, for the DPoP-Nonce header.
func (n Nonces) Issue(now time.Time) string {
	if n.of == nil {
		return ""
	}
	present := bucket(now)
	if last := n.last.Load(); last != nil && last.bucket == present {
		return last.nonce
	}
	next := &issued{present, n.of(present)}
	n.last.Store(next)
	return next.nonce
}

// Fresh reports whether a nonce is of this bucket, of the last one, or of the
// next one, which another node's clock may be in. So it lasts two to four minutes.
func (n Nonces) Fresh(now time.Time, nonce string) bool {
	if n.of == nil {
		return false
	}
	fresh := false
	for _, near := range []int64{-1, 0, 1} {
		fresh = hmac.Equal([]byte(nonce), []byte(n.of(bucket(now)+near))) || fresh
	}
	return fresh
}

func bucket(t time.Time) int64 { return t.Unix() / int64(nonceBucket/time.Second) }
