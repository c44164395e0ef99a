package sqlite

import (
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// The functions of this file are how values stand in columns, as arguments of a
// statement. Those of row read them again.

// instant is a time in microseconds since the epoch, UTC; NULL is the zero time.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// digest is the 32 bytes of a hash; NULL is the zero hash.
func digest(h secret.Hash) any {
	if h.IsZero() {
		return nil
	}
	return h[:]
}

// key is a hash that a record is found by, where even the zero hash is a value.
func key(h secret.Hash) []byte { return h[:] }

// words is a list without spaces in its elements, joined by spaces.
func words(list []string) string { return strings.Join(list, " ") }

// address is an IP address in text; no address is the empty text.
func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// optional is a text that is NULL when empty, so that a foreign key lets it be.
func optional[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// blob is bytes that are NULL when there are none.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// storedSecret is one of a client's secrets, which stand as a JSON array in the
// order of the list. The times are as in columns of their own.
type storedSecret struct {
	Hash      string `json:"hash"` // in hex, which SQL can write too
	CreatedAt *int64 `json:"created_at"`
	ExpiresAt *int64 `json:"expires_at"`
}

func clientSecrets(list []auth.ClientSecret) (string, error) {
	stored := make([]storedSecret, len(list))
	for i, s := range list {
		stored[i] = storedSecret{hex.EncodeToString(s.Hash[:]), micros(s.CreatedAt), micros(s.ExpiresAt)}
	}
	text, err := json.Marshal(stored)
	return string(text), err
}

func (r *row) clientSecrets() (list []auth.ClientSecret) {
	var stored []storedSecret
	r.object(&stored)
	for _, s := range stored {
		b, err := hex.DecodeString(s.Hash)
		if err != nil {
			r.fail(err)
		}
		h, err := secret.HashFrom(b)
		if err != nil {
			r.fail(err)
		}
		list = append(list, auth.ClientSecret{Hash: h, CreatedAt: ofMicros(s.CreatedAt), ExpiresAt: ofMicros(s.ExpiresAt)})
	}
	return list
}

func micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.UnixMicro()
	return &n
}

func ofMicros(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.UnixMicro(*n).UTC()
}

// policyChange is a JSON object by the tags of auth.PolicyChange. What is said to
// be an empty list reads back as one, and not as if nothing was said.
func policyChange(c auth.PolicyChange) (string, error) {
	c.Networks, c.ReducedScopes = said(c.Networks), said(c.ReducedScopes)
	text, err := json.Marshal(c)
	return string(text), err
}

// said is the list with none that is nil, which JSON could not tell from no list.
func said[S ~[]E, E any](list *S) *S {
	if list != nil && *list == nil {
		return &S{}
	}
	return list
}

func (r *row) policyChange() (c auth.PolicyChange) {
	r.object(&c)
	return c
}
