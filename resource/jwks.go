package resource

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// How long a key set is believed without asking again: what its Cache-Control
// says, within bounds, so that neither a missing nor a mad one does harm. A
// withdrawn key is refused when this is over.
const (
	minFresh     = time.Minute
	defaultFresh = 5 * time.Minute
	maxFresh     = time.Hour
)

const (
	maxKeys    = 100
	minRSABits = 2048 // RFC 7518 section 3.3
)

// keySet is the server's public keys by their kid.
type keySet map[string]jose.JSONWebKey

// fetchKeys fetches the set and how long it is fresh. A set in which nothing is of
// use is an error, so that the one before is kept.
func (s *server) fetchKeys(ctx context.Context, address string) (keySet, time.Duration, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	header, err := s.get(ctx, address, &doc)
	if err != nil {
		return nil, 0, err
	}
	set := make(keySet)
	for _, raw := range doc.Keys[:min(len(doc.Keys), maxKeys)] {
		var key jose.JSONWebKey
		// What is not understood is for others (RFC 7517 section 5).
		if err := json.Unmarshal(raw, &key); err == nil && verifies(key) {
			set[key.KeyID] = key
		}
	}
	if len(set) == 0 {
		return nil, 0, errors.New("there is no usable key in " + address)
	}
	return set, freshness(header), nil
}

// verifies reports whether the key is one by which tokens may be verified: public,
// named, for signatures, of an asymmetric algorithm, and not weak.
func verifies(key jose.JSONWebKey) bool {
	if !key.IsPublic() || !key.Valid() || key.KeyID == "" || key.Use != "" && key.Use != "sig" {
		return false
	}
	public, isRSA := key.Key.(*rsa.PublicKey)
	return !isRSA || public.N.BitLen() >= minRSABits
}

// freshness reads max-age, less the time that the answer lay in other caches (RFC
// 9111 section 4.2).
func freshness(h http.Header) time.Duration {
	life := defaultFresh
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return minFresh
		case "max-age":
			life = seconds(strings.Trim(value, `"`))
		}
	}
	return min(max(life-seconds(h.Get("Age")), minFresh), maxFresh)
}

// seconds is a delta-seconds (RFC 9111 section 1.2.2), zero when it is none and
// bounded where it is absurd.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(n, uint64(24*time.Hour/time.Second))) * time.Second
}
