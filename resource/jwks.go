package resource

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/jws"
)

// How long a key set is believed without asking again: what its Cache-Control
// says, within bounds, so that neither a missing nor a mad one does harm. A
// withdrawn key is refused when this is over.
const (
	minFresh     = time.Minute
	defaultFresh = 5 * time.Minute
	maxFresh     = time.Hour
)

// maxKeys is how many keys of a set are looked at.
const maxKeys = 100

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
		// What is not understood is for others (RFC 7517 section 5), and a key without a
		// name is found by no token.
		if key, err := jws.ParseKey(raw); err == nil && key.KeyID != "" {
			set[key.KeyID] = key
		}
	}
	if len(set) == 0 {
		return nil, 0, errors.New("there is no usable key in " + address)
	}
	return set, freshness(header), nil
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
